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

/// The newest snapshot that counts, and the events after it.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn load(
    client: &Client,
    stream_id: &str,
) -> Result<(Option<Snapshot>, Vec<RecordedEvent>), StoreError> {
    let sql = format!("select s.version, s.state::text {STANDING} and s.stream_id = $1");
    let statement = client.prepare_cached(&sql).await?;
    let snapshot = client
        .query_opt(&statement, &[&stream_id, &DOMAIN])
        .await?
        .map(|row| Snapshot { version: row.get(0), state: row.get(1) });
    let from = snapshot.as_ref().map_or(0, |s| s.version);
    Ok((snapshot, log::stream_again(client, stream_id, from).await?))
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
