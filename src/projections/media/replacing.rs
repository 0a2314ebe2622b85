//! A new file in the place of the old one: what of it stands in the row of the work until it plays, and the
//! originals that a work holds beside its own.

use super::{ProjectionError, json, long};
use crate::domain::media::{Facts, Kind, Original};
use crate::domain::shared::PersonalRef;
use crate::projections::{QueryError, Reader};
use crate::store::Transaction;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Part of an SQL statement: everything is as it was before the new file came.
const RESTORED: &str =
    "processing = next -> 'before' ->> 'processing', reason = next -> 'before' ->> 'reason',
     step = next -> 'before' ->> 'step', since = (next -> 'before' ->> 'since')::timestamptz,
     generation = (next -> 'before' ->> 'generation')::integer, next = null";

/// A new file that is being processed while the one before still plays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Next {
    /// Hash of the original.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Ending of its name on the uploader's machine.
    pub ending: String,
    /// Name on the uploader's machine; none once the work is removed.
    #[serde(default)]
    pub file_name: Option<PersonalRef>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// What it is, once that is known.
    pub kind: Option<Kind>,
    /// Round of processing that people see in the state before.
    pub before: Before,
}

/// How far processing of the former file was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// Its round.
    pub generation: u32,
}

/// The last new file that was not accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// Why, in words for its owner.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An original that a work holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The work.
    pub media: Uuid,
    /// The round that it came with.
    pub round: u32,
    /// Its hash.
    pub sha256: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// `current`, `next` or `former`.
    pub role: String,
    /// Since when it is that.
    pub since: DateTime<Utc>,
}

fn number(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

pub(super) async fn hold(
    tx: &Transaction<'_>,
    media: Uuid,
    round: u32,
    original: &Original,
    (role, at): (&str, DateTime<Utc>),
) -> Result<(), ProjectionError> {
    tx.execute(
        "insert into media_originals (media, round, sha256, bytes, role, since) values ($1, $2, $3, $4, $5, $6)",
        &[&media, &number(round), &original.sha256, &long(original.bytes), &role, &at],
    )
    .await?;
    Ok(())
}

/// Everything of one role becomes another; without one it is no longer held.
pub(super) async fn turn(
    tx: &Transaction<'_>,
    media: Uuid,
    from: &str,
    to: Option<(&str, DateTime<Utc>)>,
) -> Result<(), ProjectionError> {
    match to {
        Some((role, at)) => {
            let sql = "update media_originals set role = $3, since = $4 where media = $1 and role = $2";
            tx.execute(sql, &[&media, &from, &role, &at]).await?
        }
        None => {
            tx.execute("delete from media_originals where media = $1 and role = $2", &[&media, &from]).await?
        }
    };
    Ok(())
}

pub(super) async fn drop_round(tx: &Transaction<'_>, media: Uuid, round: u32) -> Result<(), ProjectionError> {
    tx.execute("delete from media_originals where media = $1 and round = $2", &[&media, &number(round)])
        .await?;
    Ok(())
}

/// Whether a new file waits.
pub(super) async fn waits(tx: &Transaction<'_>, media: Uuid) -> Result<bool, ProjectionError> {
    let sql = "select 1 from media_works where media = $1 and next is not null";
    Ok(tx.query_opt(sql, &[&media]).await?.is_some())
}

/// A new file came.
pub(super) async fn receive(
    tx: &Transaction<'_>,
    media: Uuid,
    (original, file_name, ending): (&Original, &PersonalRef, &str),
    round: u32,
    at: DateTime<Utc>,
) -> Result<(), ProjectionError> {
    let row = tx.query_one("select playable > 0 from media_works where media = $1", &[&media]).await?;
    let plays: bool = row.get(0);
    turn(tx, media, "next", Some(("former", at))).await?;
    let (sha256, bytes, file_name) = (&original.sha256, long(original.bytes), json(file_name)?);
    if plays {
        hold(tx, media, round, original, ("next", at)).await?;
        tx.execute(
            "update media_works set next = jsonb_build_object('sha256', $3::text, 'bytes', $4::bigint, 'ending', $5::text,
                 'file_name', $6::json, 'received_at', $2::timestamptz, 'kind', null, 'facts', null, 'before',
                 coalesce(next -> 'before', jsonb_build_object('processing', processing, 'since', since,
                     'reason', reason, 'step', step, 'generation', generation))),
                 processing = 'received', since = $2, reason = null, step = null, refused = null, generation = $7
             where media = $1",
            &[&media, &at, sha256, &bytes, &ending, &file_name, &number(round)],
        )
        .await?;
    } else {
        turn(tx, media, "current", Some(("former", at))).await?;
        hold(tx, media, round, original, ("current", at)).await?;
        tx.execute(
            "update media_works set sha256 = $3, bytes = $4, ending = $5, file_name = $6, kind = null, facts = 'null',
                 processing = 'received', since = $2, reason = null, step = null, refused = null, generation = $7
             where media = $1",
            &[&media, &at, sha256, &bytes, &ending, &file_name, &number(round)],
        )
        .await?;
    }
    Ok(())
}

/// It was examined and accepted.
pub(super) async fn probed(
    tx: &Transaction<'_>,
    media: Uuid,
    (kind, facts): (Kind, &Facts),
    at: DateTime<Utc>,
) -> Result<(), ProjectionError> {
    tx.execute(
        "update media_works set processing = 'accepted', since = $2,
             next = next || jsonb_build_object('kind', $3::text, 'facts', $4::json) where media = $1",
        &[&media, &at, &<&str>::from(kind), &json(facts)?],
    )
    .await?;
    Ok(())
}

/// It was examined and refused: all is as before.
pub(super) async fn refused(
    tx: &Transaction<'_>,
    media: Uuid,
    reason: String,
    at: DateTime<Utc>,
) -> Result<(), ProjectionError> {
    turn(tx, media, "next", None).await?;
    let sql = format!("update media_works set {RESTORED}, refused = $2 where media = $1");
    tx.execute(&sql, &[&media, &serde_json::to_value(Refused { reason, at })?]).await?;
    Ok(())
}

/// It was taken back: all is as before.
pub(super) async fn withdrawn(
    tx: &Transaction<'_>,
    media: Uuid,
    at: DateTime<Utc>,
) -> Result<(), ProjectionError> {
    turn(tx, media, "next", Some(("former", at))).await?;
    tx.execute(&format!("update media_works set {RESTORED} where media = $1"), &[&media]).await?;
    Ok(())
}

/// Something of it plays: it is the work's own from now on.
pub(super) async fn take_over(
    tx: &Transaction<'_>,
    media: Uuid,
    at: DateTime<Utc>,
) -> Result<(), ProjectionError> {
    turn(tx, media, "current", Some(("former", at))).await?;
    turn(tx, media, "next", Some(("current", at))).await?;
    tx.execute(
        "update media_works set sha256 = next ->> 'sha256', bytes = (next ->> 'bytes')::bigint,
             ending = next ->> 'ending', file_name = (next -> 'file_name')::json, kind = next ->> 'kind',
             facts = next -> 'facts', width = (next -> 'facts' ->> 'width')::integer,
             height = (next -> 'facts' ->> 'height')::integer, next = null where media = $1",
        &[&media],
    )
    .await?;
    Ok(())
}

const COLUMNS: &str = "o.media, o.round, o.sha256, o.bytes, o.role, o.since";

fn read(row: &tokio_postgres::Row) -> Held {
    Held {
        media: row.get("media"),
        round: u32::try_from(row.get::<_, i32>("round")).unwrap_or(0),
        sha256: row.get("sha256"),
        bytes: u64::try_from(row.get::<_, i64>("bytes")).unwrap_or(0),
        role: row.get("role"),
        since: row.get("since"),
    }
}

/// All originals of a work, the newest last.
///
/// # Errors
/// If the database cannot be read.
pub async fn originals_of(reader: &Reader, media: Uuid) -> Result<Vec<Held>, QueryError> {
    let sql = format!("select {COLUMNS} from media_originals o where o.media = $1 order by o.round");
    Ok(reader.client().await?.query(&sql, &[&media]).await?.iter().map(read).collect())
}

/// Originals of works that still exist, which were replaced or taken back by `before`.
///
/// # Errors
/// If the database cannot be read.
pub async fn former_before(reader: &Reader, before: DateTime<Utc>) -> Result<Vec<Held>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from media_originals o join media_works w on w.media = o.media
         where o.role = 'former' and o.since <= $1 and w.publication not in ('removed', 'erased')
         order by o.media, o.round"
    );
    Ok(reader.client().await?.query(&sql, &[&before]).await?.iter().map(read).collect())
}

/// How many other works hold the same original, in whatever role.
///
/// # Errors
/// If the database cannot be read.
pub async fn others_with_original(reader: &Reader, media: Uuid, sha256: &str) -> Result<i64, QueryError> {
    let sql = "select count(*) from media_originals where sha256 = $1 and media <> $2";
    Ok(reader.client().await?.query_one(sql, &[&sha256, &media]).await?.get(0))
}

/// Bytes of all originals that an account's works hold.
///
/// # Errors
/// If the database cannot be read.
pub async fn bytes_of(reader: &Reader, owner: Uuid) -> Result<u64, QueryError> {
    let sql =
        "select coalesce(sum(o.bytes), 0)::bigint from media_originals o join media_works w using (media)
               where w.owner = $1";
    let row = reader.client().await?.query_one(sql, &[&owner]).await?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}
