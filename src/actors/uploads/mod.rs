//! Uploads: bytes that arrive in pieces, are hashed on the way, and become an original with a command.
//!
//! What has arrived is what the file holds; the row only says to whom it belongs and how long it will
//! be. Limits are checked before the first byte and while bytes arrive, never afterwards.

mod allowed;
pub mod fetches;
mod held;
mod receive;
mod replacing;

pub use allowed::list as kinds_in_words;
pub use receive::{complete, complete_arrived, import_file, process_if_eager, receive, stage, take_staged};
pub use replacing::is_about_file;

use super::bus::CommandError;
use super::services::Services;
use crate::adapters::fetch::FetchError;
use crate::domain::media::{Media, MediaError, Original};
use crate::domain::shared::AccountId;
use crate::media::store::{MediaStore, private_folder, write_atomically};
use crate::projections::media as works;
use crate::store::StoreError;
use crate::store::repository::EventRepository;
use allowed::Begin;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, StreamExt};
use held::Held;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// How long a partial upload is kept.
pub const KEPT_DAYS: i64 = 7;

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Larger than allowed.
    #[error("The file has {length}; at most {limit} are allowed.")]
    TooLarge {
        /// Length announced or reached.
        length: String,
        /// Limit in force.
        limit: String,
    },
    /// The account's share is used up.
    #[error(
        "Your uploads hold {used} of {limit}; this file needs {length} more. Remove some works first: removed works count until they are erased, at once or after 30 days (/studio/removed)."
    )]
    Quota {
        /// Bytes held.
        used: String,
        /// Limit in force.
        limit: String,
        /// Bytes wanted.
        length: String,
    },
    /// The disk is nearly full.
    #[error("The studio's disk has {free} left, {why}. Ask the operator.")]
    NoRoom {
        /// Bytes left.
        free: String,
        /// What that is too little for.
        why: String,
    },
    /// Unknown, expired, or somebody else's.
    #[error("There is no such upload. It may have expired; start it again.")]
    NotFound,
    /// The client and we disagree how much has arrived.
    #[error("So far {have} bytes have arrived.")]
    Offset {
        /// What has arrived.
        have: u64,
    },
    /// Another request is writing.
    #[error("Another request is sending this upload right now.")]
    Busy,
    /// More bytes than announced.
    #[error("More bytes came than were announced.")]
    TooMany,
    /// The bytes do not have the announced checksum; they were thrown away.
    #[error("The bytes arrived damaged (checksum). Send them again.")]
    Checksum,
    /// A file that could not be fetched from its address.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A kind that is not taken.
    #[error("This studio does not take {found}; it takes {taken}. Ask the operator.")]
    KindNotTaken {
        /// What the file seems to be.
        found: String,
        /// What is taken.
        taken: String,
    },
    /// A file for a work that is not there, or that somebody else may change.
    #[error("There is no such work, or it is not yours to change.")]
    NoSuchWork,
    /// The connection ended early; what arrived is kept.
    #[error("The connection ended early. What arrived is kept; go on from there.")]
    BrokenOff,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A path of this machine that is a folder, a device or a pipe.
    #[error("This is no ordinary file. Name a file; folders are not followed.")]
    NoFile,
    /// A path of this machine that cannot be opened.
    #[error("The file cannot be opened: {0}. Check its name and that Kinora's user may read it.")]
    Unreadable(std::io::ErrorKind),
    /// The file system.
    #[error("the file system failed: {0}")]
    Io(#[from] std::io::Error),
    /// The command was not taken.
    #[error("{0}")]
    Command(CommandError<MediaError>),
}

impl From<tokio_postgres::Error> for UploadError {
    fn from(e: tokio_postgres::Error) -> Self {
        Self::Store(e.into())
    }
}

/// What a person says about a file; lies beside the arriving bytes, never in the database.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct About {
    /// Its name on the person's machine.
    pub file_name: String,
    /// The title wanted; empty for none.
    #[serde(default)]
    pub title: String,
    /// The work whose file it takes the place of; none if it becomes a work of its own.
    #[serde(default)]
    pub replaces: Option<Uuid>,
    /// What the client said at the creation (header `Upload-Metadata`), given back when it asks.
    #[serde(default)]
    pub metadata: String,
}

impl From<&str> for About {
    /// With a title and nothing else.
    fn from(title: &str) -> Self {
        Self { title: title.to_owned(), ..Self::default() }
    }
}

/// Where an upload stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// What has arrived.
    pub offset: u64,
    /// What is expected.
    pub length: u64,
    /// When it is thrown away if it is not completed.
    pub expires_at: DateTime<Utc>,
    /// Whether it has become a work already: nothing is left to send.
    pub received: bool,
    /// The work that it becomes, or whose file it takes the place of.
    pub media: Uuid,
}

/// A checksum that a client announced for one piece.
#[derive(Clone, Debug)]
pub enum Checksum {
    /// SHA-1, which every tus server knows.
    Sha1(Vec<u8>),
    /// SHA-256.
    Sha256(Vec<u8>),
}

/// A checksum while its bytes arrive.
enum Piece {
    Sha1(sha1::Sha1, Vec<u8>),
    Sha256(Sha256, Vec<u8>),
}

impl Piece {
    fn begin(wanted: Checksum) -> Self {
        match wanted {
            Checksum::Sha1(sum) => Self::Sha1(sha1::Sha1::new(), sum),
            Checksum::Sha256(sum) => Self::Sha256(Sha256::new(), sum),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hash, _) => hash.update(bytes),
            Self::Sha256(hash, _) => hash.update(bytes),
        }
    }

    fn matches(self) -> bool {
        match self {
            Self::Sha1(hash, wanted) => hash.finalize().as_slice() == wanted,
            Self::Sha256(hash, wanted) => hash.finalize().as_slice() == wanted,
        }
    }
}

fn store(cx: &Services) -> MediaStore {
    MediaStore::new(&cx.config.data)
}

/// Bytes in words.
#[must_use]
pub fn in_words(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Whether there is room for `length` more bytes of `account`.
///
/// # Errors
/// With the figures.
pub async fn check_room(cx: &Services, account: AccountId, length: u64) -> Result<(), UploadError> {
    let limits = &cx.config.limits;
    let words = in_words(length);
    if length > limits.upload_bytes {
        return Err(UploadError::TooLarge { length: words, limit: in_words(limits.upload_bytes) });
    }
    let held = works::bytes_of(&cx.reader, account).await?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let arriving: i64 = client
        .query_one(
            "select coalesce(sum(length), 0)::bigint from public.uploads where account = $1",
            &[&account],
        )
        .await?
        .get(0);
    let used = held + u64::try_from(arriving).unwrap_or(0);
    if used.saturating_add(length) > limits.account_bytes {
        let (used, limit) = (in_words(used), in_words(limits.account_bytes));
        return Err(UploadError::Quota { used, limit, length: words });
    }
    allowed::check_disk(cx, length)
}

/// Begins an upload of `length` bytes.
///
/// # Errors
/// When there is no room for it.
pub async fn create(
    cx: &Services,
    account: AccountId,
    length: u64,
    about: &About,
) -> Result<Uuid, UploadError> {
    check_room(cx, account, length).await?;
    if let Some(media) = about.replaces {
        replacing::check(cx, account, media).await?;
    }
    let id = cx.clock.new_id();
    let store = store(cx);
    private_folder(store.uploads())?;
    let text = serde_json::to_vec(about).map_err(std::io::Error::other)?;
    write_atomically(&about_path(&store, id), &text)?;
    File::create(store.incoming(id))?;
    let now = cx.clock.now();
    cx.pool
        .get()
        .await
        .map_err(StoreError::from)?
        .execute(
            "insert into public.uploads (id, account, length, created_at, expires_at) values ($1, $2, $3, $4, $5)",
            &[&id, &account, &i64::try_from(length).unwrap_or(i64::MAX), &now, &(now + TimeDelta::days(KEPT_DAYS))],
        )
        .await?;
    Ok(id)
}

/// What a person said of an upload; nothing if nothing is kept any more.
fn about(store: &MediaStore, id: Uuid) -> About {
    let kept = std::fs::read(about_path(store, id)).ok();
    kept.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn about_path(store: &MediaStore, id: Uuid) -> PathBuf {
    store.incoming(id).with_extension("about")
}

/// What the client said of an upload when it began it; empty if nothing is kept any more.
#[must_use]
pub fn told(cx: &Services, id: Uuid) -> String {
    about(&store(cx), id).metadata
}

/// Where an upload of `account` stands. One that has become a work has arrived completely: its client
/// may not have heard so.
///
/// # Errors
/// [`UploadError::NotFound`] if there is none.
pub async fn standing(cx: &Services, account: AccountId, id: Uuid) -> Result<Standing, UploadError> {
    let row = cx
        .pool
        .get()
        .await
        .map_err(StoreError::from)?
        .query_opt(
            "select length, expires_at from public.uploads where id = $1 and account = $2 and expires_at > $3",
            &[&id, &account, &cx.clock.now()],
        )
        .await?;
    let Some(row) = row else { return received(cx, account, id).await };
    let Ok(arrived) = std::fs::metadata(store(cx).incoming(id)) else {
        return received(cx, account, id).await;
    };
    let length = u64::try_from(row.get::<_, i64>(0)).unwrap_or(0);
    let media = about(&store(cx), id).replaces.unwrap_or(id);
    Ok(Standing { offset: arrived.len(), length, expires_at: row.get(1), received: false, media })
}

/// The standing of an upload that the log knows as a work.
async fn received(cx: &Services, account: AccountId, id: Uuid) -> Result<Standing, UploadError> {
    let repository = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone());
    let media = repository.load(id).await?.state;
    match media.original {
        Some(Original { bytes, .. }) if media.owner == Some(account) => Ok(Standing {
            offset: bytes,
            length: bytes,
            expires_at: cx.clock.now(),
            received: true,
            media: id,
        }),
        _ => replacing::received(cx, account, id).await,
    }
}

/// Hashes that are under way, so that a finished upload need not be read again. Lost on restart; then
/// the file is read once.
static HASHES: Mutex<Option<HashMap<Uuid, (u64, Sha256)>>> = Mutex::new(None);

fn take_hash(id: Uuid, offset: u64) -> Option<Sha256> {
    let mut all = HASHES.lock().unwrap_or_else(PoisonError::into_inner);
    if offset == 0 {
        return Some(Sha256::new());
    }
    all.as_mut()?.remove(&id).filter(|(at, _)| *at == offset).map(|(_, h)| h)
}

fn put_hash(id: Uuid, offset: u64, hash: Sha256) {
    let mut all = HASHES.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    // A bound for clients that begin uploads and never go on.
    if all.len() > 1000 {
        all.clear();
    }
    all.insert(id, (offset, hash));
}

/// Appends what comes, from `offset` on. Gives the new offset. What arrived before the connection
/// broke is kept, except with a checksum, which covers the whole piece.
///
/// # Errors
/// As [`UploadError`] says.
pub async fn append<S>(
    cx: &Services,
    account: AccountId,
    id: Uuid,
    offset: u64,
    mut bytes: S,
    checksum: Option<Checksum>,
) -> Result<Standing, UploadError>
where
    S: Stream<Item = Result<Bytes, std::io::Error>> + Unpin + Send,
{
    let before = standing(cx, account, id).await?;
    if before.received {
        return if offset == before.offset {
            Ok(before)
        } else {
            Err(UploadError::Offset { have: before.offset })
        };
    }
    let mut file = Held::open(&store(cx).incoming(id)).await?;
    let have = file.metadata()?.len();
    if have != offset {
        return Err(UploadError::Offset { have });
    }
    file.seek(SeekFrom::End(0))?;
    let mut whole = take_hash(id, offset);
    let mut piece = checksum.map(Piece::begin);
    let mut at = offset;
    let mut broken = None;
    let mut check_at = offset;
    // Only whoever sends the beginning can be told what the file is.
    let mut begin = Begin::new(offset);
    let name = about(&store(cx), id).file_name;
    while let Some(part) = bytes.next().await {
        let Ok(part) = part else {
            broken = Some(UploadError::BrokenOff);
            break;
        };
        if at + part.len() as u64 > before.length {
            broken = Some(UploadError::TooMany);
            break;
        }
        if at >= check_at {
            if let Err(error) = allowed::check_writing(cx) {
                broken = Some(error);
                break;
            }
            check_at = at + receive::DISK_STEP;
        }
        if let Some(head) = begin.take(&part)
            && let Err(error) = allowed::check(cx, head, before.length, &name)
        {
            drop(file);
            forget(cx, id).await?;
            return Err(error);
        }
        // Small writes into the page cache; the sync comes at the end.
        file.write_all(&part)?;
        at += part.len() as u64;
        if let Some(hash) = &mut whole {
            hash.update(&part);
        }
        if let Some(piece) = &mut piece {
            piece.update(&part);
        }
    }
    if at == before.length
        && let Some(head) = begin.rest()
        && let Err(error) = allowed::check(cx, head, before.length, &name)
    {
        drop(file);
        forget(cx, id).await?;
        return Err(error);
    }
    let damaged = piece.is_some_and(|piece| !piece.matches());
    if damaged || matches!(broken, Some(UploadError::TooMany)) {
        file.set_len(offset)?;
        return Err(if damaged && broken.is_none() {
            UploadError::Checksum
        } else {
            broken.unwrap_or(UploadError::Checksum)
        });
    }
    if let Some(hash) = whole {
        put_hash(id, at, hash);
    }
    if let Some(error) = broken {
        return Err(error);
    }
    let file = tokio::task::spawn_blocking(move || file.sync_data().map(|()| file))
        .await
        .map_err(std::io::Error::other)??;
    drop(file);
    Ok(Standing { offset: at, ..before })
}

/// Throws an upload away.
///
/// # Errors
/// [`UploadError::NotFound`] if there is none.
pub async fn terminate(cx: &Services, account: AccountId, id: Uuid) -> Result<(), UploadError> {
    if standing(cx, account, id).await?.received {
        return Err(UploadError::NotFound);
    }
    forget(cx, id).await?;
    cx.metrics.media.uploads.with_label_values(&["aborted"]).inc();
    Ok(())
}

async fn forget(cx: &Services, id: Uuid) -> Result<(), UploadError> {
    let store = store(cx);
    let _ = std::fs::remove_file(store.incoming(id));
    let _ = std::fs::remove_file(about_path(&store, id));
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    client.execute("delete from public.uploads where id = $1", &[&id]).await?;
    Ok(())
}

/// Throws away partial uploads whose time is over; gives how many.
///
/// # Errors
/// If database or file system fail.
pub async fn remove_expired(cx: &Services, now: DateTime<Utc>) -> Result<u64, UploadError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let rows = client.query("select id from public.uploads where expires_at <= $1", &[&now]).await?;
    drop(client);
    for row in &rows {
        forget(cx, row.get(0)).await?;
    }
    Ok(rows.len() as u64)
}
