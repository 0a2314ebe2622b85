//! What pages, lists, jobs and the delivery ask about works.

use super::Work;
use crate::domain::media::{Captions, Facts, Place, Tier};
use crate::projections::sorting::{Sort, SortColumn};
use crate::projections::{QueryError, Reader};
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use uuid::Uuid;

const COLUMNS: &str = "media, owner, kind, title, description, slug, tier, processing, since, reason, step,
    publication, publish_at, published_at, received_at, generation, playable, width, height, duration_ms, frames,
    renditions, poster, overview, sha256, bytes, file_name, captions, chapters, shot, ending, facts, licence, tags,
    filing, place, place_round, place_bytes, moving, next, refused, made";

fn read(row: &Row) -> Result<Work, QueryError> {
    let number = |name: &str| u32::try_from(row.get::<_, i32>(name)).unwrap_or(0);
    let big = |name: &str| u64::try_from(row.get::<_, i64>(name)).unwrap_or(0);
    let bad = |e: serde_json::Error| StoreError::Cluster(format!("a row of media_works cannot be read: {e}"));
    let kind: Option<String> = row.get("kind");
    let kind = kind.map(|k| serde_json::from_value(k.into())).transpose().map_err(bad)?;
    let poster: Option<serde_json::Value> = row.get("poster");
    let file_name: Option<serde_json::Value> = row.get("file_name");
    let next: Option<serde_json::Value> = row.get("next");
    let refused: Option<serde_json::Value> = row.get("refused");
    let made: Option<serde_json::Value> = row.get("made");
    let captions: BTreeMap<String, Captions> = serde_json::from_value(row.get("captions")).map_err(bad)?;
    Ok(Work {
        id: row.get("media"),
        owner: row.get("owner"),
        kind,
        title: row.get("title"),
        description: row.get("description"),
        slug: row.get("slug"),
        tier: Tier::parse(row.get("tier")).unwrap_or_default(),
        processing: row.get("processing"),
        since: row.get("since"),
        reason: row.get("reason"),
        step: row.get("step"),
        publication: row.get("publication"),
        publish_at: row.get("publish_at"),
        published_at: row.get("published_at"),
        received_at: row.get("received_at"),
        generation: number("generation"),
        playable: number("playable"),
        width: number("width"),
        height: number("height"),
        duration_ms: big("duration_ms"),
        frames: big("frames"),
        renditions: serde_json::from_value(row.get("renditions")).map_err(bad)?,
        poster: poster.map(serde_json::from_value).transpose().map_err(bad)?,
        overview: serde_json::from_value(row.get("overview")).map_err(bad)?,
        sha256: row.get("sha256"),
        bytes: big("bytes"),
        file_name: file_name.map(serde_json::from_value).transpose().map_err(bad)?,
        captions: captions.into_values().collect(),
        chapters: serde_json::from_value(row.get("chapters")).map_err(bad)?,
        shot: serde_json::from_value(row.get("shot")).map_err(bad)?,
        ending: row.get("ending"),
        facts: serde_json::from_value::<Option<Facts>>(row.get("facts")).map_err(bad)?.unwrap_or_default(),
        licence: row.get::<_, &str>("licence").parse().unwrap_or_default(),
        tags: row.get("tags"),
        filing: serde_json::from_value(row.get("filing")).map_err(bad)?,
        place: Place::parse(row.get("place")).unwrap_or_default(),
        place_round: number("place_round"),
        place_bytes: big("place_bytes"),
        moving: row.get("moving"),
        next: next.map(serde_json::from_value).transpose().map_err(bad)?,
        refused: refused.map(serde_json::from_value).transpose().map_err(bad)?,
        made: made.map(serde_json::from_value).transpose().map_err(bad)?,
    })
}

/// One work by id.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_id(reader: &Reader, id: Uuid) -> Result<Option<Work>, QueryError> {
    let sql = format!("select {COLUMNS} from media_works where media = $1");
    reader.client().await?.query_opt(&sql, &[&id]).await?.as_ref().map(read).transpose()
}

/// Works that have been in the same state of processing since before `before`.
///
/// # Errors
/// If the database cannot be read.
pub async fn in_processing(reader: &Reader, before: DateTime<Utc>) -> Result<Vec<Work>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from media_works
         where processing in ('received', 'probing', 'accepted', 'processing')
           and publication <> 'removed' and since < $1 order by since limit 200"
    );
    reader.client().await?.query(&sql, &[&before]).await?.iter().map(read).collect()
}

/// Several works by id, in the order asked for; unknown ones are missing.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_ids(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Work>, QueryError> {
    let sql =
        format!("select {COLUMNS} from media_works where media = any($1) order by array_position($1, media)");
    reader.client().await?.query(&sql, &[&ids]).await?.iter().map(read).collect()
}

/// A work by its address; an old address finds it too (its `slug` then differs).
///
/// # Errors
/// If the database cannot be read.
pub async fn by_slug(reader: &Reader, slug: &str) -> Result<Option<Work>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from media_works where media = (select media from media_slugs where slug = $1)"
    );
    reader.client().await?.query_opt(&sql, &[&slug]).await?.as_ref().map(read).transpose()
}

/// Works that are not removed, newest first; of one owner or of everybody. `before` continues a
/// listing at the `received_at` of its last row.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(
    reader: &Reader,
    owner: Option<Uuid>,
    before: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Work>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from media_works
         where publication not in ('removed', 'erased') and ($1::uuid is null or owner = $1)
           and ($2::timestamptz is null or received_at < $2)
         order by received_at desc, media limit $3"
    );
    reader.client().await?.query(&sql, &[&owner, &before, &limit]).await?.iter().map(read).collect()
}

/// What the list of uploads can be sorted by.
pub const SORTS: &[SortColumn] = &[
    ("title", &["lower(title)"]),
    ("state", &["processing"]),
    ("publication", &["publication"]),
    ("size", &["bytes"]),
    ("received", &["received_at"]),
];

/// A page of the works that are not removed, of one owner or of all, in the wished order or newest first; and how
/// many there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn sorted(
    reader: &Reader,
    owner: Option<Uuid>,
    sort: Option<Sort>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Work>, i64), QueryError> {
    let which = "publication not in ('removed', 'erased') and ($1::uuid is null or owner = $1)";
    let client = reader.client().await?;
    let count = format!("select count(*) from media_works where {which}");
    let total = client.query_one(&count, &[&owner]).await?.get(0);
    let order = Sort::order(sort, "received_at desc, media");
    let sql = format!("select {COLUMNS} from media_works where {which} order by {order} offset $2 limit $3");
    let rows = client.query(&sql, &[&owner, &offset, &limit]).await?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total))
}

/// Which works a listing has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// What is published, of everybody, by that time.
    Published,
    /// Of one owner in every state, by arrival.
    Own(Uuid),
    /// Of one owner what was removed and can be brought back, by the time of that.
    Removed(Uuid),
}

impl Listed {
    fn owner(self) -> Option<Uuid> {
        match self {
            Self::Published => None,
            Self::Own(owner) | Self::Removed(owner) => Some(owner),
        }
    }

    /// The time by which this work has its place.
    #[must_use]
    pub fn time_of(self, work: &Work) -> DateTime<Utc> {
        match self {
            Self::Published => work.published_at.unwrap_or(work.received_at),
            Self::Own(_) => work.received_at,
            Self::Removed(_) => work.since,
        }
    }
}

/// A page of works for a listing, the newest first. `after` is time and id of the last work before.
///
/// # Errors
/// If the database cannot be read.
pub async fn listed(
    reader: &Reader,
    listed: Listed,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Work>, QueryError> {
    let (which, time) = match listed {
        Listed::Published => {
            ("publication = 'published' and $1::uuid is null", "coalesce(published_at, received_at)")
        }
        Listed::Own(_) => ("publication not in ('removed', 'erased') and owner = $1", "received_at"),
        Listed::Removed(_) => ("publication = 'removed' and not erasing and owner = $1", "since"),
    };
    let (at, id) = after.unzip();
    let sql = format!(
        "select {COLUMNS} from media_works
         where {which} and ($2::timestamptz is null or ({time}, media) < ($2, $3::uuid))
         order by {time} desc, media desc limit $4"
    );
    reader.client().await?.query(&sql, &[&listed.owner(), &at, &id, &limit]).await?.iter().map(read).collect()
}

/// Works whose time to be published has come.
///
/// # Errors
/// If the database cannot be read.
pub async fn due(reader: &Reader, now: DateTime<Utc>) -> Result<Vec<Uuid>, QueryError> {
    let rows = reader
        .client()
        .await?
        .query("select media from media_works where publication = 'scheduled' and publish_at <= $1", &[&now])
        .await?;
    Ok(rows.iter().map(|r| r.get(0)).collect())
}

/// Removed works that can be brought back, of one owner or of all; those removed last come first.
///
/// # Errors
/// If the database cannot be read.
pub async fn removed(reader: &Reader, owner: Option<Uuid>, limit: i64) -> Result<Vec<Work>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from media_works
         where publication = 'removed' and not erasing and ($1::uuid is null or owner = $1)
         order by since desc, media limit $2"
    );
    reader.client().await?.query(&sql, &[&owner, &limit]).await?.iter().map(read).collect()
}

/// Removed works whose bytes may go, and those whose erasing was cut off.
///
/// # Errors
/// If the database cannot be read.
pub async fn removed_before(reader: &Reader, time: DateTime<Utc>) -> Result<Vec<Work>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from media_works where publication = 'removed' and (erasing or since <= $1)"
    );
    reader.client().await?.query(&sql, &[&time]).await?.iter().map(read).collect()
}

/// Bytes of works in a store, without those of one work.
///
/// # Errors
/// If the database cannot be read.
pub async fn bytes_in(reader: &Reader, place: Place, but: Uuid) -> Result<u64, QueryError> {
    let row = reader
        .client()
        .await?
        .query_one(
            "select coalesce(sum(place_bytes), 0)::bigint from media_works
             where place = $1 and media <> $2 and publication <> 'erased'",
            &[&<&str>::from(place), &but],
        )
        .await?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}
