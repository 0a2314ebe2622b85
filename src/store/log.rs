//! Reading the log: by position for those who follow it, by stream for those who rebuild one
//! aggregate, and from end to end for those who verify it.

use super::chain::Link;
use super::event::{Metadata, RecordedEvent};
use super::journal::Receipt;
use super::payload::{JsonText, Payload};
use super::signed_note::Checkpoint;
use super::{Client, StoreError};
use std::collections::BTreeMap;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

pub(super) const COLUMNS: &str = "position, stream_id, version, type, type_version, command_id, ix, recorded_at, effective_at, payload::text, metadata::text, hash";

/// What [`read`] needs of an event.
pub(super) const READ: &str = "position, stream_id, version, type, type_version, command_id, ix, recorded_at, effective_at, payload, metadata";

/// Events after `position` in order, at most `limit`, none beyond `until` (inclusive) if given.
///
/// # Errors
/// If the database cannot be read, or an event's metadata is not in a known form.
pub async fn after<C: GenericClient>(
    client: &C,
    position: i64,
    until: Option<i64>,
    limit: i64,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let until = until.unwrap_or(i64::MAX);
    let statement = client.prepare(&page_of()).await?;
    client.query(&statement, &[&position, &until, &limit]).await?.iter().map(read).collect()
}

/// As [`after`], for those who read one page after the other: the connection keeps the statement.
///
/// # Errors
/// As [`after`].
pub async fn page(
    client: &Client,
    position: i64,
    until: Option<i64>,
    limit: i64,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let until = until.unwrap_or(i64::MAX);
    let statement = client.prepare_cached(&page_of()).await?;
    client.query(&statement, &[&position, &until, &limit]).await?.iter().map(read).collect()
}

fn page_of() -> String {
    format!(
        "select {READ} from events where log_id = 1 and position > $1 and position <= $2 order by position limit $3"
    )
}

/// Events after `position` in order, at most `limit`: of one stream, of one type, of streams of some
/// kinds (what stands before the first hyphen of a stream's name); `None` asks for all.
///
/// # Errors
/// As [`after`].
pub async fn filtered<C: GenericClient>(
    client: &C,
    position: i64,
    limit: i64,
    stream: &Option<String>,
    kind: &Option<String>,
    kinds: &Option<Vec<String>>,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let sql = format!(
        "select {READ} from events where log_id = 1 and position > $1
             and ($3::text is null or stream_id = $3) and ($4::text is null or type = $4)
             and ($5::text[] is null or split_part(stream_id, '-', 1) = any($5))
         order by position limit $2"
    );
    let statement = client.prepare(&sql).await?;
    client.query(&statement, &[&position, &limit, stream, kind, kinds]).await?.iter().map(read).collect()
}

/// All events of a stream after `version`, in order.
///
/// # Errors
/// As [`after`].
pub async fn stream(
    client: &Client,
    stream_id: &str,
    version: i64,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let sql = format!(
        "select {READ} from events where log_id = 1 and stream_id = $1 and version > $2 order by version"
    );
    let statement = client.prepare_cached(&sql).await?;
    client.query(&statement, &[&stream_id, &version]).await?.iter().map(read).collect()
}

/// All events of several streams, each after a version of its own: stream after stream, each in order.
///
/// # Errors
/// As [`after`].
pub(super) async fn streams(
    client: &Client,
    streams: &[String],
    versions: &[i64],
) -> Result<Vec<RecordedEvent>, StoreError> {
    let sql = format!(
        "select {READ} from unnest($1::text[], $2::bigint[]) as wanted(stream, since)
         join events on log_id = 1 and stream_id = stream and version > since"
    );
    let statement = client.prepare_cached(&sql).await?;
    let rows = client.query(&statement, &[&streams, &versions]).await?;
    let mut events = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    // Here, because PostgreSQL would write what is more than its memory for sorting to the disk.
    events.sort_by(|a, b| (&a.stream_id, a.version).cmp(&(&b.stream_id, b.version)));
    Ok(events)
}

/// The smallest thing that writes WAL in a transaction of its own.
pub(super) const BARRIER: &str = "select pg_logical_emit_message(true, 'kinora', '')";

/// As [`BARRIER`], on a connection that may be one whose commits do not wait: this one does.
const SETTLE: &str =
    "select set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'kinora', '')";

/// Waits until everything that can be read in the log now is durable, whichever process wrote it: the
/// journal commits under load before the disk has it. Whoever acts outside the database on what was
/// read, or tells somebody that it stands, asks for this first.
///
/// # Errors
/// If the database is away.
pub async fn settle<C: GenericClient>(client: &C) -> Result<(), StoreError> {
    client.query_one(SETTLE, &[]).await?;
    Ok(())
}

/// The version of a stream, 0 for none; everything that was seen is durable, as after [`settle`].
///
/// # Errors
/// If the database is away.
pub async fn settled_version(client: &Client, stream_id: &str) -> Result<i64, StoreError> {
    let sql = "select coalesce((select max(version) from events where log_id = 1 and stream_id = $1), 0),
               set_config('synchronous_commit', 'on', true), pg_logical_emit_message(true, 'kinora', '')";
    Ok(client.query_one(&client.prepare_cached(sql).await?, &[&stream_id]).await?.get(0))
}

/// Version and position of a stream's last event; zeros for none.
///
/// # Errors
/// If the database is away.
pub async fn end_of_stream(client: &Client, stream_id: &str) -> Result<(i64, i64), StoreError> {
    let sql = "select version, position from events where log_id = 1 and stream_id = $1 order by version desc limit 1";
    let row = client.query_opt(&client.prepare_cached(sql).await?, &[&stream_id]).await?;
    Ok(row.map_or((0, 0), |row| (row.get(0), row.get(1))))
}

/// Where the events of a command that was executed stand, if it was.
///
/// # Errors
/// If the database is away.
pub async fn receipt(client: &Client, command: Uuid) -> Result<Option<Receipt>, StoreError> {
    let sql = "select position, version from command_receipts where log_id = 1 and command_id = $1";
    let row = client.query_opt(&client.prepare_cached(sql).await?, &[&command]).await?;
    Ok(row.map(|r| Receipt { position: r.get(0), version: r.get(1), replayed: true }))
}

/// Position of the last committed event; 0 for an empty log.
///
/// # Errors
/// If the database cannot be read.
pub async fn head<C: GenericClient>(client: &C) -> Result<i64, StoreError> {
    Ok(client.query_one("select position from log_head where log_id = 1", &[]).await?.get(0))
}

pub(super) fn read(row: &Row) -> Result<RecordedEvent, StoreError> {
    let (position, kind): (i64, String) = (row.get(0), row.get(3));
    let unreadable = |e: serde_json::Error| {
        StoreError::Unreadable(format!("event at position {position} ({kind}) cannot be read: {e}"))
    };
    let (JsonText(payload), JsonText(metadata)) = (row.get(9), row.get(10));
    let mut metadata: Metadata = serde_json::from_str(metadata).map_err(unreadable)?;
    metadata.at = row.get(8);
    Ok(RecordedEvent {
        position,
        stream_id: row.get(1),
        version: row.get(2),
        type_version: row.get(4),
        command_id: row.get(5),
        ix: row.get(6),
        recorded_at: row.get(7),
        effective_at: metadata.at,
        kind,
        payload: Payload::of(payload),
        metadata,
    })
}

/// What a verification of the log found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Verification {
    /// Whether every event is as it was written.
    pub ok: bool,
    /// Up to which position it was read.
    pub events: i64,
    /// Signed checkpoints it was held against.
    pub checkpoints: i64,
    /// The first event that is not as it was written.
    pub first_bad_position: Option<i64>,
    /// What is wrong there.
    pub reason: Option<String>,
}

/// A verification that failed.
pub(super) fn bad(position: i64, events: i64, reason: &str) -> Verification {
    let reason = Some(reason.to_owned());
    Verification { ok: false, events, checkpoints: 0, first_bad_position: Some(position), reason }
}

/// Follows the hash chain, a page at a time, from `start` (a position and the link there; `None`: from
/// the first event), and compares it with the signed checkpoints; `progress` is told the position.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn verify<C: GenericClient>(
    client: &C,
    start: Option<(i64, Vec<u8>)>,
    checkpoints: &BTreeMap<i64, Vec<Checkpoint>>,
    mut progress: impl FnMut(i64, i64),
) -> Result<Verification, StoreError> {
    let head = client.query_one("select position, hash from log_head where log_id = 1", &[]).await?;
    let (end, end_hash): (i64, Vec<u8>) = (head.get(0), head.get(1));
    let statement = client
        .prepare(&format!(
            "select {COLUMNS} from events where log_id = 1 and position > $1 order by position limit 2000"
        ))
        .await?;
    let (mut at, mut hash) = start.unwrap_or_else(|| (0, vec![0_u8; super::chain::HASH_LEN]));
    while at < end {
        let rows = client.query(&statement, &[&at]).await?;
        if rows.is_empty() {
            return Ok(bad(at + 1, at, "the events from here on are missing"));
        }
        for row in rows {
            let position: i64 = row.get(0);
            if position > end {
                break; // written while we read
            }
            if position != at + 1 {
                return Ok(bad(at + 1, at, "an event is missing"));
            }
            hash = link(&row).hash(&hash).to_vec();
            if hash != row.get::<_, Vec<u8>>(11) {
                let reason = "the event or one before it was changed: its hash does not follow";
                return Ok(bad(position, at, reason));
            }
            if checkpoints.get(&position).is_some_and(|all| all.iter().any(|c| c.hash != hash)) {
                let reason =
                    "this event or one before it is not the one that the checkpoint here was signed for";
                return Ok(bad(position, at, reason));
            }
            at = position;
        }
        progress(at, end);
    }
    if hash != end_hash {
        return Ok(bad(end, end, "the head of the log does not match its last event"));
    }
    if let Some((covered, all)) = checkpoints.range(end + 1..).next_back() {
        let when = all.first().map(|c| c.at.to_rfc3339()).unwrap_or_default();
        let reason =
            format!("the log ends here, but the checkpoint signed at {when} covers {covered} events");
        return Ok(bad(end + 1, end, &reason));
    }
    Ok(Verification { ok: true, events: end, checkpoints: 0, first_bad_position: None, reason: None })
}

fn link(row: &Row) -> Link<'_> {
    Link {
        position: row.get(0),
        stream_id: row.get(1),
        version: row.get(2),
        kind: row.get(3),
        type_version: row.get(4),
        command_id: row.get(5),
        ix: row.get(6),
        recorded_at: row.get(7),
        effective_at: row.get(8),
        payload: row.get(9),
        metadata: row.get(10),
    }
}

/// One event as it enters the chain, for those who want to check the chain themselves.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Place in the log.
    pub position: i64,
    /// The link here.
    pub hash: Vec<u8>,
    /// What is hashed after the link before.
    pub bytes: Vec<u8>,
}

/// Events after `position` as they enter the chain, at most `limit`, none beyond `until`.
///
/// # Errors
/// If the database cannot be read.
pub async fn proof<C: GenericClient>(
    client: &C,
    position: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<Proof>, StoreError> {
    let sql = format!(
        "select {COLUMNS} from events where log_id = 1 and position > $1 and position <= $2 order by position limit $3"
    );
    let rows = client.query(&client.prepare(&sql).await?, &[&position, &until, &limit]).await?;
    Ok(rows.iter().map(|r| Proof { position: r.get(0), hash: r.get(11), bytes: link(r).bytes() }).collect())
}

/// Where the events of some streams stand, none beyond `until`, in order.
///
/// # Errors
/// If the database cannot be read.
pub async fn positions_of<C: GenericClient>(
    client: &C,
    streams: &[String],
    until: i64,
) -> Result<Vec<i64>, StoreError> {
    let sql =
        "select position from events where log_id = 1 and stream_id = any($1) and position <= $2 order by 1";
    let rows = client.query(&client.prepare(sql).await?, &[&streams, &until]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Stream and position of the events of a category in whose payload an id stands, none beyond `until`. All events
/// of the category are looked through: for categories that do not have many.
///
/// # Errors
/// If the database cannot be read.
pub async fn naming<C: GenericClient>(
    client: &C,
    category: &str,
    id: Uuid,
    until: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    // Names of streams are compared byte by byte, and a dot follows the hyphen.
    let (from, to) = (format!("{category}-"), format!("{category}."));
    let sql = "select stream_id, position from events where log_id = 1 and stream_id >= $1 and stream_id < $2
        and position <= $3 and strpos(payload::text, $4) > 0 order by position";
    let rows = client.query(&client.prepare(sql).await?, &[&from, &to, &until, &id.to_string()]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Events at `positions` as they stand in the log, and which of them do not follow, by their hash, from the
/// event before them.
///
/// # Errors
/// If the database cannot be read.
pub async fn check<C: GenericClient>(
    client: &C,
    positions: &[i64],
) -> Result<(Vec<RecordedEvent>, Vec<i64>), StoreError> {
    let mut wanted: Vec<i64> = positions.iter().flat_map(|p| [*p, *p - 1]).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let sql =
        format!("select {COLUMNS} from events where log_id = 1 and position = any($1) order by position");
    let rows = client.query(&client.prepare(&sql).await?, &[&wanted]).await?;
    let hashes: BTreeMap<i64, Vec<u8>> = rows.iter().map(|r| (r.get(0), r.get(11))).collect();
    let (mut events, mut bad) = (Vec::new(), Vec::new());
    for position in positions {
        let Some(row) = rows.iter().find(|r| r.get::<_, i64>(0) == *position) else {
            bad.push(*position);
            continue;
        };
        let first = vec![0_u8; super::chain::HASH_LEN];
        let before = if *position == 1 { Some(&first) } else { hashes.get(&(*position - 1)) };
        if before.is_none_or(|hash| link(row).hash(hash).as_slice() != row.get::<_, Vec<u8>>(11)) {
            bad.push(*position);
        }
        events.push(read(row)?);
    }
    Ok((events, bad))
}
