//! From bytes that are all here to an original and the command that says so.

use super::{About, UploadError, about_path, check_room, forget, in_words, standing, store, take_hash};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::encoder::{self, Tools, queue};
use crate::actors::services::Services;
use crate::actors::workflows::process_media;
use crate::config::Processing;
use crate::domain::media::{Media, MediaCommand, MediaError, Original};
use crate::domain::shared::{AccountId, PersonalValue, Slug, derive_id};
use crate::media::store::{hash_file, private_folder};
use crate::store::{Claim, Metadata, Receipt, StoreError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use uuid::Uuid;

/// Turns a completely arrived upload into an original and says so. The upload's id becomes the
/// work's id; doing it twice gives the same answer.
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
    .map_err(std::io::Error::other)??;
    let about: About = std::fs::read(about_path(&store, id))
        .ok()
        .and_then(|t| serde_json::from_slice(&t).ok())
        .unwrap_or_default();
    let receipt = receive(cx, account, id, original, &about, meta).await?;
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

fn numbered(slug: &Slug, end: &str) -> Slug {
    let begin: String = slug.as_str().chars().take(Slug::MAX - end.len() - 1).collect();
    Slug::from_title(&format!("{begin} {end}"), end)
}

/// Takes one file that comes in one piece. Nothing is kept when it breaks off.
///
/// # Errors
/// As [`UploadError`] says.
pub async fn take_whole<S>(
    cx: &Services,
    account: AccountId,
    about: &About,
    mut bytes: S,
    meta: Metadata,
) -> Result<(Uuid, Receipt), UploadError>
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
        while let Some(part) = bytes.next().await {
            let part = part.map_err(|_| UploadError::BrokenOff)?;
            length += part.len() as u64;
            if length > limit {
                return Err(UploadError::TooLarge {
                    length: format!("more than {}", in_words(limit)),
                    limit: in_words(limit),
                });
            }
            hash.update(&part);
            file.write_all(&part)?;
        }
        let sha256 = hex::encode(hash.finalize());
        store.adopt_original(&incoming, &sha256)?;
        Ok(Original { sha256, bytes: length })
    };
    let original = match written.await {
        Ok(original) => original,
        Err(error) => {
            let _ = std::fs::remove_file(&incoming);
            cx.metrics.media.uploads.with_label_values(&["refused"]).inc();
            return Err(error);
        }
    };
    let receipt = receive(cx, account, id, original, about, meta).await?;
    cx.metrics.media.uploads.with_label_values(&["accepted"]).inc();
    Ok((id, receipt))
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

/// Takes a file of this machine over as an original (the command line): copied while it is hashed.
///
/// # Errors
/// If there is no room or it cannot be read.
pub async fn import_file(
    cx: &Services,
    account: AccountId,
    path: PathBuf,
    title: &str,
    meta: Metadata,
) -> Result<(Uuid, Receipt), UploadError> {
    let length = std::fs::metadata(&path)?.len();
    check_room(cx, account, length).await?;
    let id = cx.clock.new_id();
    let store = store(cx);
    private_folder(store.uploads())?;
    let incoming = store.incoming(id);
    let file_name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let original = tokio::task::spawn_blocking(move || {
        let mut source = File::open(&path)?;
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
        store.adopt_original(&incoming, &sha256)?;
        Ok::<_, std::io::Error>(Original { sha256, bytes })
    })
    .await
    .map_err(std::io::Error::other)??;
    let about = About { file_name, title: title.to_owned() };
    let receipt = receive(cx, account, id, original, &about, meta).await?;
    Ok((id, receipt))
}
