//! What is in an archive: names and lengths, read without unpacking anything to disk.
//!
//! Of ZIP only the directory at the end is read, so a bomb stays folded. A tar has no directory: it is
//! read through, unpacked in memory piece by piece, until a limit.

use super::store::write_atomically;
use super::{Limits, MediaTrouble};
use crate::domain::media::{Facts, Rejection};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The list of entries.
pub const LISTING: &str = "listing.json";
/// Longest name that is kept, in characters.
const NAME: usize = 400;

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Packing {
    /// ZIP.
    Zip,
    /// Tar.
    Tar,
    /// Tar in gzip.
    TarGz,
    /// Tar in Zstandard.
    TarZst,
}

/// One file in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path in the archive, as text.
    pub name: String,
    /// Its length when unpacked, in bytes.
    pub bytes: u64,
}

/// What is in an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Its files; folders are not listed.
    pub entries: Vec<Entry>,
    /// Whether it holds more than is listed.
    pub more: bool,
}

fn damaged() -> MediaTrouble {
    MediaTrouble::Rejected(Rejection::ArchiveUnreadable)
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME).collect()
}

/// Reads what an archive holds.
///
/// # Errors
/// A rejection when it is damaged.
pub fn read(file: &Path, packing: Packing, limits: &Limits) -> Result<(Listing, Facts), MediaTrouble> {
    let source = BufReader::new(File::open(file)?);
    let most = limits.archive_entries as usize;
    let listing = match packing {
        Packing::Zip => zip(file, most)?,
        Packing::Tar => tar(source, most, limits)?,
        Packing::TarGz => tar(flate2::read::MultiGzDecoder::new(source), most, limits)?,
        Packing::TarZst => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(source).map_err(|_| damaged())?;
            tar(decoder, most, limits)?
        }
    };
    let format: &str = packing.into();
    let facts = Facts {
        format: format.into(),
        entries: u32::try_from(listing.entries.len()).unwrap_or(u32::MAX),
        unpacked_bytes: listing.entries.iter().map(|e| e.bytes).sum(),
        frame_rate: (0, 1),
        ..Facts::default()
    };
    Ok((listing, facts))
}

fn zip(file: &Path, most: usize) -> Result<Listing, MediaTrouble> {
    let mut archive = zip::ZipArchive::new(File::open(file)?).map_err(|_| damaged())?;
    let mut listing = Listing::default();
    for n in 0..archive.len() {
        let entry = archive.by_index_raw(n).map_err(|_| damaged())?;
        if entry.is_dir() {
            continue;
        }
        if listing.entries.len() == most {
            listing.more = true;
            break;
        }
        listing
            .entries
            .push(Entry { name: shown(&entry.name().map_err(|_| damaged())?), bytes: entry.size() });
    }
    Ok(listing)
}

fn tar(source: impl Read, most: usize, limits: &Limits) -> Result<Listing, MediaTrouble> {
    let mut archive = tar::Archive::new(source.take(limits.archive_read_mib << 20));
    let mut listing = Listing::default();
    for entry in archive.entries()? {
        // Cut off, or the limit: what was read so far is what is shown.
        let Ok(entry) = entry else {
            listing.more = true;
            break;
        };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if listing.entries.len() == most {
            listing.more = true;
            break;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        listing.entries.push(Entry { name: shown(&name), bytes: entry.size() });
    }
    if listing.entries.is_empty() && listing.more { Err(damaged()) } else { Ok(listing) }
}

/// Writes the listing into the folder of a work; gives its length.
///
/// # Errors
/// If it cannot be written.
pub fn write(listing: &Listing, folder: &Path) -> Result<u64, MediaTrouble> {
    let json = serde_json::to_vec(listing).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    write_atomically(&folder.join(LISTING), &json)?;
    Ok(json.len() as u64)
}

/// The listing of a made archive.
#[must_use]
pub fn listing(folder: &Path) -> Listing {
    std::fs::read(folder.join(LISTING)).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn zipped(names: &[&str]) -> Vec<u8> {
        let mut out = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
        for name in names {
            out.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            out.write_all(&[0; 1000]).unwrap();
        }
        out.finish().unwrap().into_inner()
    }

    fn tarred(names: &[&str]) -> Vec<u8> {
        let mut out = tar::Builder::new(vec![]);
        for name in names {
            let mut header = tar::Header::new_gnu();
            header.set_size(1000);
            header.set_cksum();
            out.append_data(&mut header, name, &[0; 1000][..]).unwrap();
        }
        out.into_inner().unwrap()
    }

    fn listed(bytes: &[u8], packing: Packing, limits: &Limits) -> Result<(Listing, Facts), MediaTrouble> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("archive");
        std::fs::write(&file, bytes).unwrap();
        read(&file, packing, limits)
    }

    #[test]
    fn names_and_lengths_are_listed_up_to_the_limit() {
        let names = ["textures/wood.png", "scene.blend", "../../etc/passwd"];
        let tar = tarred(&names[..2]);
        let mut gz = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        gz.write_all(&tar).unwrap();
        let (listing, facts) = listed(&zipped(&names), Packing::Zip, &Limits::default()).unwrap();
        assert_eq!(listing.entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), names);
        assert_eq!((facts.entries, facts.unpacked_bytes, listing.more), (3, 3000, false));
        for (bytes, packing) in [(tar.clone(), Packing::Tar), (gz.finish().unwrap(), Packing::TarGz)] {
            let (listing, _) = listed(&bytes, packing, &Limits::default()).unwrap();
            assert_eq!(listing.entries.len(), 2, "{packing:?}");
            let few = Limits { archive_entries: 1, ..Limits::default() };
            let (listing, _) = listed(&bytes, packing, &few).unwrap();
            assert!(listing.more && listing.entries.len() == 1);
            let exact = Limits { archive_entries: 2, ..Limits::default() };
            assert!(!listed(&bytes, packing, &exact).unwrap().0.more);
        }
    }

    #[test]
    fn damaged_archives_are_refused() {
        let zip = zipped(&["a"]);
        for (bytes, packing) in [
            (&zip[..zip.len() - 30], Packing::Zip),
            (&b"\x1f\x8b\x08\0garbage"[..], Packing::TarGz),
            (&b"\x28\xb5\x2f\xfdgarbage"[..], Packing::TarZst),
        ] {
            let why = listed(bytes, packing, &Limits::default()).unwrap_err();
            assert_eq!(why.to_string(), Rejection::ArchiveUnreadable.to_string(), "{packing:?}");
        }
    }
}
