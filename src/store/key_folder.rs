//! Wrapped data keys as files of one machine.
//!
//! `<data>/keys/<last two hex digits>/<subject>.key` holds nonce ‖ wrapped key. Files are written
//! under another name, synced and linked into place, so several processes may work side by side.

use super::StoreError;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct KeyFolder {
    folder: PathBuf,
}

impl KeyFolder {
    /// Makes the folder if it is not there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|e| StoreError::file(format!("making {}", folder.display()), e))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The wrapped key of `subject`; `None` if it has none or it was destroyed.
    pub fn read(&self, subject: Uuid) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(subject);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::file(format!("reading {}", path.display()), e)),
        }
    }

    /// Keeps a wrapped key; false if there is one already, which then counts.
    pub fn put(&self, subject: Uuid, wrapped: &[u8]) -> Result<bool, StoreError> {
        let path = self.path(subject);
        let fail = |e| StoreError::file(format!("writing {}", path.display()), e);
        let (folder, temporary) = self.beside(&path, wrapped)?;
        // A link fails if another process was faster.
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary).map_err(fail)?;
        match linked {
            Ok(()) => sync_folder(&folder).map(|()| true),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(fail(e)),
        }
    }

    /// Overwritten, removed, and the removal made durable.
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

    /// Puts `after` in the place of `before`; false if that is not what is there, and then nothing is changed.
    pub fn exchange(&self, subject: Uuid, before: &[u8], after: &[u8]) -> Result<bool, StoreError> {
        // Destroying waits meanwhile, so that nothing comes back by being written again.
        let _lock = self.lock()?;
        if self.read(subject)?.as_deref() != Some(before) {
            return Ok(false);
        }
        let path = self.path(subject);
        let (folder, temporary) = self.beside(&path, after)?;
        fs::rename(&temporary, &path)
            .map_err(|e| StoreError::file(format!("wrapping {}", path.display()), e))?;
        sync_folder(&folder).map(|()| true)
    }

    /// Everybody who has a key.
    pub fn subjects(&self) -> Result<Vec<Uuid>, StoreError> {
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

    /// A synced file under another name beside `path`, with its folder.
    fn beside(&self, path: &Path, bytes: &[u8]) -> Result<(PathBuf, PathBuf), StoreError> {
        let fail = |e| StoreError::file(format!("writing {}", path.display()), e);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fail)?;
        let temporary = folder.join(format!(".{}", Uuid::new_v4()));
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).map_err(fail)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail)?;
        Ok((folder.to_owned(), temporary))
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

    fn path(&self, subject: Uuid) -> PathBuf {
        // The last digits, because the first ones of a UUIDv7 are the time.
        let name = subject.simple().to_string();
        self.folder.join(&name[30..]).join(format!("{subject}.key"))
    }
}

fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    fs::File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| StoreError::file(format!("syncing {}", folder.display()), e))
}
