//! The file of an upload, held by one request at a time over all processes.

use super::UploadError;
use std::fs::{File, OpenOptions};
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a request waits for the one before it. Who comes back after a broken connection is often
/// here before the server has noticed that it broke.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// An upload's file under its lock. The lock is given back by name and not by closing: a child process
/// that is being started at that moment still shares the descriptor, and with it the lock.
pub(super) struct Held(File);

impl Held {
    /// Opens and locks the file.
    ///
    /// # Errors
    /// [`UploadError::Busy`] if another request holds it for longer than patience lasts.
    pub async fn open(path: &Path) -> Result<Self, UploadError> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let begun = Instant::now();
        while file.try_lock().is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(UploadError::Busy);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(Self(file))
    }
}

impl Deref for Held {
    type Target = File;
    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing gives it back as well; there is nobody to tell of a failure.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_is_free_again_although_a_child_still_shares_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a");
        std::fs::write(&path, b"a").expect("written");
        let held = Held::open(&path).await.expect("held");
        // What a child between fork and exec has: the same open file under another number.
        let shared = held.try_clone().expect("shared");
        drop(held);
        assert!(Held::open(&path).await.is_ok());
        drop(shared);
    }

    #[tokio::test]
    async fn who_comes_while_another_sends_waits_a_little_and_is_told() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a");
        std::fs::write(&path, b"a").expect("written");
        let first = Held::open(&path).await.expect("held");
        assert!(matches!(Held::open(&path).await, Err(UploadError::Busy)));
        let (second, ()) = tokio::join!(Held::open(&path), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(first);
        });
        assert!(second.is_ok());
    }
}
