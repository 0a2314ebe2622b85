//! The secrets folder: keys made on first start, mode 0700 with files 0600.
//!
//! `session.key` may be deleted: a new one is made at the next start and all sessions end. The
//! others are never silently made anew once the instance has data, because what they protect would
//! be lost.

use crate::store::{StoreError, keys::Key};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

const SESSION_PREVIOUS: &str = "session.key.previous";

/// Puts a new `session.key` in the place of the present one. Sessions signed by the present one stay
/// valid until the next exchange; takes effect when processes start again.
///
/// # Errors
/// If the folder cannot be written.
pub fn rotate_session(folder: &Path) -> Result<(), StoreError> {
    let fail = |e| StoreError::file(format!("exchanging session.key in {}", folder.display()), e);
    let present = folder.join("session.key");
    fs::copy(&present, folder.join(".session.key.previous"))
        .and_then(|_| fs::File::open(folder.join(".session.key.previous"))?.sync_all())
        .and_then(|()| fs::rename(folder.join(".session.key.previous"), folder.join(SESSION_PREVIOUS)))
        .and_then(|()| fs::remove_file(&present))
        .map_err(fail)?;
    key(folder, "session.key", true).map(drop)
}

/// All secrets of an instance.
#[derive(Clone)]
pub struct Secrets {
    /// Signs sessions.
    pub session: Key,
    /// Signed sessions until the key was exchanged; they stay valid.
    pub session_previous: Option<Key>,
    /// Wraps the data keys of people.
    pub events: Key,
    /// Signs checkpoints of the log.
    pub audit: Key,
    /// Lets a scraper read `/metrics` from elsewhere.
    pub metrics_token: String,
    /// Signs addresses of the network of caches, which holds it too.
    pub cdn: Key,
    /// By this the network of caches shows who it is when it fetches files.
    pub cdn_origin: String,
}

impl Secrets {
    /// Reads the folder, making what is missing. `fresh` tells that the instance has no data yet, so
    /// that a missing key can be no loss.
    ///
    /// # Errors
    /// If a file cannot be read or made, or a key is missing that must not be made anew.
    pub fn open(folder: &Path, fresh: bool) -> Result<Self, StoreError> {
        let fail = |e| StoreError::file(format!("opening {}", folder.display()), e);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(fail)?;
        let token = key(folder, "metrics.token", true)?;
        if !folder.join("session.key").exists() {
            // Whoever deletes the key wants every session to end.
            let _ = fs::remove_file(folder.join(SESSION_PREVIOUS));
        }
        Ok(Self {
            session: key(folder, "session.key", true)?,
            session_previous: match folder.join(SESSION_PREVIOUS).exists() {
                true => Some(key(folder, SESSION_PREVIOUS, false)?),
                false => None,
            },
            events: key(folder, "events.key", fresh)?,
            audit: key(folder, "audit.key", fresh)?,
            metrics_token: hex::encode(token.as_slice()),
            cdn: key(folder, "cdn.key", true)?,
            cdn_origin: hex::encode(key(folder, "cdn-origin.token", true)?.as_slice()),
        })
    }
}

/// Reads a secret that the settings name; refused when others than its owner can read it.
///
/// # Errors
/// With words for operators.
pub fn private(file: &Path) -> Result<Zeroizing<String>, String> {
    let said = |e: std::io::Error| format!("{}: {}", file.display(), e.kind());
    let mode = fs::metadata(file).map_err(said)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("{} can be read by others: chmod 600", file.display()));
    }
    fs::read_to_string(file).map(Zeroizing::new).map_err(said)
}

/// A key of 32 bytes, kept as 64 hex digits and a line end.
fn key(folder: &Path, name: &str, may_make: bool) -> Result<Key, StoreError> {
    let path = folder.join(name);
    let fail = |e| StoreError::file(path.display().to_string(), e);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let bytes = hex::decode(text.trim()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
            bytes.map(Zeroizing::new).ok_or_else(|| {
                StoreError::Vault(format!(
                    "{} does not hold 64 hex digits: restore it from a backup",
                    path.display()
                ))
            })
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && may_make => {
            let key: Key = Zeroizing::new(rand::random());
            let temporary = folder.join(format!(".{name}.{}", std::process::id()));
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&temporary)
                .map_err(fail)?;
            writeln!(file, "{}", hex::encode(key.as_slice())).and_then(|()| file.sync_all()).map_err(fail)?;
            // Linked, not renamed: the first of several starting processes wins.
            let linked = fs::hard_link(&temporary, &path);
            fs::remove_file(&temporary).map_err(fail)?;
            match linked {
                Ok(()) => Ok(key),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => self::key(folder, name, false),
                Err(e) => Err(fail(e)),
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(StoreError::Vault(format!(
            "{} is missing although the instance has data; without it personal data cannot be read. Restore it from a backup.",
            path.display()
        ))),
        Err(e) => Err(fail(e)),
    }
}
