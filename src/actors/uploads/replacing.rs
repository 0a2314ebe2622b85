//! Uploads that take the place of the file of a work.

use super::{About, Standing, UploadError};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::encoder::queue;
use crate::actors::services::Services;
use crate::actors::workflows::process_media;
use crate::domain::media::{Media, MediaCommand, MediaError, Original, ending};
use crate::domain::shared::{AccountId, PersonalValue, Role, derive_id};
use crate::projections::access;
use crate::projections::media as works;
use crate::store::repository::EventRepository;
use crate::store::{Metadata, Receipt, StoreError, log};
use uuid::Uuid;

/// Whether an account may put a new file into that work: its creator, editors and admins.
///
/// # Errors
/// [`UploadError::NoSuchWork`] if not, or there is none.
pub async fn check(cx: &Services, account: AccountId, media: Uuid) -> Result<(), UploadError> {
    let work = works::by_id(&cx.reader, media).await?.filter(|work| !work.is_removed());
    let person = access::facts(&cx.reader, Some(account)).await?;
    let (Some(work), Some(person)) = (work, person) else { return Err(UploadError::NoSuchWork) };
    let has = |role| person.roles.0.contains(&role);
    let staff = has(Role::Editor) || has(Role::Admin);
    if !person.suspended && (staff || (has(Role::Creator) && work.owner == account)) {
        Ok(())
    } else {
        Err(UploadError::NoSuchWork)
    }
}

fn command_id(account: AccountId, upload: Uuid) -> Uuid {
    derive_id(&upload.to_string(), &format!("replace by {account}"))
}

/// Says that a new file has come for a work, and puts the first row into the encoder's queue.
///
/// # Errors
/// As [`UploadError`] says.
pub(super) async fn replace(
    cx: &Services,
    account: AccountId,
    (upload, media): (Uuid, Uuid),
    original: Original,
    about: &About,
    meta: Metadata,
) -> Result<Receipt, UploadError> {
    // Rights may have ended while the bytes came.
    check(cx, account, media).await?;
    let name: String = about.file_name.chars().filter(|c| !c.is_control()).take(255).collect();
    let private = PersonalValue::new(account, "file_name", cx.clock.new_id(), name.clone());
    let command = MediaCommand::Replace {
        original,
        file_name: private.reference.clone(),
        ending: ending(&name),
        at: meta.at,
    };
    let envelope =
        Envelope::new(command_id(account, upload), media, command, meta).with_private(vec![private]);
    let receipt = cx.bus.dispatch::<Media>(envelope).await.map_err(UploadError::Command)?;
    // The workflow does the same; this only saves its turn.
    let state = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone()).load(media).await?.state;
    let owner = state.owner.unwrap_or(account);
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    queue::enqueue(&**client, &process_media::first(media, owner, state.generation)).await?;
    Ok(receipt)
}

/// The standing of an upload that has taken the place of a file: its client may not have heard so.
pub(super) async fn received(
    cx: &Services,
    account: AccountId,
    upload: Uuid,
) -> Result<Standing, UploadError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let row = client
        .query_opt(
            "select r.stream_id, (e.payload -> 'original' ->> 'bytes')::bigint
             from command_receipts r
             join events e on e.log_id = r.log_id and e.position = r.position
             where r.log_id = 1 and r.command_id = $1 and e.type = 'ReplacementReceived'",
            &[&command_id(account, upload)],
        )
        .await?;
    let Some(row) = row else { return Err(UploadError::NotFound) };
    log::settle(&**client).await?;
    let (stream, bytes): (&str, Option<i64>) = (row.get(0), row.get(1));
    let media = stream.split_once('-').and_then(|(_, id)| id.parse().ok()).ok_or(UploadError::NotFound)?;
    let length = bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    Ok(Standing { offset: length, length, expires_at: cx.clock.now(), received: true, media })
}

/// Whether the same upload would be refused again.
pub(super) fn is_final(error: &UploadError) -> bool {
    matches!(error, UploadError::NoSuchWork | UploadError::Command(CommandError::Refused(_)))
}

/// The reason for which a work does not take a new file, if it is about the file itself.
#[must_use]
pub fn is_about_file(error: &UploadError) -> bool {
    matches!(
        error,
        UploadError::Command(CommandError::Refused(MediaError::SameFile | MediaError::SameAsBefore))
    )
}
