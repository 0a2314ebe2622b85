//! The list of everything that a finished round consists of, with the hash of each file. It lies beside the files
//! and moves with them; the log holds its own hash, so that every byte that was made can be compared with the log
//! although a long film has more files than an event should name.

use super::MediaTrouble;
use super::store::{hash_file, write_atomically};
use crate::domain::media::MadeFiles;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Its name in the folder of the round.
pub const NAME: &str = "files.json";

/// One file of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeFile {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Length.
    pub bytes: u64,
}

/// All files by their names in the folder of the round.
pub type List = BTreeMap<String, MadeFile>;

/// Hashes everything in the folder of a finished round, writes the list, and gives what the log is to hold of it.
///
/// # Errors
/// If a file cannot be read or the list cannot be written.
pub fn note(folder: &Path) -> Result<MadeFiles, MediaTrouble> {
    let mut list = List::new();
    gather(folder, "", &mut list)?;
    let text = serde_json::to_vec(&list).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    write_atomically(&folder.join(NAME), &text)?;
    Ok(MadeFiles {
        sha256: hex::encode(Sha256::digest(&text)),
        files: u32::try_from(list.len()).unwrap_or(u32::MAX),
        bytes: list.values().map(|f| f.bytes).sum(),
    })
}

fn gather(folder: &Path, inside: &str, list: &mut List) -> Result<(), MediaTrouble> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{inside}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{name}/"), list)?;
        } else if name != NAME && !is_scratch(&name) {
            let (sha256, bytes) = hash_file(&entry.path())?;
            list.insert(name, MadeFile { sha256, bytes });
        }
    }
    Ok(())
}

/// Whether a name is that of a file that was being written: it gets its own name when it is whole.
#[must_use]
pub fn is_scratch(name: &str) -> bool {
    name.ends_with(".tmp")
}

/// The list, if these bytes are the ones that the log knows.
#[must_use]
pub fn read(bytes: &[u8], noted: &MadeFiles) -> Option<List> {
    let same = hex::encode(Sha256::digest(bytes)) == noted.sha256;
    same.then(|| serde_json::from_slice(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_every_file_of_a_round_but_itself_and_what_was_being_written() {
        let folder = tempfile::tempdir().unwrap();
        write_atomically(&folder.path().join("master.m3u8"), b"#EXTM3U\n").unwrap();
        write_atomically(&folder.path().join("av1-90/00000.m4s"), b"frames").unwrap();
        fs::write(folder.path().join("av1-90/00001.m4s.0.tmp"), b"half").unwrap();
        let first = note(folder.path()).unwrap();
        assert_eq!((first.files, first.bytes), (2, 14));
        // Noted again after a crash, it is the same.
        assert_eq!(note(folder.path()).unwrap(), first);
        let mut text = fs::read(folder.path().join(NAME)).unwrap();
        let list = read(&text, &first).unwrap();
        assert_eq!(list.keys().map(String::as_str).collect::<Vec<_>>(), ["av1-90/00000.m4s", "master.m3u8"]);
        assert_eq!(list["av1-90/00000.m4s"].sha256, hex::encode(Sha256::digest(b"frames")));
        text[5] ^= 1;
        assert_eq!(read(&text, &first), None, "a list that was changed says nothing");
    }
}
