//! Moves of finished works between the data folder and the bucket: `kinora media move` and the job
//! `keep-works`.
//!
//! Of each work all files are copied and read back, and the log says so; then the other store is asked first,
//! and the log says so; then what lies in the former one is removed, and the log says so. Every step looks at
//! what is there, so a move that was cut off anywhere goes on by being begun again, and both stores hold
//! everything until the last step.

use super::bus::{CommandError, Envelope};
use super::media_files::{Finding, all, lacking};
use super::services::Services;
use crate::domain::media::{CopiedFiles, Media, MediaCommand, MediaError, Place, Processing};
use crate::media::store::MediaStore;
use crate::projections::media::{self as works, Work};
use crate::store::repository::EventRepository;
use crate::store::{Metadata, StoreError, checkpoint};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;
use uuid::Uuid;

/// The lease under which only one process moves files.
const LEASE: &str = "media moves";
const LEASE_SECONDS: f64 = 60.0;

/// Why works are not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is no bucket.
    #[error("there is no bucket: name one in storage.s3")]
    NoBucket,
    /// The settings would move them back.
    #[error("storage.keep says {0}: works would be moved back; change that setting first")]
    KeptElsewhere(Place),
    /// Another process moves files.
    #[error("another process is moving files; wait until it is done")]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A store of files.
    #[error("a file could not be moved: {0}")]
    Io(#[from] std::io::Error),
    /// The command was not taken.
    #[error("{0}")]
    Command(CommandError<MediaError>),
}

impl From<tokio_postgres::Error> for MoveError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What was moved.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Moved {
    /// Works whose move came to its end.
    pub works: usize,
    /// Files that were sent.
    pub files: u64,
    /// Bytes of the works that were moved.
    pub bytes: u64,
    /// Works that wait: they are being processed.
    pub waiting: usize,
    /// Works for which there is no room.
    pub no_room: usize,
    /// Works of which something is missing, in words; they stay where they are.
    pub findings: Vec<Finding>,
}

/// How a move of one work ended.
enum Outcome {
    Done { files: u64, bytes: u64 },
    Waits,
    NoRoom,
    Lacks(Vec<String>),
}

/// Brings every finished work, or the one of that id, to a store.
///
/// # Errors
/// As [`MoveError`] says; what was moved until then stays moved.
pub async fn move_all(
    cx: &Services,
    to: Place,
    only: Option<Uuid>,
    meta: &Metadata,
) -> Result<Moved, MoveError> {
    if !cx.files.has_bucket() {
        return Err(MoveError::NoBucket);
    }
    if cx.config.storage.keep != to {
        return Err(MoveError::KeptElsewhere(cx.config.storage.keep));
    }
    // An owner of its own: two commands of one process are two as well.
    let owner = cx.clock.new_id();
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    if !checkpoint::lease(&**client, LEASE, owner, LEASE_SECONDS).await? {
        return Err(MoveError::Busy);
    }
    drop(client);
    let outcome = tokio::select! {
        moved = move_each(cx, to, only, meta) => moved,
        () = keep_lease(cx, owner) => Err(MoveError::Busy),
    };
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    checkpoint::release(&client, owner).await?;
    outcome
}

async fn keep_lease(cx: &Services, owner: Uuid) {
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let Ok(client) = cx.pool.get().await else { continue };
        if matches!(checkpoint::lease(&**client, LEASE, owner, LEASE_SECONDS).await, Ok(false)) {
            return;
        }
    }
}

async fn move_each(
    cx: &Services,
    to: Place,
    only: Option<Uuid>,
    meta: &Metadata,
) -> Result<Moved, MoveError> {
    let mut moved = Moved::default();
    for work in all(cx).await? {
        if only.is_some_and(|id| id != work.id) || work.is_removed() || !is_due(cx, &work, to).await? {
            continue;
        }
        let outcome = match move_one(cx, &work, to, meta).await {
            // The work's own trouble; the others go on. Trouble of a store ends the whole.
            Err(MoveError::Io(e)) if matches!(e.kind(), ErrorKind::InvalidData | ErrorKind::NotFound) => {
                Outcome::Lacks(vec![format!("it could not be moved: {e}")])
            }
            outcome => outcome?,
        };
        match outcome {
            Outcome::Done { files, bytes } => {
                moved.works += 1;
                moved.files += files;
                moved.bytes += bytes;
            }
            Outcome::Waits => moved.waiting += 1,
            Outcome::NoRoom => moved.no_room += 1,
            Outcome::Lacks(what) => {
                moved.findings.extend(what.into_iter().map(|what| Finding::made(work.id, what)));
            }
        }
    }
    Ok(moved)
}

/// Whether something of the work is not where it belongs. What lies in the data folder is looked at, because
/// captions, a new round or an original that was fetched come there first.
async fn is_due(cx: &Services, work: &Work, to: Place) -> Result<bool, MoveError> {
    if work.place != to || work.moving.is_some() {
        return Ok(work.playable > 0);
    }
    if to == Place::Local {
        return Ok(false);
    }
    Ok(work.playable > 0 && !files_of(cx, work, Place::Local).await?.is_empty())
}

/// The files of a work in a store, with their lengths: the round that people see, captions, the original.
async fn files_of(cx: &Services, work: &Work, place: Place) -> Result<BTreeMap<String, u64>, MoveError> {
    let mut found = BTreeMap::new();
    for folder in [MediaStore::public_key(work.id, work.playable), MediaStore::captions_key(work.id)] {
        let listed = cx.files.list(&folder, place).await?;
        found.extend(listed.into_iter().map(|(name, file)| (format!("{folder}/{name}"), file.length)));
    }
    if let Some(key) = MediaStore::original_key(&work.sha256)
        && let Some(original) = cx.files.find_in(&key, place).await?
    {
        found.insert(key, original.length);
    }
    Ok(found)
}

async fn move_one(cx: &Services, work: &Work, to: Place, meta: &Metadata) -> Result<Outcome, MoveError> {
    let repository = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone());
    let media = repository.load(work.id).await?.state;
    let finished = media.processing == Processing::Ready
        && media.playable_generation == media.generation
        && work.playable == media.generation;
    if !finished || is_worked_on(cx, work).await? {
        return Ok(Outcome::Waits);
    }
    let here = files_of(cx, work, to.other()).await?;
    let there = files_of(cx, work, to).await?;
    let bytes = here.iter().chain(&there).collect::<BTreeMap<_, _>>().values().copied().sum::<u64>();
    let more: u64 = here.iter().filter(|(key, n)| there.get(*key) != Some(n)).map(|(_, n)| n).sum();
    if !has_room(cx, work, to, more, bytes).await? {
        return Ok(Outcome::NoRoom);
    }
    let mut sent = 0;
    for key in here.keys() {
        let (_, copied) = cx.files.copy(key, to).await?;
        sent += u64::from(copied);
    }
    // Everything that the log names must be there, not only what was found here.
    let folder = MediaStore::public_key(work.id, work.playable);
    let mut missing = lacking(&cx.files, work, &cx.files.list(&folder, to).await?, to).await?;
    let there = files_of(cx, work, to).await?;
    if MediaStore::original_key(&work.sha256).is_none_or(|key| there.get(&key) != Some(&work.bytes)) {
        missing.push("the original is missing or has another length".into());
    }
    for captions in &work.captions {
        let key = format!("{}/{}", MediaStore::captions_key(work.id), captions.file());
        if there.get(&key) != Some(&captions.bytes) {
            missing.push(format!("the captions {} are missing or have another length", captions.track()));
        }
    }
    if !missing.is_empty() {
        return Ok(Outcome::Lacks(missing));
    }
    let at = cx.clock.now();
    let files = u32::try_from(sent).unwrap_or(u32::MAX);
    let copy = CopiedFiles { to, round: work.playable, files, bytes };
    let steps = [MediaCommand::RecordCopied { copy, at }, MediaCommand::SwitchFiles { to, at }];
    for step in steps {
        match tell(cx, work.id, step, meta).await {
            Ok(()) => {}
            // Reprocessed or removed while we copied. Of what is gone nothing may stay.
            Err(MoveError::Command(CommandError::Refused(MediaError::Removed))) => {
                forget_copies(cx, work, here.keys(), to).await?;
                return Ok(Outcome::Waits);
            }
            Err(MoveError::Command(CommandError::Refused(_))) => return Ok(Outcome::Waits),
            Err(error) => return Err(error),
        }
    }
    for key in here.keys() {
        cx.files.drop_moved(key, to.other()).await?;
    }
    let gone = MediaCommand::RecordFormerDeleted { from: to.other(), at: cx.clock.now() };
    match tell(cx, work.id, gone, meta).await {
        Ok(()) | Err(MoveError::Command(CommandError::Refused(_))) => {}
        Err(error) => return Err(error),
    }
    Ok(Outcome::Done { files: sent, bytes })
}

/// Whether a worker needs the original here, for this work or for another of the same content.
async fn is_worked_on(cx: &Services, work: &Work) -> Result<bool, MoveError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let row = client
        .query_one(
            "select exists (select 1 from public.media_jobs j join media_originals o on o.media = j.media
             where o.sha256 = $1 and j.state in ('queued', 'running'))",
            &[&work.sha256],
        )
        .await?;
    Ok(row.get(0))
}

/// Whether a store has room for `more` bytes of a work that takes `bytes` in all.
async fn has_room(cx: &Services, work: &Work, to: Place, more: u64, bytes: u64) -> Result<bool, MoveError> {
    if to == Place::Local {
        let free = cx.files.local().free_bytes()?;
        return Ok(free >= cx.config.limits.free_disk_bytes.saturating_add(more));
    }
    let most = cx.config.storage.s3.most_bytes;
    if most == 0 {
        return Ok(true);
    }
    let held = works::bytes_in(&cx.reader, Place::S3, work.id).await?;
    Ok(held.saturating_add(bytes) <= most)
}

async fn tell(cx: &Services, media: Uuid, command: MediaCommand, meta: &Metadata) -> Result<(), MoveError> {
    let sent = cx.bus.dispatch::<Media>(Envelope::new(cx.clock.new_id(), media, command, meta.clone())).await;
    sent.map(drop).map_err(MoveError::Command)
}

/// The work was removed meanwhile, and its bytes perhaps with it: what we brought goes again, unless another
/// work holds the same original.
async fn forget_copies(
    cx: &Services,
    work: &Work,
    keys: impl Iterator<Item = &String>,
    from: Place,
) -> Result<(), MoveError> {
    let shared = works::others_with_original(&cx.reader, work.id, &work.sha256).await? > 0;
    for key in keys.filter(|key| !(shared && key.starts_with("originals/"))) {
        cx.files.remove(key, from).await?;
    }
    Ok(())
}
