//! One statement for a whole batch, when this process was the last to write.
//!
//! The writer remembers the position and the hash at which it left the log. If they still stand in
//! the head row, the new positions and hashes are right as computed, and one statement moves the
//! head, checks the streams' versions and inserts everything, or does nothing at all. Whatever does
//! not fit (another process wrote, a conflict, a repeated command, unique keys, personal values) is
//! left to the locked form in `batch.rs`.
//!
//! Because a statement does nothing unless the one before it did all it should, the next may be sent
//! before the answer to the last is there.

use super::StoreError;
use super::chain::{HASH_LEN, Link};
use super::journal::{Append, Receipt};
use super::left::{Left, Tail};
use bytes::BytesMut;
use chrono::{DateTime, SubsecRound, Utc};
use futures_util::stream::{FuturesOrdered, StreamExt};
use std::collections::{HashMap, HashSet};
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// The prepared statements: for a whole batch, and for a single event, which comes without arrays.
pub(super) struct Lean {
    batch: Statement,
    /// On a stream whose version is known.
    single: Statement,
    /// On a stream that must be looked up. Apart, because PostgreSQL opens all tables that a statement names
    /// each time, whether or not it comes to read them.
    single_looked_up: Statement,
}

impl Lean {
    pub async fn prepare(c: &Client) -> Result<Self, StoreError> {
        // The head row is locked before anything is inserted. If another transaction holds it, the
        // conditions are read again on the row as that one left it, and fail. A version that is too
        // low meets the unique index; one that is too high must be looked for, or it would leave a gap.
        // (A scalar subquery, because a semi-join planned on an empty table reads all of it for ever.)
        // Arrays are unfolded in the select list: as a table function they would be stored in between.
        let sql = "with head as (
                update log_head set position = $1, hash = $2
                where log_id = 1 and position = $3 and hash = $4
                  and not exists (
                    select from unnest($5::text[], $6::bigint[]) as w(s, v)
                    where (select max(version) from events where log_id = 1 and stream_id = s) is distinct from v)
                returning 1),
            written as (
                insert into events (position, stream_id, version, type, type_version, command_id, ix, recorded_at, effective_at, payload, metadata, hash)
                select p, s, v, t, tv, c, i, $14, e, pl, m, h
                from (select unnest($7::bigint[]) as p, unnest($8::text[]) as s, unnest($9::bigint[]) as v, unnest($10::text[]) as t,
                             unnest($11::smallint[]) as tv, unnest($12::uuid[]) as c, unnest($13::smallint[]) as i,
                             unnest($15::timestamptz[]) as e, unnest($16::json[]) as pl, unnest($17::json[]) as m, unnest($18::bytea[]) as h) as x
                where exists (select from head)),
            receipts as (
                insert into command_receipts (command_id, stream_id, position, version, recorded_at)
                select c, s, p, v, $14
                from (select unnest($19::uuid[]) as c, unnest($20::text[]) as s, unnest($21::bigint[]) as p, unnest($22::bigint[]) as v) as x
                where exists (select from head))
            select exists (select from head)";
        let single = |condition: &str| {
            format!(
                "with head as (
                update log_head set position = $1::bigint, hash = $2::bytea
                where log_id = 1 and position = $1::bigint - 1 and hash = $3 {condition}
                returning 1),
            receipts as (
                insert into command_receipts (command_id, stream_id, position, version, recorded_at)
                select $6::uuid, $5::text, $1::bigint, $4::bigint + 1, $7::timestamptz from head)
            insert into events (position, stream_id, version, type, type_version, command_id, ix, recorded_at, effective_at, payload, metadata, hash)
            select $1::bigint, $5::text, $4::bigint + 1, $8::text, $9::smallint, $6::uuid, 0, $7::timestamptz, $10::timestamptz, $11::json, $12::json, $2::bytea from head"
            )
        };
        let stands =
            "and (select max(version) from events where log_id = 1 and stream_id = $5::text) = $4::bigint";
        Ok(Self {
            batch: c.prepare(sql).await?,
            single: c.prepare(&single("")).await?,
            single_looked_up: c.prepare(&single(stands)).await?,
        })
    }
}

/// Whether this form can write `appends`: no unique keys, no personal values, no command twice, on each
/// stream every append expects what the one before it leaves and what is known of it, and what it rests
/// on stands.
pub(super) fn fits(appends: &[&Append], left: &Left, generation: u64) -> bool {
    let mut seen = HashSet::with_capacity(appends.len());
    let mut next: HashMap<&str, i64> = HashMap::with_capacity(appends.len());
    appends.iter().all(|a| {
        let count = i64::try_from(a.events.len()).unwrap_or(i64::MAX);
        let before = next
            .insert(&a.stream_id, a.expected.saturating_add(count))
            .or_else(|| left.version(&a.stream_id));
        let stands = a.basis.as_ref().is_none_or(|b| b.stands(generation));
        let plain = stands && a.claims.is_empty() && a.releases.is_empty() && a.vault.is_empty();
        plain && seen.insert(a.command_id) && before.is_none_or(|version| version == a.expected)
    })
}

/// Where the events of a batch come to stand.
#[derive(Debug)]
pub(super) struct Plan {
    /// The answers, if nothing stands in the way.
    pub receipts: Vec<Receipt>,
    /// Hash of each event.
    hashes: Vec<[u8; HASH_LEN]>,
    /// Where the log must end.
    from: Tail,
    /// Where it then ends.
    to: Tail,
    /// Appends whose stream's version is not known and must be looked up.
    unknown: Vec<usize>,
    recorded_at: DateTime<Utc>,
}

/// Places `appends`, which must fit, behind what was left, and leaves the log behind them.
pub(super) fn plan(appends: &[&Append], now: DateTime<Utc>, left: &mut Left) -> Plan {
    let recorded_at = now.trunc_subsecs(6);
    let from = left.tail.clone();
    let mut position = from.position;
    let mut hashes: Vec<[u8; HASH_LEN]> = Vec::with_capacity(appends.len());
    let mut receipts = Vec::with_capacity(appends.len());
    let mut unknown = Vec::new();
    for (i, append) in appends.iter().enumerate() {
        if append.expected > 0 && left.version(&append.stream_id).is_none() {
            unknown.push(i);
        }
        let mut version = append.expected;
        for (ix, event) in append.events.iter().enumerate() {
            position += 1;
            version += 1;
            let previous = hashes.last().map_or(from.hash.as_slice(), |h| h);
            hashes.push(Link::of(append, event, position, version, ix, recorded_at).hash(previous));
        }
        left.wrote(&append.stream_id, version);
        receipts.push(Receipt { position, version, replayed: false });
    }
    let hash = hashes.last().map_or_else(|| from.hash.clone(), |h| h.to_vec());
    let to = Tail { position, hash };
    left.tail = to.clone();
    Plan { receipts, hashes, from, to, unknown, recorded_at }
}

/// JSON text as it stands, into a parameter of type `json`.
#[derive(Debug)]
struct Json<'a>(&'a str);

impl ToSql for Json<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSON);
    to_sql_checked!();
}

/// Writes `appends` as planned; false if the log did not end where the plan begins or a version was
/// another one, and then nothing was written.
///
/// # Errors
/// If PostgreSQL refuses, then too nothing was written, or is away.
pub(super) async fn write(
    c: &Client,
    s: &Lean,
    appends: &[&Append],
    plan: &Plan,
) -> Result<bool, StoreError> {
    if appends.len() == 1 && are_few(appends) {
        return write_each(c, s, appends, plan).await.map(|count| count == 1).map_err(|(_, error)| error);
    }
    let count = plan.hashes.len();
    let mut rows = Columns::with_capacity(count);
    let mut hashes = plan.hashes.iter();
    let mut position = plan.from.position;
    for append in appends {
        let effective = append.effective_at.trunc_subsecs(6);
        let mut version = append.expected;
        for ((ix, event), hash) in append.events.iter().enumerate().zip(&mut hashes) {
            position += 1;
            version += 1;
            rows.position.push(position);
            rows.stream.push(&append.stream_id);
            rows.version.push(version);
            rows.kind.push(&event.kind);
            rows.type_version.push(event.type_version);
            rows.command.push(append.command_id);
            rows.ix.push(i16::try_from(ix).unwrap_or(i16::MAX));
            rows.effective.push(effective);
            rows.payload.push(Json(&event.payload));
            rows.metadata.push(Json(&append.metadata));
            rows.hash.push(hash);
        }
    }
    let unknown = || plan.unknown.iter().filter_map(|i| appends.get(*i));
    let streams: Vec<&str> = unknown().map(|a| a.stream_id.as_str()).collect();
    let expected: Vec<i64> = unknown().map(|a| a.expected).collect();
    let ids: Vec<Uuid> = appends.iter().map(|a| a.command_id).collect();
    let owners: Vec<&str> = appends.iter().map(|a| a.stream_id.as_str()).collect();
    let positions: Vec<i64> = plan.receipts.iter().map(|r| r.position).collect();
    let versions: Vec<i64> = plan.receipts.iter().map(|r| r.version).collect();
    let params: [&(dyn ToSql + Sync); 22] = [
        &plan.to.position,
        &plan.to.hash,
        &plan.from.position,
        &plan.from.hash,
        &streams,
        &expected,
        &rows.position,
        &rows.stream,
        &rows.version,
        &rows.kind,
        &rows.type_version,
        &rows.command,
        &rows.ix,
        &plan.recorded_at,
        &rows.effective,
        &rows.payload,
        &rows.metadata,
        &rows.hash,
        &ids,
        &owners,
        &positions,
        &versions,
    ];
    Ok(c.query_one(&s.batch, &params).await?.get(0))
}

/// Rows of events, column by column, borrowed from their appends.
#[derive(Debug, Default)]
struct Columns<'a> {
    position: Vec<i64>,
    stream: Vec<&'a str>,
    version: Vec<i64>,
    kind: Vec<&'a str>,
    type_version: Vec<i16>,
    command: Vec<Uuid>,
    ix: Vec<i16>,
    effective: Vec<DateTime<Utc>>,
    payload: Vec<Json<'a>>,
    metadata: Vec<Json<'a>>,
    hash: Vec<&'a [u8]>,
}

impl Columns<'_> {
    fn with_capacity(count: usize) -> Self {
        Self {
            position: Vec::with_capacity(count),
            stream: Vec::with_capacity(count),
            version: Vec::with_capacity(count),
            kind: Vec::with_capacity(count),
            type_version: Vec::with_capacity(count),
            command: Vec::with_capacity(count),
            ix: Vec::with_capacity(count),
            effective: Vec::with_capacity(count),
            payload: Vec::with_capacity(count),
            metadata: Vec::with_capacity(count),
            hash: Vec::with_capacity(count),
        }
    }
}

/// Appends for which a statement each, sent together, costs PostgreSQL less than one for all.
const FEW: usize = 8;

/// Whether `appends` are better written by [`write_each`].
pub(super) fn are_few(appends: &[&Append]) -> bool {
    appends.len() <= FEW && appends.iter().all(|a| a.events.len() == 1)
}

/// Writes [few](are_few) appends as planned, each in a transaction of its own, sent together. Gives how many were
/// written: as each does nothing unless the log ends where the one before it leaves it, those are the first.
///
/// # Errors
/// As [`write`], with how many were written before; whether more were is not known.
pub(super) async fn write_each(
    c: &Client,
    s: &Lean,
    appends: &[&Append],
    plan: &Plan,
) -> Result<usize, (usize, StoreError)> {
    let mut sent = FuturesOrdered::new();
    let mut previous = plan.from.hash.as_slice();
    for (i, ((append, receipt), hash)) in appends.iter().zip(&plan.receipts).zip(&plan.hashes).enumerate() {
        let statement = if plan.unknown.contains(&i) { &s.single_looked_up } else { &s.single };
        sent.push_back(write_one(c, statement, append, (receipt.position, hash, previous), plan));
        previous = hash;
    }
    let mut count = 0;
    let mut whole = true;
    while let Some(written) = sent.next().await {
        match written {
            Ok(written) => {
                whole &= written;
                count += usize::from(whole);
            }
            Err(error) => return Err((count, error)),
        }
    }
    Ok(count)
}

async fn write_one(
    c: &Client,
    s: &Statement,
    append: &Append,
    (position, hash, previous): (i64, &[u8; HASH_LEN], &[u8]),
    plan: &Plan,
) -> Result<bool, StoreError> {
    let Some(event) = append.events.first() else { return Ok(false) };
    let params: [&(dyn ToSql + Sync); 12] = [
        &position,
        &hash.as_slice(),
        &previous,
        &append.expected,
        &append.stream_id,
        &append.command_id,
        &plan.recorded_at,
        &event.kind,
        &event.type_version,
        &append.effective_at.trunc_subsecs(6),
        &Json(&event.payload),
        &Json(&append.metadata),
    ];
    Ok(c.execute(s, &params).await? == 1)
}
