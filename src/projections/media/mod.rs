//! One row for each uploaded work: what its page, its editor, the lists and the delivery of its files
//! ask for. Job rows beside it tell how far the encoding is.

use super::{Projection, ProjectionError};
use crate::domain::media::{
    Captions, Chapter, Facts, Filing, Kind, MadeFiles, MediaEvent, Overview, Place, Poster, Rendition,
    ShotDetail, Tier,
};
use crate::domain::shared::{Licence, PersonalRef};
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

mod progress;
mod queries;
mod replacing;

pub use progress::{Progress, progress};
pub use queries::{
    Listed, SORTS, by_id, by_ids, by_slug, bytes_in, due, in_processing, list, listed, removed,
    removed_before, sorted,
};
pub use replacing::{Held, Next, Refused, bytes_of, former_before, originals_of, others_with_original};

/// The projection.
pub struct MediaWorks;

#[async_trait]
impl Projection for MediaWorks {
    fn name(&self) -> &'static str {
        "media"
    }

    fn version(&self) -> i32 {
        10
    }

    fn tables(&self) -> &'static [&'static str] {
        &["media_works", "media_slugs", "media_originals"]
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
            overview     json not null default '{}',
            sha256       text not null,
            bytes        bigint not null,
            file_name    json,
            captions     jsonb not null default '{}',
            chapters     jsonb not null default '[]',
            shot         jsonb not null default '[]',
            ending       text not null default '',
            facts        jsonb not null default 'null',
            licence      text not null default 'CC-BY-4.0',
            tags         text[] not null default '{}',
            filing       jsonb not null default '{}',
            place        text not null default 'local',
            place_round  integer not null default 0,
            place_bytes  bigint not null default 0,
            moving       text,
            next         jsonb,
            refused      jsonb,
            made         jsonb,
            erasing      boolean not null default false
        );
        create index if not exists media_works_by_owner on media_works (owner, received_at desc);
        create index if not exists media_works_by_original on media_works (sha256);
        create index if not exists media_works_scheduled on media_works (publish_at) where publication = 'scheduled';
        create table if not exists media_slugs (
            slug  text primary key,
            media uuid not null
        );
        create table if not exists media_originals (
            media  uuid not null,
            round  integer not null,
            sha256 text not null,
            bytes  bigint not null,
            role   text not null,
            since  timestamptz not null,
            primary key (media, round)
        );
        create index if not exists media_originals_by_hash on media_originals (sha256);"
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
            E::UploadReceived { owner, original, file_name, ending, title, slug, at } => {
                let bytes = i64::try_from(original.bytes).unwrap_or(i64::MAX);
                tx.execute(
                    "insert into media_works (media, owner, title, slug, sha256, bytes, file_name, received_at, since, ending)
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)",
                    &[&id, &owner, &title, &slug.as_str(), &original.sha256, &bytes, &json(&file_name)?, &at, &ending],
                )
                .await?;
                replacing::hold(tx, id, 1, &original, ("current", at)).await?;
                own_slug(tx, slug.as_str(), id).await
            }
            E::ProbingStarted { at } => set("processing = 'probing', since = $2", &[&at]).await,
            E::MediaProbed { kind, facts, at } if replacing::waits(tx, id).await? => {
                replacing::probed(tx, id, (kind, &facts), at).await
            }
            E::MediaProbed { kind, facts, at } => {
                let kind: &str = kind.into();
                let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
                set(
                    "processing = 'accepted', since = $2, kind = $3, width = $4, height = $5, duration_ms = $6, facts = $7",
                    &[&at, &kind, &number(facts.width), &number(facts.height), &long(facts.duration_ms), &json(&facts)?],
                )
                .await
            }
            E::MediaRejected { reason, at } if replacing::waits(tx, id).await? => {
                replacing::refused(tx, id, reason.to_string(), at).await
            }
            E::MediaRejected { reason, at } => {
                replacing::turn(tx, id, "current", None).await?;
                set("processing = 'rejected', since = $2, reason = $3", &[&at, &reason.to_string()]).await
            }
            E::ProcessingStarted { at, .. } => set("processing = 'processing', since = $2", &[&at]).await,
            E::MediaPlayable { renditions, poster, duration_ms, frames, generation, overview, at } => {
                if replacing::waits(tx, id).await? {
                    replacing::take_over(tx, id, at).await?;
                }
                let poster = poster.map(|p| json(&p)).transpose()?;
                let generation = i32::try_from(generation).unwrap_or(i32::MAX);
                set(
                    "processing = 'processing', since = $2, renditions = $3, poster = $4, duration_ms = $5,
                     frames = $6, playable = $7, overview = $8, made = null",
                    &[&at, &json(&renditions)?, &poster, &long(duration_ms), &long(frames), &generation, &json(&overview)?],
                )
                .await
            }
            E::RenditionReady { rendition, .. } => {
                set("renditions = (renditions::jsonb || $2::jsonb)::json", &[&json(&[rendition])?]).await
            }
            E::MediaReady { made, at } => {
                let made = made.map(|m| json(&m)).transpose()?;
                set("processing = 'ready', since = $2, reason = null, step = null, made = $3", &[&at, &made]).await
            }
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
                    "processing = case when (case when next is null then kind else next ->> 'kind' end) is null then 'received' when playable = generation then 'processing'
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
            E::ReplacementReceived { original, file_name, ending, generation, at } => {
                replacing::receive(tx, id, (&original, &file_name, &ending), generation, at).await
            }
            E::ReplacementWithdrawn { at, .. } => replacing::withdrawn(tx, id, at).await,
            E::FormerOriginalErased { round, .. } => replacing::drop_round(tx, id, round).await,
            E::MediaDescribed { title, description, slug, .. } => {
                set("title = $2, description = $3, slug = $4", &[&title, &description, &slug.as_str()]).await?;
                own_slug(tx, slug.as_str(), id).await
            }
            E::CaptionsAdded { captions, .. } => {
                set(
                    "captions = captions || jsonb_build_object($2::text, $3::jsonb)",
                    &[&captions.track(), &json(&captions)?],
                )
                .await
            }
            E::CaptionsRemoved { captions, .. } => set("captions = captions - $2::text", &[&captions.track()]).await,
            E::ChaptersSet { chapters, .. } => set("chapters = $2", &[&json(&chapters)?]).await,
            E::MediaLabelled { licence, tags, .. } => {
                set("licence = $2, tags = $3", &[&licence.code(), &tags]).await
            }
            E::ShotDetailsPublished { details, .. } => set("shot = $2", &[&json(&details)?]).await,
            E::MediaFiled { filing, .. } => set("filing = $2", &[&json(&filing)?]).await,
            E::FilesCopied { generation, bytes, .. } => {
                let generation = i32::try_from(generation).unwrap_or(i32::MAX);
                set("moving = 'copied', place_round = $2, place_bytes = $3", &[&generation, &long(bytes)]).await
            }
            E::FilesSwitched { to, .. } => set("moving = 'switched', place = $2", &[&<&str>::from(to)]).await,
            E::FormerFilesDeleted { .. } => set("moving = null", &[]).await,
            E::MediaHandedOver { to, .. } => set("owner = $2", &[&to]).await,
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
                set("publication = 'removed', publish_at = null, since = $2, file_name = null, next = next - 'file_name'", &[&at]).await
            }
            E::MediaRestored { at } => set("publication = 'unpublished', since = $2", &[&at]).await,
            E::MediaErasureBegun { .. } => set("erasing = true", &[]).await,
            E::MediaFilesErased { .. } => {
                tx.execute("delete from media_originals where media = $1", &[&id]).await?;
                set("publication = 'erased', place_bytes = 0, renditions = '[]', poster = null, captions = '{}', next = null, made = null", &[]).await
            }
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
    /// What a player shows of the whole.
    pub overview: Overview,
    /// Hash of the original.
    pub sha256: String,
    /// Length of the original.
    pub bytes: u64,
    /// Name on the uploader's machine.
    pub file_name: Option<PersonalRef>,
    /// Caption files, by track.
    pub captions: Vec<Captions>,
    /// Chapters, in order.
    pub chapters: Vec<Chapter>,
    /// What is told of how it was taken.
    pub shot: Vec<ShotDetail>,
    /// Ending of its name on the uploader's machine, such as `blend`.
    pub ending: String,
    /// What the examination found.
    pub facts: Facts,
    /// What it may be used for.
    pub licence: Licence,
    /// Words it is filed under.
    pub tags: Vec<String>,
    /// What it is for the studio, whether it gives the story away, who worked on it.
    pub filing: Filing,
    /// The store that is asked first for its files.
    pub place: Place,
    /// Round that was copied last; 0 if none was.
    pub place_round: u32,
    /// Bytes that were copied there.
    pub place_bytes: u64,
    /// Last step of a move that has not come to its end: `copied` or `switched`.
    pub moving: Option<String>,
    /// A new file that is being processed while the one before still plays.
    pub next: Option<Next>,
    /// The last new file that was not accepted, until another one comes.
    pub refused: Option<Refused>,
    /// Every file of the round that people see, by their list; none of one that is not finished, or is older than lists.
    pub made: Option<MadeFiles>,
}

impl Work {
    /// The description as everybody may read it: nothing of what gives the story away.
    #[must_use]
    pub fn open_description(&self) -> &str {
        if self.filing.spoiler { "" } else { &self.description }
    }

    /// Whether everybody may know of it.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.publication == "published"
    }

    /// Name of the original for those who may download it; `None` if it stays private.
    #[must_use]
    pub fn original_name(&self) -> Option<String> {
        let given = self.playable > 0 && self.kind.is_some_and(|kind| self.facts.gives_original(kind));
        let dot = if self.ending.is_empty() { "" } else { "." };
        given.then(|| format!("original{dot}{}", self.ending))
    }

    /// Whether it was taken away.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        matches!(self.publication.as_str(), "removed" | "erased")
    }
}
