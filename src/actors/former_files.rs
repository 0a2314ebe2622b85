//! Files of works that are not needed any more: those of works that were removed, and of originals that a new
//! file took the place of.

use super::bus::{CommandError, Envelope, Receipt};
use super::services::Services;
use crate::domain::media::{Media, MediaCommand, MediaError};
use crate::domain::shared::derive_id;
use crate::projections::media::{self as works, Held};
use crate::store::repository::EventRepository;
use crate::store::{Metadata, StoreError};
use chrono::TimeDelta;
use uuid::Uuid;

/// How long the bytes of a removed work and of a replaced file are kept, should that have been a mistake.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// Why files are not removed.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A store of files.
    #[error("removing files: {0}")]
    Io(#[from] std::io::Error),
    /// The command was not taken.
    #[error("{0}")]
    Command(CommandError<MediaError>),
}

/// Removes everything that was made of a work, and all originals that it ever held and no other work holds.
///
/// # Errors
/// As [`EraseError`] says; it may be done again.
pub async fn remove_all(cx: &Services, media: Uuid) -> Result<(), EraseError> {
    cx.files.remove_all_made(media).await?;
    for held in works::originals_of(&cx.reader, media).await? {
        if works::others_with_original(&cx.reader, media, &held.sha256).await? == 0 {
            cx.files.remove_original(&held.sha256).await?;
        }
    }
    Ok(())
}

/// Erases a removed work: first nobody can bring it back any more, then its bytes go, then the log says that they are
/// gone. Whoever is killed in between goes on with the next round of `destroy-archives`.
///
/// # Errors
/// As [`EraseError`] says; it may be done again.
pub async fn erase_removed(
    cx: &Services,
    media: Uuid,
    command: Uuid,
    meta: &Metadata,
) -> Result<Receipt, EraseError> {
    let tell = async |id: Uuid, command: MediaCommand| {
        let sent = cx.bus.dispatch::<Media>(Envelope::new(id, media, command, meta.clone())).await;
        sent.map_err(EraseError::Command)
    };
    tell(command, MediaCommand::EraseNow { at: meta.at }).await?;
    remove_all(cx, media).await?;
    tell(derive_id(&command.to_string(), "files"), MediaCommand::RecordFilesErased { at: meta.at }).await
}

/// Removes a former original, unless it is needed elsewhere, and what was made of it, and says so.
///
/// # Errors
/// As [`EraseError`] says; it may be done again.
pub async fn erase(cx: &Services, former: &Held, meta: &Metadata) -> Result<(), EraseError> {
    let repository = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone());
    let media = repository.load(former.media).await?.state;
    if !media.former.iter().any(|f| f.round == former.round) {
        return Ok(());
    }
    let mine = works::originals_of(&cx.reader, former.media).await?;
    let other_file = mine.iter().any(|held| held.sha256 == former.sha256 && held.round != former.round);
    if !other_file && works::others_with_original(&cx.reader, former.media, &former.sha256).await? == 0 {
        cx.files.remove_original(&former.sha256).await?;
    }
    let mut kept = vec![media.generation, media.playable_generation];
    kept.extend(media.next.as_ref().map(|next| next.before_round));
    cx.files.remove_rounds_but(former.media, &kept).await?;
    let command = MediaCommand::RecordFormerErased { round: former.round, at: meta.at };
    let id = derive_id(&former.media.to_string(), &format!("former {} erased", former.round));
    match cx.bus.dispatch::<Media>(Envelope::new(id, former.media, command, meta.clone())).await {
        // Removed meanwhile: then all of it goes with the work.
        Ok(_) | Err(CommandError::Refused(MediaError::Removed)) => Ok(()),
        Err(error) => Err(EraseError::Command(error)),
    }
}
