//! Files of works, wherever they lie: in the data folder or in a bucket.
//!
//! A file has the same name in both: its path below the media folder ([`MediaStore`]). What is being made lies
//! in the data folder; finished works may be moved to the bucket. A work's store is asked first, and the other
//! one for what is not there, so that a move that was cut off hides nothing.

use super::store::{MediaStore, hash_file, private_folder};
use crate::domain::media::Place;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, SeekFrom};
use uuid::Uuid;

/// How long the bucket may take to say something, and between two pieces of a file.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How much of a file of the data folder is read at once.
const PIECE: usize = 128 << 10;

/// The files of one instance. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Files {
    local: MediaStore,
    pub(super) bucket: Option<Arc<dyn ObjectStore>>,
}

/// A file that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its length in bytes.
    pub length: u64,
    /// When it was written.
    pub modified: Option<DateTime<Utc>>,
    /// Changes with its content, as an `ETag` with its quotes.
    pub tag: String,
    at: At,
}

#[derive(Clone, Debug)]
enum At {
    Disk(PathBuf),
    Bucket(Arc<dyn ObjectStore>, Key),
}

/// A file in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its length in bytes.
    pub length: u64,
    /// When it was written.
    pub modified: Option<DateTime<Utc>>,
}

pub(super) fn failed(error: object_store::Error) -> io::Error {
    match error {
        object_store::Error::NotFound { .. } => io::Error::from(io::ErrorKind::NotFound),
        // The texts name the bucket and the key of the object, which are for operators only.
        other => io::Error::other(format!("the bucket: {other}")),
    }
}

pub(super) async fn in_time<T>(work: impl Future<Output = object_store::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(failed),
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the bucket did not answer in time")),
    }
}

fn missing<T>(answer: io::Result<T>) -> io::Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(e),
    }
}

impl Files {
    /// Those of a data folder and, if there is one, of a bucket.
    #[must_use]
    pub fn new(data: &Path, bucket: Option<Arc<dyn ObjectStore>>) -> Self {
        Self { local: MediaStore::new(data), bucket }
    }

    /// The data folder's part.
    #[must_use]
    pub fn local(&self) -> &MediaStore {
        &self.local
    }

    /// Whether there is a bucket.
    #[must_use]
    pub fn has_bucket(&self) -> bool {
        self.bucket.is_some()
    }

    fn path(&self, key: &str) -> PathBuf {
        self.local.root().join(key)
    }

    /// Finds a file, in `first` or else in the other store.
    ///
    /// # Errors
    /// If a store cannot be asked.
    pub async fn find(&self, key: &str, first: Place) -> io::Result<Option<Found>> {
        for place in [first, first.other()] {
            if let Some(found) = self.find_in(key, place).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Finds a file in one store.
    ///
    /// # Errors
    /// If that cannot be asked.
    pub async fn find_in(&self, key: &str, place: Place) -> io::Result<Option<Found>> {
        match (place, &self.bucket) {
            (Place::Local, _) => missing(Found::on_disk(&self.path(key)).await),
            (Place::S3, None) => Ok(None),
            (Place::S3, Some(bucket)) => {
                let name = Key::from(key);
                let Some(meta) = missing(in_time(bucket.head(&name)).await)? else { return Ok(None) };
                let stamp = meta.last_modified.timestamp_millis();
                let plain =
                    |t: &String| t.bytes().filter(u8::is_ascii_alphanumeric).map(char::from).collect();
                let tag: String = meta.e_tag.as_ref().map_or_else(|| format!("{stamp:x}"), plain);
                Ok(Some(Found {
                    length: meta.size,
                    modified: Some(meta.last_modified),
                    tag: format!("\"{:x}-{tag}\"", meta.size),
                    at: At::Bucket(Arc::clone(bucket), name),
                }))
            }
        }
    }

    /// The beginning of a file: all of it, or `most` bytes. `None` if there is none.
    ///
    /// # Errors
    /// If a store cannot be read.
    pub async fn read(&self, key: &str, first: Place, most: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(found) = self.find(key, first).await? else { return Ok(None) };
        let count = found.length.min(most);
        let mut bytes = Vec::new();
        let mut pieces = found.pieces(0, count).await?;
        while let Some(piece) = pieces.try_next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }

    /// The files of one store whose names begin with the folder `prefix`, by their names in it.
    ///
    /// # Errors
    /// If the store cannot be listed.
    pub async fn list(&self, prefix: &str, place: Place) -> io::Result<BTreeMap<String, Listed>> {
        match (place, &self.bucket) {
            (Place::Local, _) => {
                let folder = self.path(prefix);
                let walked = tokio::task::spawn_blocking(move || {
                    let mut all = BTreeMap::new();
                    walk(&folder, "", &mut all).map(|()| all)
                });
                walked.await.map_err(io::Error::other)?
            }
            (Place::S3, None) => Ok(BTreeMap::new()),
            (Place::S3, Some(bucket)) => {
                let mut all = BTreeMap::new();
                let folder = Key::from(prefix);
                let mut listing = bucket.list(Some(&folder));
                while let Some(meta) = in_time(listing.try_next()).await? {
                    let Some(parts) = meta.location.prefix_match(&folder) else { continue };
                    let name = parts.map(|p| p.as_ref().to_owned()).collect::<Vec<_>>().join("/");
                    all.insert(name, Listed { length: meta.size, modified: Some(meta.last_modified) });
                }
                Ok(all)
            }
        }
    }

    /// SHA-256 of a file of one store in lower-case hexadecimal, and its length; the file is read.
    ///
    /// # Errors
    /// If it is not there or cannot be read.
    pub async fn hash(&self, key: &str, place: Place) -> io::Result<(String, u64)> {
        if place == Place::Local {
            let path = self.path(key);
            return tokio::task::spawn_blocking(move || hash_file(&path)).await.map_err(io::Error::other)?;
        }
        let found = self.find_in(key, place).await?.ok_or(io::ErrorKind::NotFound)?;
        let length = found.length;
        let mut hash = Sha256::new();
        let mut pieces = found.pieces(0, length).await?;
        while let Some(piece) = pieces.try_next().await? {
            hash.update(&piece);
        }
        Ok((hex::encode(hash.finalize()), length))
    }

    /// Removes a file from one store; one that is not there is fine.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn remove(&self, key: &str, place: Place) -> io::Result<()> {
        match (place, &self.bucket) {
            (Place::Local, _) => missing(tokio::fs::remove_file(self.path(key)).await).map(drop),
            (Place::S3, None) => Ok(()),
            (Place::S3, Some(bucket)) => missing(in_time(bucket.delete(&Key::from(key))).await).map(drop),
        }
    }

    /// Removes everything that was made of a work and its captions from both stores; the original may belong
    /// to others too.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub async fn remove_all_made(&self, media: Uuid) -> io::Result<()> {
        let local = self.local.clone();
        tokio::task::spawn_blocking(move || local.remove_all_made(media))
            .await
            .map_err(io::Error::other)??;
        for area in ["public", "captions"] {
            let folder = format!("{area}/{media}");
            for name in self.list(&folder, Place::S3).await?.keys() {
                self.remove(&format!("{folder}/{name}"), Place::S3).await?;
            }
        }
        Ok(())
    }

    /// Removes what was made of a work in all rounds but some, from both stores.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub async fn remove_rounds_but(&self, media: Uuid, kept: &[u32]) -> io::Result<()> {
        let keep: Vec<String> = kept.iter().map(u32::to_string).collect();
        let (local, names) = (self.local.clone(), keep.clone());
        let swept = tokio::task::spawn_blocking(move || local.remove_rounds_but(media, &names));
        swept.await.map_err(io::Error::other)??;
        let folder = format!("public/{media}");
        for name in self.list(&folder, Place::S3).await?.keys() {
            if !keep.iter().any(|round| name.split('/').next() == Some(round)) {
                self.remove(&format!("{folder}/{name}"), Place::S3).await?;
            }
        }
        Ok(())
    }

    /// Removes an original from both stores.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub async fn remove_original(&self, sha256: &str) -> io::Result<()> {
        let Some(key) = MediaStore::original_key(sha256) else { return Ok(()) };
        self.remove(&key, Place::S3).await?;
        self.remove(&key, Place::Local).await
    }

    /// Where an original lies in the data folder; brought there from the bucket if need be, for programs that
    /// want a file.
    ///
    /// # Errors
    /// If it is nowhere, cannot be fetched, or has another hash.
    pub async fn fetch_original(&self, sha256: &str) -> io::Result<PathBuf> {
        let key = MediaStore::original_key(sha256).ok_or(io::ErrorKind::InvalidInput)?;
        let path = self.path(&key);
        if tokio::fs::try_exists(&path).await? {
            return Ok(path);
        }
        let found = self.find_in(&key, Place::S3).await?.ok_or(io::ErrorKind::NotFound)?;
        self.bring(&key, found, Some(sha256)).await?;
        Ok(path)
    }

    /// Writes what was found as a file of the data folder, which appears whole or not at all. Gives its hash.
    pub(super) async fn bring(&self, key: &str, found: Found, expected: Option<&str>) -> io::Result<String> {
        let target = self.path(key);
        let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        private_folder(&folder)?;
        // Not beside its place: what a killed process leaves is found as belonging to nothing.
        let room = self.local.arriving();
        private_folder(&room)?;
        let part = room.join(Uuid::now_v7().to_string());
        let written = async {
            let mut file = tokio::fs::File::create(&part).await?;
            let mut hash = Sha256::new();
            let length = found.length;
            let mut pieces = found.pieces(0, length).await?;
            while let Some(piece) = pieces.try_next().await? {
                hash.update(&piece);
                file.write_all(&piece).await?;
            }
            file.flush().await?;
            file.sync_all().await?;
            let hash = hex::encode(hash.finalize());
            if expected.is_some_and(|e| e != hash) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the bucket gave other bytes than were put there",
                ));
            }
            tokio::fs::rename(&part, &target).await?;
            tokio::fs::File::open(&folder).await?.sync_all().await?;
            self.local.share(&target)?;
            Ok(hash)
        };
        let outcome = written.await;
        if outcome.is_err() {
            let _ = tokio::fs::remove_file(&part).await;
        }
        outcome
    }

    /// Removes folders of the data folder, upwards from that of `key`, as long as they are empty; the large
    /// ones at the top stay.
    pub(super) fn tidy(&self, key: &str) {
        for above in Path::new(key).ancestors().skip(1).filter(|a| a.components().count() > 1) {
            if std::fs::remove_dir(self.local.root().join(above)).is_err() {
                return;
            }
        }
    }
}

/// Files that are being written have a name of their own and are left out.
fn walk(folder: &Path, above: &str, all: &mut BTreeMap<String, Listed>) -> io::Result<()> {
    let Some(entries) = missing(std::fs::read_dir(folder))? else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = format!("{above}{}", entry.file_name().to_string_lossy());
        let Some(facts) = missing(entry.metadata())? else { continue };
        if facts.is_dir() {
            walk(&entry.path(), &format!("{name}/"), all)?;
        } else if facts.is_file() && !name.ends_with(".tmp") {
            all.insert(name, Listed { length: facts.len(), modified: facts.modified().ok().map(Into::into) });
        }
    }
    Ok(())
}

impl Found {
    /// A file of this machine.
    ///
    /// # Errors
    /// If it is not there or no file.
    pub async fn on_disk(path: &Path) -> io::Result<Self> {
        let facts = tokio::fs::metadata(path).await?;
        if !facts.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let modified: Option<DateTime<Utc>> = facts.modified().ok().map(Into::into);
        let stamp = modified.map_or(0, |m| m.timestamp_millis());
        let tag = format!("\"{:x}-{stamp:x}\"", facts.len());
        Ok(Self { length: facts.len(), modified, tag, at: At::Disk(path.to_owned()) })
    }

    /// Where it lies, if that is this machine.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.at {
            At::Disk(path) => Some(path),
            At::Bucket(..) => None,
        }
    }

    /// Its bytes from `from` on, `count` of them, piece by piece.
    ///
    /// # Errors
    /// If it cannot be opened; one that turns out to be shorter ends with an error.
    pub async fn pieces(self, from: u64, count: u64) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        if count == 0 {
            return Ok(futures_util::stream::empty().boxed());
        }
        match self.at {
            At::Disk(path) => {
                let mut file = tokio::fs::File::open(path).await?;
                file.seek(SeekFrom::Start(from)).await?;
                let read = async move |(mut file, left): (tokio::fs::File, u64)| {
                    if left == 0 {
                        return Ok(None);
                    }
                    let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
                    let n = file.read(&mut piece).await?;
                    if n == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                    }
                    piece.truncate(n);
                    Ok(Some((Bytes::from(piece), (file, left - n as u64))))
                };
                Ok(futures_util::stream::try_unfold((file, count), read).boxed())
            }
            At::Bucket(bucket, key) => {
                let options = GetOptions {
                    range: Some(GetRange::Bounded(from..from + count)),
                    ..GetOptions::default()
                };
                let pieces = in_time(bucket.get_opts(&key, options)).await?.into_stream();
                let read = async move |(mut pieces, left): (
                    BoxStream<'static, object_store::Result<Bytes>>,
                    u64,
                )| {
                    if left == 0 {
                        return Ok(None);
                    }
                    let Some(mut piece) = in_time(pieces.try_next()).await? else {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                    };
                    piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    let left = left - piece.len() as u64;
                    Ok(Some((piece, (pieces, left))))
                };
                Ok(futures_util::stream::try_unfold((pieces, count), read).boxed())
            }
        }
    }
}
