//! Caption files: read, written as WebVTT beside the work, and then said in the log.

use super::bus::{CommandError, Envelope, Receipt};
use super::services::Services;
use crate::domain::media::{Captions, Media, MediaCommand, MediaError, Place};
use crate::domain::shared::Language;
use crate::media::captions::{CaptionError, check_within, to_webvtt};
use crate::media::store::{MediaStore, write_atomically};
use crate::projections::media::Work;
use crate::store::repository::EventRepository;
use crate::store::{Metadata, StoreError};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Why captions are not taken.
#[derive(Debug, thiserror::Error)]
pub enum CaptionsError {
    /// The file.
    #[error(transparent)]
    File(#[from] CaptionError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system.
    #[error("the file system failed: {0}")]
    Io(#[from] std::io::Error),
    /// The command was not taken.
    #[error("{0}")]
    Command(CommandError<MediaError>),
}

/// Keeps a caption file of a work; one of the same language and kind is replaced.
///
/// # Errors
/// As [`CaptionsError`] says; then nothing has changed.
pub async fn add(
    cx: &Services,
    work: &Work,
    (language, sounds): (Language, bool),
    bytes: Vec<u8>,
    command: Uuid,
    meta: Metadata,
) -> Result<Receipt, CaptionsError> {
    let store = cx.files.local().clone();
    let folder = store.captions(work.id);
    let length_ms = work.duration_ms;
    let captions = tokio::task::spawn_blocking(move || {
        let (file, cues) = to_webvtt(&bytes)?;
        check_within(&file, length_ms)?;
        let sha256 = hex::encode(Sha256::digest(&file));
        let captions = Captions { language, sounds, sha256, bytes: file.len() as u64, cues };
        // The file first: the log never names what is not there. One that is refused is an orphan.
        let path = folder.join(captions.file());
        write_atomically(&path, file.as_bytes())?;
        store.share(&path)?;
        Ok::<_, CaptionsError>(captions)
    })
    .await
    .map_err(std::io::Error::other)??;
    let receipt =
        send(cx, work.id, MediaCommand::AddCaptions { captions, at: meta.at }, command, meta).await?;
    drop_replaced(cx, work).await?;
    Ok(receipt)
}

/// Takes the caption file of a track away.
///
/// # Errors
/// If the command is not taken.
pub async fn remove(
    cx: &Services,
    work: &Work,
    track: &str,
    command: Uuid,
    meta: Metadata,
) -> Result<Receipt, CaptionsError> {
    let wish = MediaCommand::RemoveCaptions { track: track.to_owned(), at: meta.at };
    let receipt = send(cx, work.id, wish, command, meta).await?;
    drop_replaced(cx, work).await?;
    Ok(receipt)
}

/// Removes the files that were the work's before and are not any more. The log is asked, not the list: a
/// request that comes twice must not take what was added again meanwhile. What cannot be removed now belongs
/// to nothing, and `kinora media prune` finds it.
async fn drop_replaced(cx: &Services, before: &Work) -> Result<(), CaptionsError> {
    let repository = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone());
    let now = repository.load(before.id).await?.state.captions;
    let folder = MediaStore::captions_key(before.id);
    for gone in before.captions.iter().filter(|c| !now.iter().any(|n| n.file() == c.file())) {
        let key = format!("{folder}/{}", gone.file());
        for place in [Place::Local, Place::S3] {
            let _ = cx.files.remove(&key, place).await;
        }
    }
    Ok(())
}

async fn send(
    cx: &Services,
    media: Uuid,
    command: MediaCommand,
    id: Uuid,
    meta: Metadata,
) -> Result<Receipt, CaptionsError> {
    cx.bus.dispatch::<Media>(Envelope::new(id, media, command, meta)).await.map_err(CaptionsError::Command)
}
