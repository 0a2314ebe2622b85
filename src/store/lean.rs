//! One statement for a whole batch, when this process was the last to write.
//!
//! The writer remembers the position and the hash at which it left the log. If they still stand in
//! the head row, the new positions and hashes are right as computed, and one statement moves the
//! head, checks the streams' versions and inserts everything, or does nothing at all. Whatever does
//! not fit (another process wrote, a conflict, a repeated command, unique keys, personal values) is
//! left to the locked form in `batch.rs`.

use super::StoreError;
use super::batch::Rows;
use super::chain::Link;
use super::journal::{Append, AppendError, Receipt};
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

/// The prepared statement.
pub(super) struct Lean(Statement);

impl Lean {
    pub async fn prepare(c: &Client) -> Result<Self, StoreError> {
        // The head row is locked before anything is inserted. If another transaction holds it, the
        // conditions are read again on the row as that one left it, and fail. A version that is too
        // low meets the unique index; one that is too high must be looked for, or it would leave a gap.
        let sql = "with head as (
                update log_head set position = $1, hash = $2
                where log_id = 1 and position = $3 and hash = $4
                  and not exists (
                    select from unnest($5::text[], $6::bigint[]) as w(s, v)
                    where v > 0 and not exists (select from events where log_id = 1 and stream_id = s and version = v))
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
        Ok(Self(c.prepare(sql).await?))
    }
}

/// Whether this form can write `appends`: no unique keys, no personal values, no command twice.
pub(super) fn fits(appends: &[&Append]) -> bool {
    let mut seen = HashSet::with_capacity(appends.len());
    appends.iter().all(|a| {
        a.claims.is_empty() && a.releases.is_empty() && a.vault.is_empty() && seen.insert(a.command_id)
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
) -> Result<Option<(Answers, Tail)>, StoreError> {
    if !fits(appends) {
        return Ok(None);
    }
    let recorded_at = now.trunc_subsecs(6);
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
        if *version != append.expected {
            return Ok(None);
        }
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
    let written: bool = c.query_one(&s.0, &params).await?.get(0);
    Ok(written.then(|| (receipts.into_iter().map(Ok).collect(), Tail { position, hash })))
}
