//! Where files lie, and how they get there without ever being half written.
//!
//! ```text
//! uploads/<id>                       uploads that are still arriving
//! media/
//!   originals/ab/cd…                 originals under their SHA-256
//!   public/<media>/<generation>/…    what is delivered
//!   captions/<media>/…               caption files, as WebVTT
//!   work/<media>/<generation>/…      mezzanine and scratch, removed when all is made
//! ```
//! All of it in the data folder.
//! Nothing here is served by a web server on its own: every request passes the access rule.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The media folder of one instance.
#[derive(Clone, Debug)]
pub struct MediaStore {
    root: PathBuf,
    uploads: PathBuf,
}

impl MediaStore {
    /// The store below the data folder; folders are made when needed.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { root: data.join("media"), uploads: data.join("uploads") }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an upload lies while it arrives.
    #[must_use]
    pub fn incoming(&self, upload: Uuid) -> PathBuf {
        self.uploads.join(upload.to_string())
    }

    /// Folder of uploads that are still arriving.
    #[must_use]
    pub fn uploads(&self) -> &Path {
        &self.uploads
    }

    /// Where the original with this hash lies; `None` if the text is no hash.
    #[must_use]
    pub fn original(&self, sha256: &str) -> Option<PathBuf> {
        Self::original_key(sha256).map(|key| self.root.join(key))
    }

    /// Name of the original with this hash, below the media folder; `None` if the text is no hash.
    #[must_use]
    pub fn original_key(sha256: &str) -> Option<String> {
        let good =
            sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        good.then(|| format!("originals/{}/{}", &sha256[..2], &sha256[2..]))
    }

    /// Name of the folder of a round, below the media folder.
    #[must_use]
    pub fn public_key(media: Uuid, generation: u32) -> String {
        format!("public/{media}/{generation}")
    }

    /// Name of the folder of a work's captions, below the media folder.
    #[must_use]
    pub fn captions_key(media: Uuid) -> String {
        format!("captions/{media}")
    }

    /// What is delivered of one round of processing.
    #[must_use]
    pub fn public(&self, media: Uuid, generation: u32) -> PathBuf {
        self.media_public(media).join(generation.to_string())
    }

    /// What is delivered of all rounds.
    #[must_use]
    pub fn media_public(&self, media: Uuid) -> PathBuf {
        self.root.join("public").join(media.to_string())
    }

    /// Caption files of a work; they stay when it is processed anew.
    #[must_use]
    pub fn captions(&self, media: Uuid) -> PathBuf {
        self.root.join("captions").join(media.to_string())
    }

    /// Removes everything that was made of a work and its captions; the original may belong to others too.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn remove_all_made(&self, media: Uuid) -> io::Result<()> {
        remove_folder(&self.media_public(media))?;
        remove_folder(&self.media_work(media))?;
        remove_folder(&self.captions(media))
    }

    /// Removes what was made of a work, but for the rounds of these numbers.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn remove_rounds_but(&self, media: Uuid, kept: &[String]) -> io::Result<()> {
        for folder in [self.media_public(media), self.media_work(media)] {
            let entries = match fs::read_dir(&folder) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                if !kept.iter().any(|round| entry.file_name() == round.as_str()) {
                    remove_folder(&entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Rooms for what is fetched or turned into something else: what a killed process leaves there belongs to
    /// nothing and is found as that.
    #[must_use]
    pub fn arriving(&self) -> PathBuf {
        self.root.join("work").join("arriving")
    }

    /// Mezzanine and scratch of one round.
    #[must_use]
    pub fn work(&self, media: Uuid, generation: u32) -> PathBuf {
        self.root.join("work").join(media.to_string()).join(generation.to_string())
    }

    /// Mezzanine and scratch of all rounds.
    #[must_use]
    pub fn media_work(&self, media: Uuid) -> PathBuf {
        self.root.join("work").join(media.to_string())
    }

    /// Gives a completely written file a second name as an original. Content that is already there is
    /// kept once. The first name stays: whoever calls removes it when the log knows of the original, so
    /// that a database that fails in between costs nobody an upload.
    ///
    /// # Errors
    /// If it cannot be named durably.
    pub fn adopt_original(&self, file: &Path, sha256: &str) -> io::Result<PathBuf> {
        let target =
            self.original(sha256).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no SHA-256"))?;
        File::open(file)?.sync_all()?;
        if let Some(folder) = target.parent() {
            private_folder(folder)?;
            let temporary = folder.join(format!("{}.{}.tmp", &sha256[2..], Uuid::now_v7()));
            // Not every file system has hard links; then the bytes are copied.
            fs::hard_link(file, &temporary)
                .or_else(|_| fs::copy(file, &temporary).and_then(|_| File::open(&temporary)?.sync_all()))?;
            fs::rename(&temporary, &target).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
            // A rename onto another name of the same file does nothing and leaves both.
            let _ = fs::remove_file(&temporary);
            sync_folder(folder)?;
            self.share(&target)?;
        }
        Ok(target)
    }

    /// Bytes that can still be written on the disk of the store.
    ///
    /// # Errors
    /// If the file system does not tell.
    pub fn free_bytes(&self) -> io::Result<u64> {
        private_folder(&self.root)?;
        let figures = nix::sys::statvfs::statvfs(&self.root)?;
        Ok(figures.blocks_available() as u64 * figures.fragment_size() as u64)
    }
}

/// Makes a folder (and those above it) that only its owner can read.
///
/// # Errors
/// If it cannot be made.
pub fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file so that it is there completely or not at all, also after a power cut: temporary
/// name, sync, rename, sync of the folder.
///
/// # Errors
/// If any of that fails; then nothing is left behind.
pub fn write_atomically(target: &Path, bytes: &[u8]) -> io::Result<()> {
    put_atomically(target, |file| file.write_all(bytes))
}

/// Copies the content of a file as [`write_atomically`] writes one, without holding it; gives its length.
///
/// # Errors
/// As [`write_atomically`].
pub fn copy_atomically(source: &Path, target: &Path) -> io::Result<u64> {
    let mut from = File::open(source)?;
    put_atomically(target, |file| io::copy(&mut from, file))
}

fn put_atomically<T>(target: &Path, put: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    let folder = target.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no folder"))?;
    private_folder(folder)?;
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", Uuid::now_v7()));
    let temporary = folder.join(name);
    let written = File::create(&temporary).and_then(|mut f| {
        let put = put(&mut f)?;
        f.sync_all()?;
        Ok(put)
    });
    match written.and_then(|put| fs::rename(&temporary, target).map(|()| put)) {
        Ok(put) => sync_folder(folder).map(|()| put),
        Err(e) => {
            let _ = fs::remove_file(&temporary);
            Err(e)
        }
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// SHA-256 of a file in lower-case hexadecimal, and its length.
///
/// # Errors
/// If it cannot be read.
pub fn hash_file(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((hex::encode(hash.finalize()), bytes));
        }
        bytes += n as u64;
        hash.update(&buffer[..n]);
    }
}

/// Bytes of all files below a folder; 0 if it is not there.
#[must_use]
pub fn folder_bytes(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    entries
        .flatten()
        .map(|e| match e.file_type() {
            Ok(t) if t.is_dir() => folder_bytes(&e.path()),
            Ok(t) if t.is_file() => e.metadata().map_or(0, |m| m.len()),
            _ => 0,
        })
        .sum()
}

/// Removes a folder with all in it; one that is not there is fine.
///
/// # Errors
/// If something in it cannot be removed.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn originals_are_stored_once_under_their_hash() {
        let folder = tempfile::tempdir().unwrap();
        let store = MediaStore::new(folder.path());
        for _ in 0..2 {
            let upload = store.incoming(Uuid::now_v7());
            write_atomically(&upload, b"the same").unwrap();
            let (hash, bytes) = hash_file(&upload).unwrap();
            assert_eq!(bytes, 8);
            let kept = store.adopt_original(&upload, &hash).unwrap();
            assert!(upload.exists(), "the arrived bytes go only when the log knows of them");
            fs::remove_file(&upload).unwrap();
            assert_eq!(fs::read(kept).unwrap(), b"the same");
        }
        assert_eq!(folder_bytes(store.root()), 8);
        assert!(store.original("../../etc/passwd").is_none());
        assert!(store.free_bytes().unwrap() > 0);
    }
}
