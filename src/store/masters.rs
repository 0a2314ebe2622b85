//! The keys that wrap people's data keys: the present one, and while it is exchanged the former one.
//!
//! `events.key` wraps, `events.key.previous` still opens, `lookup.key` is the key of keyed hashes: the
//! first `events.key`, which stays for that purpose when another one comes, because looked-up hashes
//! stand in the database.

use super::StoreError;
use super::keys::Key;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use zeroize::Zeroizing;

const PRESENT: &str = "events.key";
const PREVIOUS: &str = "events.key.previous";
const LOOKUP: &str = "lookup.key";

/// The keys in force. Another process may exchange them at any time.
pub struct Masters {
    folder: Option<PathBuf>,
    keys: RwLock<Vec<Key>>,
    lookup: Key,
}

impl Masters {
    /// One key that never changes.
    #[must_use]
    pub fn fixed(key: Key) -> Self {
        Self { folder: None, lookup: key.clone(), keys: RwLock::new(vec![key]) }
    }

    /// Reads the secrets folder.
    ///
    /// # Errors
    /// If the present key is not there or not readable.
    pub fn read(folder: &Path) -> Result<Self, StoreError> {
        let keys = read_all(folder)?;
        let lookup = match read(&folder.join(LOOKUP))? {
            Some(key) => key,
            None => keys[0].clone(),
        };
        Ok(Self { folder: Some(folder.to_owned()), keys: RwLock::new(keys), lookup })
    }

    /// The key of keyed hashes.
    #[must_use]
    pub fn lookup(&self) -> &Key {
        &self.lookup
    }

    /// The keys as last read, the present one first.
    #[must_use]
    pub fn known(&self) -> Vec<Key> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys as they are on disk now: for wrapping, and when the known ones do not open.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn now(&self) -> Result<Vec<Key>, StoreError> {
        if let Some(folder) = &self.folder {
            let keys = read_all(folder)?;
            self.keys.write().unwrap_or_else(PoisonError::into_inner).clone_from(&keys);
        }
        Ok(self.known())
    }

    /// Puts a new key in the place of the present one, which then only opens. Goes on with an exchange
    /// that was not finished.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn exchange(&self) -> Result<(), StoreError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let fail = |e| StoreError::file(format!("exchanging keys in {}", folder.display()), e);
        if let Some(previous) = read(&folder.join(PREVIOUS))? {
            if self.now()?.first().is_some_and(|present| *present != previous) {
                return Ok(());
            }
            // Ended between the two names: nothing was exchanged yet.
            fs::remove_file(folder.join(PREVIOUS)).map_err(fail)?;
        }
        if !folder.join(LOOKUP).exists() {
            write(folder, LOOKUP, &self.lookup).map_err(fail)?;
        }
        let new: Key = Zeroizing::new(rand::random());
        write(folder, "events.key.next", &new).map_err(fail)?;
        // Both names for a moment: at no time is there no present key.
        fs::hard_link(folder.join(PRESENT), folder.join(PREVIOUS)).map_err(fail)?;
        fs::rename(folder.join("events.key.next"), folder.join(PRESENT)).map_err(fail)?;
        sync(folder).map_err(fail)?;
        self.now().map(drop)
    }

    /// Removes the former key: nothing is wrapped by it any more.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn forget_previous(&self) -> Result<(), StoreError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let fail = |e| StoreError::file(format!("removing the former key in {}", folder.display()), e);
        fs::remove_file(folder.join(PREVIOUS)).and_then(|()| sync(folder)).map_err(fail)?;
        self.now().map(drop)
    }
}

fn read_all(folder: &Path) -> Result<Vec<Key>, StoreError> {
    let missing = || StoreError::Vault(format!("{} is missing", folder.join(PRESENT).display()));
    let mut keys = vec![read(&folder.join(PRESENT))?.ok_or_else(missing)?];
    keys.extend(read(&folder.join(PREVIOUS))?);
    Ok(keys)
}

fn read(path: &Path) -> Result<Option<Key>, StoreError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let bytes = hex::decode(text.trim()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
            let key = bytes.map(Zeroizing::new);
            key.map(Some)
                .ok_or_else(|| StoreError::Vault(format!("{} does not hold 64 hex digits", path.display())))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(StoreError::file(path.display().to_string(), e)),
    }
}

fn write(folder: &Path, name: &str, key: &Key) -> std::io::Result<()> {
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    writeln!(file, "{}", hex::encode(key.as_slice()))?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(name))?;
    sync(folder)
}

fn sync(folder: &Path) -> std::io::Result<()> {
    fs::File::open(folder)?.sync_all()
}
