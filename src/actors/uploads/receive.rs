//! From bytes that are all here to an original and the command that says so.

use super::allowed::{self, Begin};
use super::{About, UploadError, about, check_room, forget, in_words, replacing, standing, store, take_hash};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::encoder::{self, Tools, queue};
use crate::actors::services::Services;
use crate::actors::workflows::process_media;
use crate::adapters::fetch::FetchError;
use crate::config::Processing;
use crate::domain::media::{Media, MediaCommand, MediaError, Original, ending};
use crate::domain::shared::{AccountId, PersonalValue, Slug, derive_id};
use crate::media::store::{hash_file, private_folder};
use crate::store::{Claim, Metadata, Receipt, StoreError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// How often, in bytes, a file of unknown length is held against the room that is left.
const ROOM_STEP: u64 = 64 << 20;
/// How often, in bytes, the disk is asked while a file arrives: it may fill by other hands as well.
pub(super) const DISK_STEP: u64 = 4 << 20;
/// How long a complete upload lies untouched before somebody else completes it.
const LYING_STILL: Duration = Duration::from_secs(60);

/// Turns a completely arrived upload into an original and says so. The upload's id becomes the
/// work's id; doing it twice gives the same answer. The arrived bytes go only when the log knows of
/// the original.
///
/// # Errors
/// As [`UploadError`] says.
pub async fn complete(
    cx: &Services,
    account: AccountId,
    id: Uuid,
    meta: Metadata,
) -> Result<Receipt, UploadError> {
    let standing = standing(cx, account, id).await?;
    if standing.received {
        return Ok(Receipt { position: 0, version: 0, replayed: true });
    }
    if standing.offset != standing.length {
        return Err(UploadError::Offset { have: standing.offset });
    }
    let store = store(cx);
    let incoming = store.incoming(id);
    let known = take_hash(id, standing.length).filter(|_| standing.length > 0);
    let (path, keep) = (incoming.clone(), store.clone());
    let original = tokio::task::spawn_blocking(move || {
        let (sha256, bytes) = match known {
            Some(hash) => (hex::encode(hash.finalize()), standing.length),
            None => hash_file(&path)?,
        };
        keep.adopt_original(&path, &sha256)?;
        Ok::<_, std::io::Error>(Original { sha256, bytes })
    })
    .await
    .map_err(std::io::Error::other)?;
    let original = match original {
        // Somebody else completed it while we read it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            self::standing(cx, account, id).await?;
            return Ok(Receipt { position: 0, version: 0, replayed: true });
        }
        other => other?,
    };
    let about = about(&store, id);
    let receipt = match receive(cx, account, id, original, &about, meta).await {
        // A work that does not take the new file will not take it later either.
        Err(error) if about.replaces.is_some() && replacing::is_final(&error) => {
            forget(cx, id).await?;
            return Err(error);
        }
        received => received?,
    };
    forget(cx, id).await?;
    cx.metrics.media.uploads.with_label_values(&["accepted"]).inc();
    Ok(receipt)
}

/// Says that an original has been received, with the first free slug of its title, and puts the first
/// row into the encoder's queue.
///
/// # Errors
/// As [`UploadError`] says.
pub async fn receive(
    cx: &Services,
    account: AccountId,
    id: Uuid,
    original: Original,
    about: &About,
    meta: Metadata,
) -> Result<Receipt, UploadError> {
    if let Some(media) = about.replaces {
        return replacing::replace(cx, account, (id, media), original, about, meta).await;
    }
    let title = match about.title.trim() {
        "" => "Untitled".to_owned(),
        title => title.chars().take(200).collect(),
    };
    let name: String = about.file_name.chars().filter(|c| !c.is_control()).take(255).collect();
    let wish = Slug::from_title(&title, "work");
    let short = &id.simple().to_string()[24..];
    let mut answer = Err(CommandError::Busy);
    for attempt in 0..4 {
        let slug = match attempt {
            0 if wish.as_str() != "untitled" => wish.clone(),
            0 | 1 => numbered(&wish, short),
            _ => numbered(&wish, &cx.clock.new_id().simple().to_string()[20..]),
        };
        let private = PersonalValue::new(account, "file_name", cx.clock.new_id(), name.clone());
        let command = MediaCommand::ReceiveUpload {
            owner: account,
            original: original.clone(),
            file_name: private.reference.clone(),
            ending: ending(&name),
            title: title.clone(),
            slug: slug.clone(),
            at: meta.at,
        };
        let command_id = derive_id(&id.to_string(), &format!("receive {slug}"));
        let envelope = Envelope::new(command_id, id, command, meta.clone())
            .with_private(vec![private])
            .with_claims(vec![Claim::new("media-slug", slug.as_str())]);
        answer = cx.bus.dispatch::<Media>(envelope).await;
        if !matches!(answer, Err(CommandError::Taken { .. })) {
            break;
        }
    }
    let receipt = match answer {
        Err(CommandError::Refused(MediaError::AlreadyReceived)) => {
            Receipt { position: 0, version: 0, replayed: true }
        }
        other => other.map_err(UploadError::Command)?,
    };
    // The workflow does the same; this only saves its turn.
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    queue::enqueue(&**client, &process_media::first(id, account, 1)).await?;
    Ok(receipt)
}

/// Completes uploads whose last byte arrived but whose client never heard so: the process or the
/// database ended in between, and a client that asks sees nothing left to send. Gives how many.
///
/// # Errors
/// If the database fails.
pub async fn complete_arrived(cx: &Services, meta: &Metadata) -> Result<u64, UploadError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let rows = client.query("select id, account, length from public.uploads where length > 0", &[]).await?;
    drop(client);
    let mut completed = 0;
    for row in rows {
        let (id, account, length): (Uuid, Uuid, i64) = (row.get(0), row.get(1), row.get(2));
        let incoming = store(cx).incoming(id);
        // Only what lies still: the request that brought the last byte completes it itself.
        let waits = std::fs::metadata(&incoming).is_ok_and(|m| {
            i64::try_from(m.len()) == Ok(length)
                && m.modified().ok().and_then(|t| t.elapsed().ok()).is_some_and(|d| d > LYING_STILL)
        });
        if !waits {
            continue;
        }
        match complete(cx, account, id, meta.clone()).await {
            Ok(_) => completed += 1,
            Err(UploadError::Store(error)) => return Err(error.into()),
            // One upload that cannot be taken does not hold up the others; it expires.
            Err(error) => tracing::warn!(upload = %id, %error, "an arrived upload could not be completed"),
        }
    }
    Ok(completed)
}

fn numbered(slug: &Slug, end: &str) -> Slug {
    let begin: String = slug.as_str().chars().take(Slug::MAX - end.len() - 1).collect();
    Slug::from_title(&format!("{begin} {end}"), end)
}

/// Takes the bytes of one file that comes in one piece. Nothing is kept when it breaks off.
///
/// # Errors
/// As [`UploadError`] says.
pub async fn stage<S>(
    cx: &Services,
    account: AccountId,
    file_name: &str,
    mut bytes: S,
) -> Result<Original, UploadError>
where
    S: Stream<Item = Result<Bytes, std::io::Error>> + Unpin + Send,
{
    let id = cx.clock.new_id();
    let store = store(cx);
    private_folder(store.uploads())?;
    let incoming = store.incoming(id);
    let limit = cx.config.limits.upload_bytes;
    let written = async {
        let mut file = File::create(&incoming)?;
        let mut hash = Sha256::new();
        let mut length = 0;
        let (mut check_at, mut disk_at) = (ROOM_STEP, DISK_STEP);
        let mut begin = Begin::new(0);
        while let Some(part) = bytes.next().await {
            let part = part.map_err(|error| match error.kind() {
                std::io::ErrorKind::TimedOut => FetchError::TimedOut.into(),
                std::io::ErrorKind::FileTooLarge => UploadError::TooLarge {
                    length: format!("more than {}", in_words(limit)),
                    limit: in_words(limit),
                },
                _ => UploadError::BrokenOff,
            })?;
            length += part.len() as u64;
            if length > limit {
                return Err(UploadError::TooLarge {
                    length: format!("more than {}", in_words(limit)),
                    limit: in_words(limit),
                });
            }
            // Not every form announces how long it is.
            if length > check_at {
                check_room(cx, account, length).await?;
                check_at = length + ROOM_STEP;
            }
            if length > disk_at {
                allowed::check_writing(cx)?;
                disk_at = length + DISK_STEP;
            }
            if let Some(head) = begin.take(&part) {
                allowed::check(cx, head, u64::MAX, file_name)?;
            }
            hash.update(&part);
            file.write_all(&part)?;
        }
        check_room(cx, account, length).await?;
        if let Some(head) = begin.rest() {
            allowed::check(cx, head, length, file_name)?;
        }
        let sha256 = hex::encode(hash.finalize());
        store.adopt_original(&incoming, &sha256)?;
        Ok(Original { sha256, bytes: length })
    };
    let written = written.await;
    let _ = std::fs::remove_file(&incoming);
    if written.is_err() {
        cx.metrics.media.uploads.with_label_values(&["refused"]).inc();
    }
    written
}

/// Makes a work of a file whose bytes are there; doing it twice with the same id makes one.
///
/// # Errors
/// As [`UploadError`] says.
pub async fn take_staged(
    cx: &Services,
    account: AccountId,
    id: Uuid,
    original: Original,
    about: &About,
    meta: Metadata,
) -> Result<Receipt, UploadError> {
    let receipt = receive(cx, account, id, original, about, meta).await?;
    cx.metrics.media.uploads.with_label_values(&["accepted"]).inc();
    Ok(receipt)
}

/// With `processing = "eager"`: returns when everything is made. A failure is the work's, not the
/// request's; the work says so itself.
pub async fn process_if_eager(cx: &Services, id: Uuid) {
    if cx.config.processing == Processing::Eager
        && let Err(error) = encoder::drain(cx, &Tools::new(cx), id).await
    {
        tracing::error!(media = %id, %error, "processing before the answer failed");
    }
}

/// Takes a file of this machine over as an original (the command line): copied while it is hashed. Gives the
/// work that it became, or whose file it takes the place of.
///
/// # Errors
/// If there is no room or it cannot be read.
pub async fn import_file(
    cx: &Services,
    account: AccountId,
    path: PathBuf,
    about: impl Into<About>,
    meta: Metadata,
) -> Result<(Uuid, Receipt), UploadError> {
    let about: About = about.into();
    let found = std::fs::metadata(&path).map_err(|error| UploadError::Unreadable(error.kind()))?;
    if !found.is_file() {
        return Err(UploadError::NoFile);
    }
    check_room(cx, account, found.len()).await?;
    if let Some(media) = about.replaces {
        replacing::check(cx, account, media).await?;
    }
    let id = cx.clock.new_id();
    let store = store(cx);
    private_folder(store.uploads())?;
    let incoming = store.incoming(id);
    let file_name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let begin = allowed::begin(&path).map_err(|error| UploadError::Unreadable(error.kind()))?;
    allowed::check(cx, &begin, found.len(), &file_name)?;
    let (target, keep) = (incoming.clone(), store.clone());
    let copied = tokio::task::spawn_blocking(move || {
        let mut source = File::open(&path).map_err(|error| UploadError::Unreadable(error.kind()))?;
        let mut target = File::create(&incoming)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            let n = source.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            hash.update(&buffer[..n]);
            target.write_all(&buffer[..n])?;
            bytes += n as u64;
        }
        let sha256 = hex::encode(hash.finalize());
        keep.adopt_original(&incoming, &sha256)?;
        Ok::<_, UploadError>(Original { sha256, bytes })
    })
    .await
    .map_err(std::io::Error::other)
    .map_err(UploadError::from)
    .and_then(|copied| copied);
    let original = match copied {
        Ok(original) => original,
        Err(error) => {
            let _ = std::fs::remove_file(&target);
            return Err(error);
        }
    };
    let about = About { file_name, ..about };
    let received = receive(cx, account, id, original, &about, meta).await;
    let _ = std::fs::remove_file(&target);
    Ok((about.replaces.unwrap_or(id), received?))
}
