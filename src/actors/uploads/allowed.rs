//! What may come in: by kind, as soon as the first bytes tell it, and as long as the disk has room.

use super::{UploadError, in_words, store};
use crate::actors::services::Services;
use crate::domain::media::{Kind, ending};
use crate::media::sniff::{LOOK, sniff};
use std::io::Read;
use std::path::Path;

/// The first bytes of a file, while they arrive.
pub(super) struct Begin(Option<Vec<u8>>);

impl Begin {
    /// Of a file of which so many bytes are here already; only its beginning tells what it is.
    pub(super) fn new(offset: u64) -> Self {
        Self((offset == 0).then(Vec::new))
    }

    /// Takes what comes; gives the beginning once there is enough of it.
    pub(super) fn take(&mut self, part: &[u8]) -> Option<&[u8]> {
        let kept = self.0.as_mut()?;
        let before = kept.len();
        if before >= LOOK {
            return None;
        }
        kept.extend_from_slice(&part[..part.len().min(LOOK - before)]);
        (kept.len() >= LOOK).then_some(kept.as_slice())
    }

    /// All there is, if the file ended before there was enough.
    pub(super) fn rest(&self) -> Option<&[u8]> {
        self.0.as_deref().filter(|kept| kept.len() < LOOK)
    }
}

/// The beginning of a file of this machine.
pub(super) fn begin(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = vec![];
    std::fs::File::open(path)?.take(LOOK as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether the studio takes what a file of this beginning, length and name may be. What cannot be told yet, and
/// what is refused for its content, goes on: the examination says so with the reason.
pub(super) fn check(cx: &Services, head: &[u8], length: u64, file_name: &str) -> Result<(), UploadError> {
    let taken = &cx.config.limits.kinds;
    let Ok(form) = sniff(head, length, &ending(file_name)) else { return Ok(()) };
    if form.kinds().iter().any(|kind| taken.contains(kind)) {
        return Ok(());
    }
    Err(UploadError::KindNotTaken { found: list(form.kinds()), taken: list(taken) })
}

/// Kinds in words, such as `videos, pictures and sounds`.
#[must_use]
pub fn list(kinds: &[Kind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.plural()).collect();
    match words.split_last() {
        None => "nothing".into(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// What the disk says to something that begins: below the low mark nothing begins, and after that nothing until
/// the high mark is reached again, so that a disk that is nearly full is not filled to the mark over and over.
pub(super) fn check_disk(cx: &Services, length: u64) -> Result<(), UploadError> {
    let limits = &cx.config.limits;
    let free = store(cx).free_bytes()?;
    let stopped = cx.config.in_data("uploads-stopped");
    let low = limits.free_disk_bytes;
    let mark = if stopped.exists() { low.max(limits.free_disk_again_bytes) } else { low };
    // Renditions and mezzanine need about as much again while they are made.
    if free < mark.saturating_add(length.saturating_mul(2)) {
        // Only the mark itself stops everybody; a file that is too large stops itself.
        if free < low && limits.free_disk_again_bytes > low {
            let _ = std::fs::write(&stopped, b"Uploads begin again at limits.free_disk_again_bytes.\n");
        }
        let why = if free < mark {
            let setting = if mark > low { "limits.free_disk_again_bytes" } else { "limits.free_disk_bytes" };
            let when = if mark > low { "begin again when" } else { "stop when less than" };
            format!("and uploads {when} {} is free ({setting})", in_words(mark))
        } else {
            format!("too little for this file ({})", in_words(length))
        };
        return Err(UploadError::NoRoom { free: in_words(free), why });
    }
    if stopped.exists() && free >= mark {
        let _ = std::fs::remove_file(&stopped);
    }
    Ok(())
}

/// What the disk says to something that is arriving: it was promised its room, but others write as well. Half of
/// the low mark stays for the database.
pub(super) fn check_writing(cx: &Services) -> Result<(), UploadError> {
    let free = store(cx).free_bytes()?;
    if free < cx.config.limits.free_disk_bytes / 2 {
        return Err(UploadError::Io(std::io::ErrorKind::StorageFull.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_given_once_there_is_enough_of_it_or_at_the_end() {
        let mut begin = Begin::new(0);
        assert_eq!(begin.take(&[1; 100]), None);
        assert_eq!(begin.rest().map(<[u8]>::len), Some(100));
        assert_eq!(begin.take(&vec![2; LOOK]).map(<[u8]>::len), Some(LOOK));
        assert_eq!(begin.take(&[3; 5]), None, "once");
        assert_eq!(begin.rest(), None);
        let mut later = Begin::new(9);
        assert_eq!(later.take(&vec![1; LOOK]), None);
        assert_eq!(later.rest(), None);
        assert_eq!(list(&[Kind::Video, Kind::Image, Kind::Audio]), "videos, pictures and sounds");
        assert_eq!((list(&[Kind::Other]), list(&[])), ("other files".to_owned(), "nothing".to_owned()));
    }
}
