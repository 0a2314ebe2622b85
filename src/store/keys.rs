//! The key store: one data key per person, wrapped by the instance's master key, outside the PostgreSQL
//! cluster, so that no database backup can bring a destroyed key back: in files of the data folder, or in a
//! database of its own where several machines work.

use super::StoreError;
use super::key_database::KeyDatabase;
use super::key_folder::KeyFolder;
use super::masters::Masters;
use super::pool::Database;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Length of a nonce of XChaCha20-Poly1305.
const NONCE: usize = 24;

/// A key in memory; wiped when dropped.
pub type Key = Zeroizing<[u8; 32]>;

/// Where wrapped keys lie.
#[derive(Clone)]
enum Shelf {
    Folder(KeyFolder),
    Database(KeyDatabase),
}

/// The data keys and the key that wraps them.
#[derive(Clone)]
pub struct KeyStore {
    shelf: Shelf,
    masters: Arc<Masters>,
}

impl KeyStore {
    /// Opens the key store in `folder` with the keys that wrap.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(folder: &Path, masters: Masters) -> Result<Self, StoreError> {
        Ok(Self { shelf: Shelf::Folder(KeyFolder::open(folder)?), masters: Arc::new(masters) })
    }

    /// Opens the key store in the database at `url`, beside the one of the `log`.
    ///
    /// # Errors
    /// If it cannot be reached, or lies in the cluster of the log.
    pub async fn connect(url: &str, log: &Database, masters: Masters) -> Result<Self, StoreError> {
        let shelf = Shelf::Database(KeyDatabase::open(url, log).await?);
        Ok(Self { shelf, masters: Arc::new(masters) })
    }

    /// The data key of `subject`; `None` if it has none or it was destroyed.
    ///
    /// # Errors
    /// If it cannot be read or was not wrapped by our master key.
    pub async fn get(&self, subject: Uuid) -> Result<Option<Key>, StoreError> {
        Ok(self.get_many(&[subject]).await?.remove(&subject))
    }

    /// The data keys of those of `subjects` that have one.
    ///
    /// # Errors
    /// If they cannot be read or were not wrapped by our master key.
    pub async fn get_many(&self, subjects: &[Uuid]) -> Result<HashMap<Uuid, Key>, StoreError> {
        let mut keys = HashMap::with_capacity(subjects.len());
        for (subject, wrapped) in self.read_many(subjects).await? {
            let plain = self.unwrap(&wrapped, subject)?;
            let key = <[u8; 32]>::try_from(plain.as_slice())
                .map_err(|_| StoreError::Vault(format!("the key of {subject} is damaged")))?;
            keys.insert(subject, Zeroizing::new(key));
        }
        Ok(keys)
    }

    /// The data key of `subject`, made now if there is none.
    ///
    /// # Errors
    /// If it can be neither read nor written.
    pub async fn get_or_create(&self, subject: Uuid) -> Result<Key, StoreError> {
        if let Some(key) = self.get(subject).await? {
            return Ok(key);
        }
        let key: Key = Zeroizing::new(rand::random());
        // As it is on disk now: another process may have exchanged the master key meanwhile.
        let sealed = seal(present(&self.masters.now()?)?, key.as_slice(), subject.as_bytes())?;
        if self.put(subject, sealed).await? {
            return Ok(key);
        }
        // Another process was faster; its key counts.
        let theirs = self.get(subject).await?;
        theirs.ok_or_else(|| StoreError::Vault("a key vanished while it was made".into()))
    }

    /// Destroys the data key of `subject`. Doing it twice is harmless.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub async fn destroy(&self, subject: Uuid) -> Result<(), StoreError> {
        match &self.shelf {
            Shelf::Folder(folder) => on_disk(folder, move |folder| folder.destroy(subject)).await,
            Shelf::Database(database) => database.destroy(subject).await,
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
    /// If a key cannot be read or written; the former master key then stays.
    pub async fn rotate(&self) -> Result<usize, StoreError> {
        self.masters.exchange()?;
        let mut count = 0;
        // A process may have wrapped a new key by the former master just before: so twice.
        for _ in 0..2 {
            count = 0;
            for subject in self.subjects().await? {
                // Destroyed meanwhile, it is not there; changed meanwhile, it is looked at in the second round.
                let Some(wrapped) = self.read_many(&[subject]).await?.remove(&subject) else { continue };
                count += 1;
                let masters = self.masters.known();
                let master = present(&masters)?;
                if open(master, &wrapped, subject.as_bytes()).is_err() {
                    let plain = self.unwrap(&wrapped, subject)?;
                    let sealed = seal(master, &plain, subject.as_bytes())?;
                    self.exchange(subject, wrapped, sealed).await?;
                }
            }
        }
        self.masters.forget_previous()?;
        Ok(count)
    }

    /// Writes all wrapped keys into a folder, as they lie in one: for a backup.
    ///
    /// # Errors
    /// If they cannot be read or written.
    pub async fn export(&self, folder: &Path) -> Result<usize, StoreError> {
        let to = KeyFolder::open(folder)?;
        let subjects = self.subjects().await?;
        for some in subjects.chunks(500) {
            for (subject, wrapped) in self.read_many(some).await? {
                to.put(subject, &wrapped)?;
            }
        }
        Ok(subjects.len())
    }

    /// Takes over the keys of such a folder that are missing here.
    ///
    /// # Errors
    /// If they cannot be read or written.
    pub async fn import(&self, folder: &Path) -> Result<usize, StoreError> {
        let from = KeyFolder::open(folder)?;
        let mut count = 0;
        for subject in from.subjects()? {
            if let Some(wrapped) = from.read(subject)? {
                count += usize::from(self.put(subject, wrapped).await?);
            }
        }
        Ok(count)
    }

    async fn read_many(&self, subjects: &[Uuid]) -> Result<HashMap<Uuid, Vec<u8>>, StoreError> {
        match &self.shelf {
            Shelf::Folder(folder) => {
                let mut found = HashMap::with_capacity(subjects.len());
                for subject in subjects {
                    if let Some(wrapped) = folder.read(*subject)? {
                        found.insert(*subject, wrapped);
                    }
                }
                Ok(found)
            }
            Shelf::Database(database) => database.read_many(subjects).await,
        }
    }

    async fn put(&self, subject: Uuid, wrapped: Vec<u8>) -> Result<bool, StoreError> {
        match &self.shelf {
            Shelf::Folder(folder) => on_disk(folder, move |folder| folder.put(subject, &wrapped)).await,
            Shelf::Database(database) => database.put(subject, &wrapped).await,
        }
    }

    async fn exchange(&self, subject: Uuid, before: Vec<u8>, after: Vec<u8>) -> Result<bool, StoreError> {
        match &self.shelf {
            Shelf::Folder(folder) => {
                on_disk(folder, move |folder| folder.exchange(subject, &before, &after)).await
            }
            Shelf::Database(database) => database.exchange(subject, &before, &after).await,
        }
    }

    async fn subjects(&self) -> Result<Vec<Uuid>, StoreError> {
        match &self.shelf {
            Shelf::Folder(folder) => folder.subjects(),
            Shelf::Database(database) => database.subjects().await,
        }
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
}

/// Making and destroying a key syncs a file: not on a thread that serves requests.
async fn on_disk<T: Send + 'static>(
    folder: &KeyFolder,
    work: impl FnOnce(&KeyFolder) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let folder = folder.clone();
    tokio::task::spawn_blocking(move || work(&folder)).await.map_err(|e| StoreError::Vault(e.to_string()))?
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn a_key_is_made_once_and_destroyed_for_good() {
        let folder = tempfile::tempdir().expect("folder");
        let store = KeyStore::open(folder.path(), Masters::fixed(Zeroizing::new([7; 32]))).expect("open");
        let subject = Uuid::from_u128(1);
        assert!(store.get(subject).await.expect("get").is_none());
        let key = store.get_or_create(subject).await.expect("create");
        assert_eq!(store.get_or_create(subject).await.expect("again"), key);
        let other = KeyStore::open(folder.path(), Masters::fixed(Zeroizing::new([8; 32]))).expect("open");
        assert!(other.get(subject).await.is_err(), "a foreign master key opens nothing");
        store.destroy(subject).await.expect("destroy");
        store.destroy(subject).await.expect("twice is harmless");
        assert!(store.get(subject).await.expect("get").is_none());
    }

    #[tokio::test]
    async fn a_new_master_key_wraps_everything_beside_a_running_process() {
        let (folder, secrets) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let first = hex::encode([7_u8; 32]);
        fs::write(secrets.path().join("events.key"), &first).expect("written");
        let open =
            || KeyStore::open(folder.path(), Masters::read(secrets.path()).expect("keys")).expect("open");
        let running = open();
        let subjects: Vec<Uuid> = (1..20).map(Uuid::from_u128).collect();
        let mut keys = vec![];
        for subject in &subjects {
            keys.push(running.get_or_create(*subject).await.expect("made"));
        }
        let hash = running.lookup_hash("mail", "ada@example.org").expect("hash");
        running.destroy(subjects[3]).await.expect("destroyed");
        assert_eq!(open().rotate().await.expect("rotated"), subjects.len() - 1);
        assert_ne!(fs::read_to_string(secrets.path().join("events.key")).expect("key").trim(), first);
        assert!(!secrets.path().join("events.key.previous").exists());
        for store in [&running, &open()] {
            for (subject, key) in subjects.iter().zip(&keys) {
                let found = store.get(*subject).await.expect("opens");
                assert_eq!(found.as_ref(), (*subject != subjects[3]).then_some(key));
            }
            assert_eq!(
                store.lookup_hash("mail", "ada@example.org").expect("hash"),
                hash,
                "names are still found"
            );
        }
        // What the running process makes now opens for one that starts later.
        let late = running.get_or_create(Uuid::from_u128(99)).await.expect("made");
        assert_eq!(open().get(Uuid::from_u128(99)).await.expect("opens"), Some(late));
        // The former key opens nothing any more.
        fs::write(secrets.path().join("events.key"), &first).expect("written");
        assert!(open().get(subjects[0]).await.is_err());
    }

    #[test]
    fn a_value_opens_only_in_its_context() {
        let key = Zeroizing::new([1; 32]);
        let sealed = seal(&key, b"ada@example.org", b"a/mail").expect("seal");
        assert_eq!(open(&key, &sealed, b"a/mail").expect("open").as_slice(), b"ada@example.org");
        assert!(open(&key, &sealed, b"b/mail").is_err());
    }
}
