//! Caption files: read, written as WebVTT beside the work, and then said in the log.

use super::bus::{CommandError, Envelope, Receipt};
use super::services::Services;
use crate::domain::media::{Captions, Media, MediaCommand, MediaError};
use crate::domain::shared::Language;
use crate::media::captions::{CaptionError, to_webvtt};
use crate::media::store::{MediaStore, write_atomically};
use crate::projections::media::Work;
use crate::store::Metadata;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Why captions are not taken.
#[derive(Debug, thiserror::Error)]
pub enum CaptionsError {
    /// The file.
    #[error(transparent)]
    File(#[from] CaptionError),
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
    let folder = MediaStore::new(&cx.config.data).captions(work.id);
    let place = folder.clone();
    let captions = tokio::task::spawn_blocking(move || {
        let (file, cues) = to_webvtt(&bytes)?;
        let sha256 = hex::encode(Sha256::digest(&file));
        let captions = Captions { language, sounds, sha256, bytes: file.len() as u64, cues };
        // The file first: the log never names what is not there. One that is refused is an orphan.
        write_atomically(&place.join(captions.file()), file.as_bytes())?;
        Ok::<_, CaptionsError>(captions)
    })
    .await
    .map_err(std::io::Error::other)??;
    let before = work.captions.iter().find(|c| c.track() == captions.track());
    let replaced = before.filter(|c| c.file() != captions.file()).map(|c| folder.join(c.file()));
    let receipt =
        send(cx, work.id, MediaCommand::AddCaptions { captions, at: meta.at }, command, meta).await?;
    if let Some(file) = replaced {
        drop_file(&file);
    }
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
    if let Some(gone) = work.captions.iter().find(|c| c.track() == track) {
        drop_file(&MediaStore::new(&cx.config.data).captions(work.id).join(gone.file()));
    }
    Ok(receipt)
}

/// What cannot be removed now belongs to nothing, and `kinora media prune` finds it.
fn drop_file(file: &std::path::Path) {
    let _ = std::fs::remove_file(file);
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
