//! Snapshots of aggregates with long streams.
//!
//! A snapshot is used only by the build of the domain that wrote it, and only if the event it was
//! taken at still stands in the log with the same link of the hash chain. So neither a changed rule
//! nor another log under the same database can bring a state that the events do not give.

use super::event::RecordedEvent;
use super::{Client, StoreError, log};
use std::collections::HashMap;
use tokio_postgres::GenericClient;

/// Events that a stream grows by before its state is kept again.
pub const EVERY: i64 = 100;
/// A fingerprint of the domain's source, made at build time.
const DOMAIN: &str = env!("DOMAIN_FINGERPRINT");

/// Where a snapshot stands among the rows of its events: before the first position.
const NO_POSITION: i64 = 0;
/// A snapshot in the columns of an event: version and state say something, the others fill.
const KEPT: &str = "0::bigint, ''::text, version, ''::text, 0::smallint, '00000000-0000-0000-0000-000000000000'::uuid, 0::smallint,
    'epoch'::timestamptz, 'epoch'::timestamptz, state, ''::text, ''::bytea";

/// A state as it was kept.
pub(super) struct Snapshot {
    /// Version of the stream.
    pub version: i64,
    /// The state as JSON text.
    pub state: String,
}

/// Snapshots that count: of this build, and of an event that stands.
const STANDING: &str = "from snapshots s
    join events e on e.log_id = s.log_id and e.stream_id = s.stream_id and e.version = s.version and e.hash = s.hash
    where s.log_id = 1 and s.domain = $2";

/// The newest snapshot that counts, and the events after it: one statement, so one moment, and prepared once on
/// each connection.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn load(
    client: &Client,
    stream_id: &str,
) -> Result<(Option<Snapshot>, Vec<RecordedEvent>), StoreError> {
    let sql = format!(
        "with kept as materialized (
             select s.version, s.state::text as state {STANDING} and s.stream_id = $1)
         select {KEPT} from kept
         union all
         select {COLUMNS} from events
         where log_id = 1 and stream_id = $1 and version > coalesce((select version from kept), 0)",
        COLUMNS = log::COLUMNS
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&stream_id, &DOMAIN]).await?;
    let (mut snapshot, mut events) = (None, Vec::with_capacity(rows.len()));
    for row in rows {
        if row.get::<_, i64>(0) == NO_POSITION {
            snapshot = Some(Snapshot { version: row.get(2), state: row.get(9) });
        } else {
            events.push(log::read(&row)?);
        }
    }
    // The index gives them in order, but the statement does not ask for it: then the snapshot would be sorted, too.
    events.sort_by_key(|event: &RecordedEvent| event.version);
    Ok((snapshot, events))
}

/// The newest snapshots that count of several streams, by stream.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn load_many(
    client: &Client,
    streams: &[String],
) -> Result<HashMap<String, Snapshot>, StoreError> {
    let sql = format!("select s.stream_id, s.version, s.state::text {STANDING} and s.stream_id = any($1)");
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&streams, &DOMAIN]).await?;
    let read = |row: &tokio_postgres::Row| (row.get(0), Snapshot { version: row.get(1), state: row.get(2) });
    Ok(rows.iter().map(read).collect())
}

/// Keeps `state` as the one after `version` events, unless a newer one is kept.
///
/// # Errors
/// If the database refuses.
pub(super) async fn keep<C: GenericClient>(
    client: &C,
    stream_id: &str,
    version: i64,
    state: &str,
) -> Result<(), StoreError> {
    let sql = "insert into snapshots as s (stream_id, version, hash, domain, state)
               select stream_id, version, hash, $3, $4::text::json from events
               where log_id = 1 and stream_id = $1 and version = $2
               on conflict (log_id, stream_id) do update
               set version = excluded.version, hash = excluded.hash, domain = excluded.domain,
                   state = excluded.state, taken_at = now()
               where s.domain <> excluded.domain or s.version < excluded.version";
    client.execute(sql, &[&stream_id, &version, &DOMAIN, &state]).await?;
    Ok(())
}
