//! One statement for a whole batch, when this process was the last to write.
//!
//! The writer remembers the position and the hash at which it left the log. If they still stand in
//! the head row, the new positions and hashes are right as computed, and one statement moves the
//! head, checks the streams' versions and inserts everything, or does nothing at all. Whatever does
//! not fit (another process wrote, a conflict, a repeated command, unique keys, personal values) is
//! left to the locked form in `batch.rs`.

use super::StoreError;
use super::chain::Link;
use super::journal::{Append, AppendError, NewEvent, Receipt};
use super::ruling::Rows;
use chrono::{DateTime, SubsecRound, Utc};
use std::collections::{HashMap, HashSet};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// The end of the log.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    /// Position of the last event.
    pub position: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// The prepared statements: for a whole batch, and for a single event, which comes without arrays.
pub(super) struct Lean {
    batch: Statement,
    single: Statement,
}

impl Lean {
    pub async fn prepare(c: &Client) -> Result<Self, StoreError> {
        // The head row is locked before anything is inserted. If another transaction holds it, the
        // conditions are read again on the row as that one left it, and fail. A version that is too
        // low meets the unique index; one that is too high must be looked for, or it would leave a gap.
        // (A scalar subquery, because a semi-join planned on an empty table reads all of it for ever.)
        let sql = "with head as (
                update log_head set position = $1, hash = $2
                where log_id = 1 and position = $3 and hash = $4
                  and not exists (
                    select from unnest($5::text[], $6::bigint[]) as w(s, v)
                    where v > 0 and (select max(version) from events where log_id = 1 and stream_id = s) is distinct from v)
                returning 1),
            written as (
                insert into events (position, stream_id, version, type, type_version, command_id, ix, recorded_at, effective_at, payload, metadata, hash)
                select p, s, v, t, tv, c, i, $14, e, pl::json, m::json, h
                from unnest($7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::smallint[], $12::uuid[], $13::smallint[],
                            $15::timestamptz[], $16::text[], $17::text[], $18::bytea[]) as x(p, s, v, t, tv, c, i, e, pl, m, h)
                where exists (select from head)),
            receipts as (
                insert into command_receipts (command_id, stream_id, position, version, recorded_at)
                select c, s, p, v, $14 from unnest($19::uuid[], $20::text[], $21::bigint[], $22::bigint[]) as x(c, s, p, v)
                where exists (select from head))
            select exists (select from head)";
        let single = "with head as (
                update log_head set position = $1::bigint, hash = $2::bytea
                where log_id = 1 and position = $1::bigint - 1 and hash = $3
                  and ($4::bigint = 0 or (select max(version) from events where log_id = 1 and stream_id = $5::text) = $4::bigint)
                returning 1),
            receipts as (
                insert into command_receipts (command_id, stream_id, position, version, recorded_at)
                select $6::uuid, $5::text, $1::bigint, $4::bigint + 1, $7::timestamptz from head)
            insert into events (position, stream_id, version, type, type_version, command_id, ix, recorded_at, effective_at, payload, metadata, hash)
            select $1::bigint, $5::text, $4::bigint + 1, $8::text, $9::smallint, $6::uuid, 0, $7::timestamptz, $10::timestamptz, $11::text::json, $12::text::json, $2::bytea from head";
        Ok(Self { batch: c.prepare(sql).await?, single: c.prepare(single).await? })
    }
}

/// Whether this form can write `appends`: no unique keys, no personal values, no command twice, on each
/// stream every append expects what the one before it leaves, and what it rests on stands.
pub(super) fn fits(appends: &[&Append], generation: u64) -> bool {
    let mut seen = HashSet::with_capacity(appends.len());
    let mut next: HashMap<&str, i64> = HashMap::with_capacity(appends.len());
    appends.iter().all(|a| {
        let count = i64::try_from(a.events.len()).unwrap_or(i64::MAX);
        let before = next.insert(&a.stream_id, a.expected.saturating_add(count));
        let stands = a.basis.as_ref().is_none_or(|b| b.stands(generation));
        let plain = stands && a.claims.is_empty() && a.releases.is_empty() && a.vault.is_empty();
        plain && seen.insert(a.command_id) && before.is_none_or(|version| version == a.expected)
    })
}

type Answers = Vec<Result<Receipt, AppendError>>;

/// Writes `appends` behind `tail`; `None` if this form does not fit, and then nothing was written.
///
/// # Errors
/// If PostgreSQL refuses, then too nothing was written, or is away.
pub(super) async fn write(
    c: &Client,
    s: &Lean,
    appends: &[&Append],
    now: DateTime<Utc>,
    tail: &Tail,
    generation: u64,
) -> Result<Option<(Answers, Tail)>, StoreError> {
    if !fits(appends, generation) {
        return Ok(None);
    }
    let recorded_at = now.trunc_subsecs(6);
    if let [append] = appends
        && let [event] = append.events.as_slice()
    {
        return write_one(c, &s.single, append, event, recorded_at, tail).await;
    }
    let mut version_of: HashMap<&str, i64> = HashMap::with_capacity(appends.len());
    let (mut streams, mut expected): (Vec<&str>, Vec<i64>) = (Vec::new(), Vec::new());
    let mut rows = Rows::default();
    let mut receipts = Vec::with_capacity(appends.len());
    let (mut position, mut hash) = (tail.position, tail.hash.clone());
    for append in appends {
        let version = version_of.entry(&append.stream_id).or_insert_with(|| {
            streams.push(&append.stream_id);
            expected.push(append.expected);
            append.expected
        });
        for (ix, event) in append.events.iter().enumerate() {
            position += 1;
            *version += 1;
            let link = Link::of(append, event, position, *version, ix, recorded_at);
            hash = link.hash(&hash).to_vec();
            rows.push(&link, &hash);
        }
        receipts.push(Receipt { position, version: *version, replayed: false });
    }
    let ids: Vec<Uuid> = appends.iter().map(|a| a.command_id).collect();
    let owners: Vec<&str> = appends.iter().map(|a| a.stream_id.as_str()).collect();
    let positions: Vec<i64> = receipts.iter().map(|r| r.position).collect();
    let versions: Vec<i64> = receipts.iter().map(|r| r.version).collect();
    let params: [&(dyn ToSql + Sync); 22] = [
        &position,
        &hash,
        &tail.position,
        &tail.hash,
        &streams,
        &expected,
        &rows.position,
        &rows.stream,
        &rows.version,
        &rows.kind,
        &rows.type_version,
        &rows.command,
        &rows.ix,
        &recorded_at,
        &rows.effective,
        &rows.payload,
        &rows.metadata,
        &rows.hash,
        &ids,
        &owners,
        &positions,
        &versions,
    ];
    let written: bool = c.query_one(&s.batch, &params).await?.get(0);
    Ok(written.then(|| (receipts.into_iter().map(Ok).collect(), Tail { position, hash })))
}

async fn write_one(
    c: &Client,
    s: &Statement,
    append: &Append,
    event: &NewEvent,
    recorded_at: DateTime<Utc>,
    tail: &Tail,
) -> Result<Option<(Answers, Tail)>, StoreError> {
    let (position, version) = (tail.position + 1, append.expected + 1);
    let link = Link::of(append, event, position, version, 0, recorded_at);
    let hash = link.hash(&tail.hash).to_vec();
    let params: [&(dyn ToSql + Sync); 12] = [
        &position,
        &hash,
        &tail.hash,
        &append.expected,
        &append.stream_id,
        &append.command_id,
        &recorded_at,
        &event.kind,
        &event.type_version,
        &link.effective_at,
        &event.payload,
        &append.metadata,
    ];
    let written = c.execute(s, &params).await? == 1;
    let receipt = Receipt { position, version, replayed: false };
    Ok(written.then(|| (vec![Ok(receipt)], Tail { position, hash })))
}
