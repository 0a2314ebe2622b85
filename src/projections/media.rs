//! One row for each uploaded work: what its page, its editor, the lists and the delivery of its files
//! ask for. Job rows beside it tell how far the encoding is.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::media::{Kind, MediaEvent, Poster, Rendition, Tier};
use crate::domain::shared::PersonalRef;
use crate::store::{RecordedEvent, StoreError};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::{Row, Transaction, types::ToSql};
use uuid::Uuid;

pub use super::media_progress::{Progress, progress};

/// The projection.
pub struct MediaWorks;

const COLUMNS: &str = "media, owner, kind, title, description, slug, tier, processing, since, reason, step,
    publication, publish_at, published_at, received_at, generation, playable, width, height, duration_ms, frames,
    renditions, poster, sha256, bytes, file_name";

#[async_trait]
impl Projection for MediaWorks {
    fn name(&self) -> &'static str {
        "media"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["media_works", "media_slugs"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists media_works (
            media        uuid primary key,
            owner        uuid not null,
            kind         text,
            title        text not null,
            description  text not null default '',
            slug         text not null,
            tier         text not null default 'subscriber',
            processing   text not null default 'received',
            since        timestamptz not null,
            reason       text,
            step         text,
            publication  text not null default 'draft',
            publish_at   timestamptz,
            published_at timestamptz,
            received_at  timestamptz not null,
            generation   integer not null default 1,
            playable     integer not null default 0,
            width        integer not null default 0,
            height       integer not null default 0,
            duration_ms  bigint not null default 0,
            frames       bigint not null default 0,
            renditions   json not null default '[]',
            poster       json,
            sha256       text not null,
            bytes        bigint not null,
            file_name    json
        );
        create index if not exists media_works_by_owner on media_works (owner, received_at desc);
        create index if not exists media_works_by_original on media_works (sha256);
        create index if not exists media_works_scheduled on media_works (publish_at) where publication = 'scheduled';
        create table if not exists media_slugs (
            slug  text primary key,
            media uuid not null
        );"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        use MediaEvent as E;
        let id = event.stream_uuid();
        let Some(decoded) = event.decode::<MediaEvent>()? else { return Ok(()) };
        let set = async |columns: &str, values: &[&(dyn ToSql + Sync)]| -> Result<(), ProjectionError> {
            let mut all: Vec<&(dyn ToSql + Sync)> = vec![&id];
            all.extend_from_slice(values);
            tx.execute(&format!("update media_works set {columns} where media = $1"), &all).await?;
            Ok(())
        };
        match decoded {
            E::UploadReceived { owner, original, file_name, title, slug, at } => {
                let bytes = i64::try_from(original.bytes).unwrap_or(i64::MAX);
                tx.execute(
                    "insert into media_works (media, owner, title, slug, sha256, bytes, file_name, received_at, since)
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
                    &[&id, &owner, &title, &slug.as_str(), &original.sha256, &bytes, &json(&file_name)?, &at],
                )
                .await?;
                own_slug(tx, slug.as_str(), id).await
            }
            E::ProbingStarted { at } => set("processing = 'probing', since = $2", &[&at]).await,
            E::MediaProbed { kind, facts, at } => {
                let kind: &str = kind.into();
                let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
                set(
                    "processing = 'accepted', since = $2, kind = $3, width = $4, height = $5, duration_ms = $6",
                    &[&at, &kind, &number(facts.width), &number(facts.height), &long(facts.duration_ms)],
                )
                .await
            }
            E::MediaRejected { reason, at } => {
                set("processing = 'rejected', since = $2, reason = $3", &[&at, &reason.to_string()]).await
            }
            E::ProcessingStarted { at, .. } => set("processing = 'processing', since = $2", &[&at]).await,
            E::MediaPlayable { renditions, poster, duration_ms, frames, generation, at } => {
                let poster = poster.map(|p| json(&p)).transpose()?;
                let generation = i32::try_from(generation).unwrap_or(i32::MAX);
                set(
                    "processing = 'processing', since = $2, renditions = $3, poster = $4, duration_ms = $5,
                     frames = $6, playable = $7",
                    &[&at, &json(&renditions)?, &poster, &long(duration_ms), &long(frames), &generation],
                )
                .await
            }
            E::RenditionReady { rendition, .. } => {
                set("renditions = (renditions::jsonb || $2::jsonb)::json", &[&json(&[rendition])?]).await
            }
            E::MediaReady { at } => set("processing = 'ready', since = $2, reason = null, step = null", &[&at]).await,
            E::MediaFailed { step, reason, at } => {
                let step: &str = step.into();
                set(
                    "processing = 'failed', since = $2, step = $3, reason = $4",
                    &[&at, &step, &reason.to_string()],
                )
                .await
            }
            E::ProcessingRetried { at } => {
                set(
                    "processing = case when kind is null then 'received' when playable = generation then 'processing'
                     else 'accepted' end, since = $2, reason = null, step = null",
                    &[&at],
                )
                .await
            }
            E::ReprocessingRequested { generation, at } => {
                let generation = i32::try_from(generation).unwrap_or(i32::MAX);
                set(
                    "processing = 'received', since = $2, generation = $3, reason = null, step = null",
                    &[&at, &generation],
                )
                .await
            }
            E::MediaDescribed { title, description, slug, .. } => {
                set("title = $2, description = $3, slug = $4", &[&title, &description, &slug.as_str()]).await?;
                own_slug(tx, slug.as_str(), id).await
            }
            E::MediaTierChanged { tier, .. } => set("tier = $2", &[&<&str>::from(tier)]).await,
            E::MediaScheduled { publish_at, .. } => {
                set("publication = 'scheduled', publish_at = $2", &[&publish_at]).await
            }
            E::MediaPublished { at } => {
                set(
                    "publication = 'published', publish_at = null, published_at = coalesce(published_at, $2)",
                    &[&at],
                )
                .await
            }
            E::MediaUnpublished { .. } => {
                set(
                    "publication = case when publication = 'scheduled' then 'draft' else 'unpublished' end,
                     publish_at = null",
                    &[],
                )
                .await
            }
            E::MediaRemoved { at } => {
                set("publication = 'removed', publish_at = null, since = $2, file_name = null", &[&at]).await
            }
            E::MediaFilesErased { .. } => set("publication = 'erased', renditions = '[]', poster = null", &[]).await,
        }
    }
}

async fn own_slug(tx: &Transaction<'_>, slug: &str, media: Uuid) -> Result<(), ProjectionError> {
    tx.execute(
        "insert into media_slugs (slug, media) values ($1, $2) on conflict (slug) do update set media = excluded.media",
        &[&slug, &media],
    )
    .await?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, ProjectionError> {
    Ok(serde_json::to_value(value)?)
}

fn long(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// One work.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Work {
    /// Its id.
    pub id: Uuid,
    /// Who uploaded it.
    pub owner: Uuid,
    /// What it is, once that is known.
    pub kind: Option<Kind>,
    /// Title.
    pub title: String,
    /// Description, Markdown.
    pub description: String,
    /// Address.
    pub slug: String,
    /// Who may play it.
    pub tier: Tier,
    /// Processing state: `received`, `probing`, `rejected`, `accepted`, `processing`, `ready`, `failed`.
    pub processing: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why it was rejected or failed, in words for its owner.
    pub reason: Option<String>,
    /// Which step failed.
    pub step: Option<String>,
    /// `draft`, `scheduled`, `published`, `unpublished`, `removed`, `erased`.
    pub publication: String,
    /// When it will be published.
    pub publish_at: Option<DateTime<Utc>>,
    /// When it was first published.
    pub published_at: Option<DateTime<Utc>>,
    /// When it was uploaded.
    pub received_at: DateTime<Utc>,
    /// Current round of processing.
    pub generation: u32,
    /// Round whose files people see; 0 while there are none.
    pub playable: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length in milliseconds.
    pub duration_ms: u64,
    /// Frames of each moving rendition.
    pub frames: u64,
    /// What exists.
    pub renditions: Vec<Rendition>,
    /// The still.
    pub poster: Option<Poster>,
    /// Hash of the original.
    pub sha256: String,
    /// Length of the original.
    pub bytes: u64,
    /// Name on the uploader's machine.
    pub file_name: Option<PersonalRef>,
}

impl Work {
    /// Whether everybody may know of it.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.publication == "published"
    }

    /// Whether it was taken away.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        matches!(self.publication.as_str(), "removed" | "erased")
    }
}

fn read(row: &Row) -> Result<Work, QueryError> {
    let number = |name: &str| u32::try_from(row.get::<_, i32>(name)).unwrap_or(0);
    let big = |name: &str| u64::try_from(row.get::<_, i64>(name)).unwrap_or(0);
    let bad = |e: serde_json::Error| StoreError::Cluster(format!("a row of media_works cannot be read: {e}"));
    let kind: Option<String> = row.get("kind");
    let kind = kind.map(|k| serde_json::from_value(k.into())).transpose().map_err(bad)?;
    let poster: Option<serde_json::Value> = row.get("poster");
    let file_name: Option<serde_json::Value> = row.get("file_name");
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
        sha256: row.get("sha256"),
        bytes: big("bytes"),
        file_name: file_name.map(serde_json::from_value).transpose().map_err(bad)?,
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

/// A page of works for a listing: of one owner in every state by arrival, or of everybody what is
/// published by that time; the newest first. `after` is time and id of the last work before.
///
/// # Errors
/// If the database cannot be read.
pub async fn listed(
    reader: &Reader,
    owner: Option<Uuid>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Work>, QueryError> {
    let (which, time) = match owner {
        Some(_) => ("publication not in ('removed', 'erased') and owner = $1", "received_at"),
        None => ("publication = 'published' and $1::uuid is null", "coalesce(published_at, received_at)"),
    };
    let (at, id) = after.unzip();
    let sql = format!(
        "select {COLUMNS} from media_works
         where {which} and ($2::timestamptz is null or ({time}, media) < ($2, $3::uuid))
         order by {time} desc, media desc limit $4"
    );
    reader.client().await?.query(&sql, &[&owner, &at, &id, &limit]).await?.iter().map(read).collect()
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

/// Removed works whose bytes may go.
///
/// # Errors
/// If the database cannot be read.
pub async fn removed_before(reader: &Reader, time: DateTime<Utc>) -> Result<Vec<Work>, QueryError> {
    let sql = format!("select {COLUMNS} from media_works where publication = 'removed' and since <= $1");
    reader.client().await?.query(&sql, &[&time]).await?.iter().map(read).collect()
}

/// How many other works that still need it hold the same original.
///
/// # Errors
/// If the database cannot be read.
pub async fn others_with_original(reader: &Reader, media: Uuid, sha256: &str) -> Result<i64, QueryError> {
    let row = reader
        .client()
        .await?
        .query_one(
            "select count(*) from media_works
             where sha256 = $1 and media <> $2 and processing <> 'rejected' and publication <> 'erased'",
            &[&sha256, &media],
        )
        .await?;
    Ok(row.get(0))
}

/// Bytes of originals that an account holds.
///
/// # Errors
/// If the database cannot be read.
pub async fn bytes_of(reader: &Reader, owner: Uuid) -> Result<u64, QueryError> {
    let row = reader
        .client()
        .await?
        .query_one(
            "select coalesce(sum(bytes), 0)::bigint from media_works
             where owner = $1 and processing <> 'rejected' and publication <> 'erased'",
            &[&owner],
        )
        .await?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
}
