//! Lets a web server that sends files for us read them: by the group of the files, and only what is
//! delivered.
//!
//! The switch is the mode of the media folder itself: 0700 keeps everybody out, 0750 lets the group in.
//! Whatever is written for delivery is opened by [`MediaStore::share`], which does nothing while the
//! switch is off. Uploads, mezzanine, keys and the rest of the data folder stay as they are.

use super::store::{MediaStore, private_folder};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const CLOSED: u32 = 0o700;
const FOLDER: u32 = 0o750;
const FILE: u32 = 0o640;

impl MediaStore {
    /// Folders whose files are delivered.
    fn delivered(&self) -> [PathBuf; 3] {
        ["public", "captions", "originals"].map(|name| self.root().join(name))
    }

    /// Opens what is delivered to the group of the files, or closes it to everybody but their owner.
    ///
    /// # Errors
    /// If modes cannot be changed, as when the files belong to another user.
    pub fn let_group_read(&self, open: bool) -> io::Result<()> {
        if !open {
            return if self.root().exists() { set_mode(self.root(), CLOSED) } else { Ok(()) };
        }
        private_folder(self.root())?;
        // First, so that what is finished from now on is opened by whoever finishes it.
        set_mode(self.root(), FOLDER)?;
        for top in self.delivered() {
            private_folder(&top)?;
            // A folder is opened after what is in it: one that is open was walked to its end.
            if mode(&top)? != FOLDER {
                open_tree(&top)?;
            }
        }
        Ok(())
    }

    /// Opens a file or folder of the store, with all in it and the folders above it, if the group may read
    /// what is delivered.
    ///
    /// # Errors
    /// If modes cannot be changed.
    pub fn share(&self, path: &Path) -> io::Result<()> {
        let open = mode(self.root()).is_ok_and(|m| m & 0o050 == 0o050);
        let Ok(below) = path.strip_prefix(self.root()) else { return Ok(()) };
        if !open {
            return Ok(());
        }
        open_tree(path)?;
        // The three folders at the top are opened at the start, when everything in them is.
        for above in below.ancestors().skip(1).filter(|a| a.components().count() > 1) {
            set_mode(&self.root().join(above), FOLDER)?;
        }
        Ok(())
    }
}

/// What is in a folder first. Something that goes away meanwhile is nobody's loss.
fn open_tree(path: &Path) -> io::Result<()> {
    let facts = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        facts => facts?,
    };
    if facts.is_dir() {
        for entry in fs::read_dir(path)? {
            open_tree(&entry?.path())?;
        }
        set_mode(path, FOLDER)
    } else if facts.is_file() {
        set_mode(path, FILE)
    } else {
        Ok(())
    }
}

fn mode(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

fn set_mode(path: &Path, wanted: u32) -> io::Result<()> {
    match mode(path) {
        Ok(present) if present == wanted => Ok(()),
        Ok(_) => fs::set_permissions(path, fs::Permissions::from_mode(wanted)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::store::write_atomically;
    use uuid::Uuid;

    fn of(path: &Path) -> u32 {
        mode(path).unwrap()
    }

    #[test]
    fn the_group_reads_what_is_delivered_and_only_while_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let store = MediaStore::new(folder.path());
        let media = Uuid::now_v7();
        let old = store.public(media, 1).join("download.mp4");
        write_atomically(&old, b"old").unwrap();
        write_atomically(&store.work(media, 1).join("mezzanine/00000.mkv"), b"x").unwrap();
        store.share(&store.public(media, 1)).unwrap();
        assert_eq!(of(&store.public(media, 1)), 0o700, "closed: sharing does nothing");

        store.let_group_read(true).unwrap();
        assert_eq!((of(store.root()), of(&old), of(old.parent().unwrap())), (0o750, 0o640, 0o750));
        let work = store.media_work(media);
        assert_eq!(of(&work.join("1/mezzanine")), 0o700, "what is not delivered stays closed");
        let segment = store.public(media, 2).join("av1-360/00000.m4s");
        write_atomically(&segment, b"new").unwrap();
        assert_eq!(of(&store.public(media, 2)), 0o700);
        store.share(&store.public(media, 2)).unwrap();
        for above in segment.ancestors().skip(1).take(4) {
            assert_eq!(of(above), 0o750, "{above:?}");
        }
        assert_eq!(of(&segment), 0o640);

        store.let_group_read(false).unwrap();
        assert_eq!(of(store.root()), 0o700);
        store.let_group_read(true).unwrap();
        assert_eq!(of(store.root()), 0o750);
    }
}
