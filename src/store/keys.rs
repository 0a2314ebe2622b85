//! The key store: one data key per person, wrapped by the instance's master key, in files outside
//! the PostgreSQL cluster, so that no database backup can bring a destroyed key back.
//!
//! `<data>/keys/<first two hex digits>/<subject>.key` holds nonce ‖ wrapped key. Files are written
//! under another name, synced and linked into place, so several processes may work side by side.

use super::StoreError;
use super::masters::Masters;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Length of a nonce of XChaCha20-Poly1305.
const NONCE: usize = 24;

/// A key in memory; wiped when dropped.
pub type Key = Zeroizing<[u8; 32]>;

/// The folder of data keys and the key that wraps them.
#[derive(Clone)]
pub struct KeyStore {
    folder: PathBuf,
    masters: Arc<Masters>,
}

impl KeyStore {
    /// Opens the key store in `folder` with the keys that wrap.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(folder: &Path, masters: Masters) -> Result<Self, StoreError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| StoreError::file(format!("making {}", folder.display()), e))?;
        Ok(Self { folder: folder.to_owned(), masters: Arc::new(masters) })
    }

    /// The data key of `subject`; `None` if it has none or it was destroyed.
    ///
    /// # Errors
    /// If the file cannot be read or was not wrapped by our master key.
    pub fn get(&self, subject: Uuid) -> Result<Option<Key>, StoreError> {
        let path = self.path(subject);
        match fs::read(&path) {
            Ok(bytes) => {
                let plain = self.unwrap(&bytes, subject)?;
                let key = <[u8; 32]>::try_from(plain.as_slice())
                    .map_err(|_| StoreError::Vault(format!("{} is damaged", path.display())))?;
                Ok(Some(Zeroizing::new(key)))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::file(format!("reading {}", path.display()), e)),
        }
    }

    /// The data key of `subject`, made now if there is none.
    ///
    /// # Errors
    /// If it can be neither read nor written.
    pub fn get_or_create(&self, subject: Uuid) -> Result<Key, StoreError> {
        if let Some(key) = self.get(subject)? {
            return Ok(key);
        }
        let key: Key = Zeroizing::new(rand::random());
        // As it is on disk now: another process may have exchanged the master key meanwhile.
        let sealed = seal(present(&self.masters.now()?)?, key.as_slice(), subject.as_bytes())?;
        let path = self.path(subject);
        let fail = |e| StoreError::file(format!("writing {}", path.display()), e);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
        let temporary = folder.join(format!(".{}", Uuid::new_v4()));
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(fail)?;
        file.write_all(&sealed).and_then(|()| file.sync_all()).map_err(fail)?;
        // A link fails if another process was faster; its key then counts.
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary).map_err(fail)?;
        match linked {
            Ok(()) => sync_folder(folder).map(|()| key),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                self.get(subject)?.ok_or_else(|| StoreError::Vault("a key vanished while it was made".into()))
            }
            Err(e) => Err(fail(e)),
        }
    }

    /// Destroys the data key of `subject`: overwritten, removed, and the removal made durable.
    /// Doing it twice is harmless.
    ///
    /// # Errors
    /// If the file is there and cannot be removed.
    pub fn destroy(&self, subject: Uuid) -> Result<(), StoreError> {
        let path = self.path(subject);
        let fail = |e| StoreError::file(format!("destroying {}", path.display()), e);
        let _lock = self.lock()?;
        match fs::OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => {
                let noise: [u8; 72] = rand::random();
                file.write_all(&noise).and_then(|()| file.sync_all()).map_err(fail)?;
                fs::remove_file(&path).map_err(fail)?;
                sync_folder(path.parent().unwrap_or(&self.folder))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(fail(e)),
        }
    }

    /// A keyed hash by which a value can be looked up without being stored, as hex.
    ///
    /// # Errors
    /// Never in practice; HMAC takes keys of any length.
    pub fn lookup_hash(&self, namespace: &str, value: &str) -> Result<String, StoreError> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.masters.lookup().as_slice())
            .map_err(|e| StoreError::Vault(e.to_string()))?;
        mac.update(b"kinora lookup\0");
        mac.update(namespace.as_bytes());
        mac.update(b"\0");
        mac.update(value.as_bytes());
        Ok(hex::encode(mac.finalize().into_bytes()))
    }

    /// Wraps all data keys with a new master key and gives how many there are. May be repeated after a
    /// crash, beside running processes: those read the new key when the old one does not open.
    ///
    /// # Errors
    /// If a file cannot be read or written; the former master key then stays.
    pub fn rotate(&self) -> Result<usize, StoreError> {
        self.masters.exchange()?;
        let mut count = 0;
        // A process may have wrapped a new key by the former master just before: so twice.
        for _ in 0..2 {
            count = 0;
            for subject in self.subjects()? {
                // Destroying waits meanwhile, so that nothing comes back by being written again.
                let _lock = self.lock()?;
                let path = self.path(subject);
                let fail = |e| StoreError::file(format!("wrapping {}", path.display()), e);
                let bytes = match fs::read(&path) {
                    Ok(bytes) => bytes,
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(e) => return Err(fail(e)),
                };
                count += 1;
                let masters = self.masters.known();
                let master = present(&masters)?;
                if open(master, &bytes, subject.as_bytes()).is_ok() {
                    continue;
                }
                let sealed = seal(master, &self.unwrap(&bytes, subject)?, subject.as_bytes())?;
                let folder = path.parent().unwrap_or(&self.folder);
                let temporary = folder.join(format!(".{}", Uuid::new_v4()));
                let mut file = fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&temporary)
                    .map_err(fail)?;
                file.write_all(&sealed).and_then(|()| file.sync_all()).map_err(fail)?;
                fs::rename(&temporary, &path).map_err(fail)?;
                sync_folder(folder)?;
            }
        }
        self.masters.forget_previous()?;
        Ok(count)
    }

    fn subjects(&self) -> Result<Vec<Uuid>, StoreError> {
        let fail = |e| StoreError::file(format!("reading {}", self.folder.display()), e);
        let mut all = vec![];
        for folder in fs::read_dir(&self.folder).map_err(fail)? {
            let folder = folder.map_err(fail)?.path();
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let subject: Option<Uuid> =
                    name.to_str().and_then(|n| n.strip_suffix(".key")).and_then(|n| n.parse().ok());
                all.extend(subject);
            }
        }
        Ok(all)
    }

    /// Held while a key is destroyed or written again.
    fn lock(&self) -> Result<fs::File, StoreError> {
        let path = self.folder.join(".lock");
        let fail = |e| StoreError::file(format!("locking {}", path.display()), e);
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(fail)?;
        file.lock().map_err(fail)?;
        Ok(file)
    }

    /// Opens a wrapped data key with whatever master key wrapped it.
    fn unwrap(&self, bytes: &[u8], subject: Uuid) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let by_any = |keys: &[Key]| keys.iter().find_map(|k| open(k, bytes, subject.as_bytes()).ok());
        if let Some(plain) = by_any(&self.masters.known()) {
            return Ok(plain);
        }
        by_any(&self.masters.now()?)
            .ok_or_else(|| StoreError::Vault("a data key does not open with events.key".into()))
    }

    fn path(&self, subject: Uuid) -> PathBuf {
        // The last digits, because the first ones of a UUIDv7 are the time.
        let name = subject.simple().to_string();
        self.folder.join(&name[30..]).join(format!("{subject}.key"))
    }
}

fn present(masters: &[Key]) -> Result<&Key, StoreError> {
    masters.first().ok_or_else(|| StoreError::Vault("there is no master key".into()))
}

/// Encrypts `plain` bound to `context`; the result is nonce ‖ ciphertext.
pub(super) fn seal(key: &Key, plain: &[u8], context: &[u8]) -> Result<Vec<u8>, StoreError> {
    let nonce: [u8; NONCE] = rand::random();
    let cipher = XChaCha20Poly1305::new(&(**key).into());
    let sealed = cipher
        .encrypt(&nonce.into(), Payload { msg: plain, aad: context })
        .map_err(|_| StoreError::Vault("sealing failed".into()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// The reverse of [`seal`].
pub(super) fn open(key: &Key, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let damaged = || StoreError::Vault("a sealed value does not open with its key".into());
    let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
    let cipher = XChaCha20Poly1305::new(&(**key).into());
    let plain =
        cipher.decrypt(&(*nonce).into(), Payload { msg: body, aad: context }).map_err(|_| damaged())?;
    Ok(Zeroizing::new(plain))
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    fs::File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| StoreError::file(format!("syncing {}", folder.display()), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_destroyed_for_good() {
        let folder = tempfile::tempdir().expect("folder");
        let store = KeyStore::open(folder.path(), Masters::fixed(Zeroizing::new([7; 32]))).expect("open");
        let subject = Uuid::from_u128(1);
        assert!(store.get(subject).expect("get").is_none());
        let key = store.get_or_create(subject).expect("create");
        assert_eq!(store.get_or_create(subject).expect("again"), key);
        let other = KeyStore::open(folder.path(), Masters::fixed(Zeroizing::new([8; 32]))).expect("open");
        assert!(other.get(subject).is_err(), "a foreign master key opens nothing");
        store.destroy(subject).expect("destroy");
        store.destroy(subject).expect("twice is harmless");
        assert!(store.get(subject).expect("get").is_none());
    }

    #[test]
    fn a_new_master_key_wraps_everything_beside_a_running_process() {
        let (folder, secrets) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let first = hex::encode([7_u8; 32]);
        fs::write(secrets.path().join("events.key"), &first).expect("written");
        let open =
            || KeyStore::open(folder.path(), Masters::read(secrets.path()).expect("keys")).expect("open");
        let running = open();
        let subjects: Vec<Uuid> = (1..20).map(Uuid::from_u128).collect();
        let keys: Vec<Key> = subjects.iter().map(|s| running.get_or_create(*s).expect("made")).collect();
        let hash = running.lookup_hash("mail", "ada@example.org").expect("hash");
        running.destroy(subjects[3]).expect("destroyed");
        assert_eq!(open().rotate().expect("rotated"), subjects.len() - 1);
        assert_ne!(fs::read_to_string(secrets.path().join("events.key")).expect("key").trim(), first);
        assert!(!secrets.path().join("events.key.previous").exists());
        for store in [&running, &open()] {
            for (subject, key) in subjects.iter().zip(&keys) {
                let found = store.get(*subject).expect("opens");
                assert_eq!(found.as_ref(), (*subject != subjects[3]).then_some(key));
            }
            assert_eq!(
                store.lookup_hash("mail", "ada@example.org").expect("hash"),
                hash,
                "names are still found"
            );
        }
        // What the running process makes now opens for one that starts later.
        let late = running.get_or_create(Uuid::from_u128(99)).expect("made");
        assert_eq!(open().get(Uuid::from_u128(99)).expect("opens"), Some(late));
        // The former key opens nothing any more.
        fs::write(secrets.path().join("events.key"), &first).expect("written");
        assert!(open().get(subjects[0]).is_err());
    }

    #[test]
    fn a_value_opens_only_in_its_context() {
        let key = Zeroizing::new([1; 32]);
        let sealed = seal(&key, b"ada@example.org", b"a/mail").expect("seal");
        assert_eq!(open(&key, &sealed, b"a/mail").expect("open").as_slice(), b"ada@example.org");
        assert!(open(&key, &sealed, b"b/mail").is_err());
    }
}
