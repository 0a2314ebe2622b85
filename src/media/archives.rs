//! What is in an archive: names and lengths, read without unpacking anything to disk.
//!
//! Of ZIP only the directory at the end is read, so a bomb stays folded. A tar has no directory: it is
//! read through, unpacked in memory piece by piece, until a limit.

use super::store::write_atomically;
use super::{Limits, MediaTrouble, pictures};
use crate::domain::media::{Facts, Rejection};
use image::DynamicImage;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// The list of entries.
pub const LISTING: &str = "listing.json";
/// Longest name that is kept, in characters.
const NAME: usize = 400;
/// How much of a long name in a tar is read, in bytes.
const LONG_NAME: u64 = 64 << 10;
/// Largest directory of a ZIP that is read, in bytes; some hundred thousand files.
const ZIP_DIRECTORY: u64 = 64 << 20;
/// Where the end of a ZIP stands: its heads and the longest comment, in bytes.
const ZIP_TAIL: u64 = 70 << 10;

/// Where programs put a small picture of what is in their file: Krita; OpenRaster and OpenDocument.
const PICTURES: [&str; 2] = ["preview.png", "Thumbnails/thumbnail.png"];
/// How much of such a picture is read, in bytes.
const PICTURE: u64 = 8 << 20;
/// Its longest side as it is shown, in pixels.
const SMALL: u32 = 512;

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

/// A name as it may be shown: no control characters, and none that turn the direction of the text around or are not to
/// be seen, by which one ending can look like another.
fn shown(name: &str) -> String {
    let unseen = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    name.chars().filter(|c| !c.is_control() && !unseen(*c)).take(NAME).collect()
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
        // What an archive says about itself may be more than there are numbers.
        unpacked_bytes: listing.entries.iter().fold(0, |all, e| all.saturating_add(e.bytes)),
        frame_rate: (0, 1),
        ..Facts::default()
    };
    Ok((listing, facts))
}

fn zip(file: &Path, most: usize) -> Result<Listing, MediaTrouble> {
    let mut source = File::open(file)?;
    if directory_bytes(&mut source)? > ZIP_DIRECTORY {
        return Ok(Listing { entries: vec![], more: true });
    }
    let mut archive = zip::ZipArchive::new(source).map_err(|_| damaged())?;
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
    let mut long_name = None;
    // As they stand: the crate would hold a long name whole, however many gigabytes it says it has.
    for entry in archive.entries()?.raw(true) {
        // Cut off, or the limit: what was read so far is what is shown.
        let Ok(mut entry) = entry else {
            listing.more = true;
            break;
        };
        let kind = entry.header().entry_type();
        if kind.is_gnu_longname() || kind.is_pax_local_extensions() {
            let mut bytes = vec![];
            entry.by_ref().take(LONG_NAME).read_to_end(&mut bytes)?;
            long_name = if kind.is_gnu_longname() { Some(bytes) } else { pax_path(&bytes).or(long_name) };
            continue;
        }
        let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        if !kind.is_file() {
            continue;
        }
        if listing.entries.len() == most {
            listing.more = true;
            break;
        }
        listing.entries.push(Entry { name: shown(&String::from_utf8_lossy(&name)), bytes: entry.size() });
    }
    if listing.entries.is_empty() && listing.more { Err(damaged()) } else { Ok(listing) }
}

/// The path that the head before an entry gives (POSIX pax).
fn pax_path(bytes: &[u8]) -> Option<Vec<u8>> {
    let path = |e: &tar::PaxExtension<'_>| e.key_bytes() == b"path";
    tar::PaxExtensions::new(bytes).flatten().find(path).map(|e| e.value_bytes().to_vec())
}

/// The small picture that a program put into its own file, which is a ZIP (Krita, OpenRaster, OpenDocument); `None`
/// if there is none. Only files that begin by saying what they are count: in an archive that somebody packed, a
/// picture of that name is one of its files.
#[must_use]
pub fn thumbnail(file: &Path, limits: &Limits) -> Option<DynamicImage> {
    let mut source = File::open(file).ok()?;
    let mut head = [0; 38];
    source.read_exact(&mut head).ok()?;
    if !head.starts_with(b"PK\x03\x04") || !head.ends_with(b"mimetype") {
        return None;
    }
    if directory_bytes(&mut source).ok()? > ZIP_DIRECTORY {
        return None;
    }
    let mut archive = zip::ZipArchive::new(source).ok()?;
    let picture = PICTURES.iter().find_map(|name| {
        let mut bytes = vec![];
        archive.by_name(name).ok()?.take(PICTURE).read_to_end(&mut bytes).ok()?;
        pictures::decode_from(Cursor::new(bytes), limits).ok()
    })?;
    // Whatever its size, it is shown to everybody who may know of the work.
    let (picture, side) = (picture.0, SMALL);
    Some(if picture.width().max(picture.height()) > side { picture.thumbnail(side, side) } else { picture })
}

/// Bytes that the directory of a ZIP says it has, by each end of an archive that stands in the file's tail:
/// the crate reads it whole into memory, and a file of gigabytes can be nothing else.
fn directory_bytes(file: &mut File) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(ZIP_TAIL)))?;
    let mut tail = vec![];
    file.take(ZIP_TAIL).read_to_end(&mut tail)?;
    let mut most = 0;
    for at in 0..tail.len() {
        let rest = &tail[at..];
        let number = match rest {
            // End of the directory: its length at 12, all ones where the longer form has it.
            [b'P', b'K', 5, 6, ..] => {
                rest.get(12..16).map(|b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])))
            }
            // The longer form: at 40.
            [b'P', b'K', 6, 6, ..] => {
                rest.get(40..48).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes)
            }
            _ => None,
        };
        most = most.max(number.filter(|n| *n < u64::from(u32::MAX)).unwrap_or(0));
    }
    Ok(most)
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

/// The listing of a made archive, from its bytes.
#[must_use]
pub fn listing(bytes: &[u8]) -> Listing {
    let mut listing: Listing = serde_json::from_slice(bytes).unwrap_or_default();
    // Lists of earlier versions hold names as they were.
    listing.entries.iter_mut().for_each(|entry| entry.name = shown(&entry.name));
    listing
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
    fn files_of_programs_bring_their_own_picture_along() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.kra");
        let mut png = Cursor::new(vec![]);
        let picture = image::RgbImage::from_pixel(1024, 256, image::Rgb([9, 200, 9]));
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let found = |first: &str, name: &str, bytes: &[u8]| {
            let mut out = zip::ZipWriter::new(Cursor::new(vec![]));
            for (name, bytes) in [(first, &b"application/x-krita"[..]), (name, bytes)] {
                out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
                out.write_all(bytes).unwrap();
            }
            std::fs::write(&file, out.finish().unwrap().into_inner()).unwrap();
            thumbnail(&file, &Limits::default())
        };
        for name in ["preview.png", "Thumbnails/thumbnail.png"] {
            let found = found("mimetype", name, png.get_ref()).unwrap();
            assert_eq!((found.width(), found.height()), (512, 128), "{name}");
            assert_eq!(found.to_rgb8().get_pixel(5, 5).0, [9, 200, 9]);
        }
        assert!(found("mimetype", "mergedimage.png", png.get_ref()).is_none(), "the work itself is no card");
        assert!(found("readme.txt", "preview.png", png.get_ref()).is_none());
        assert!(found("mimetype", "preview.png", b"no picture").is_none());
        std::fs::write(&file, b"PK\x03\x04").unwrap();
        assert!(thumbnail(&file, &Limits::default()).is_none());
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
        let deep = "folder/".repeat(40) + "wood.png";
        let (listing, _) = listed(&tarred(&[&deep]), Packing::Tar, &Limits::default()).unwrap();
        assert_eq!(listing.entries[0].name, deep, "a name longer than a head");
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
    fn names_are_shown_as_they_are_read() {
        let names = [
            "a\u{202e}gnp.exe",
            "\u{2066}iso\u{2069}.txt",
            "ze\u{200b}ro\u{feff}",
            "c\u{1}\u{1b}[31m\nx",
            "größe-日本",
        ];
        let as_shown = ["agnp.exe", "iso.txt", "zero", "c[31mx", "größe-日本"];
        for (bytes, packing) in [(zipped(&names), Packing::Zip), (tarred(&names), Packing::Tar)] {
            let (listing, _) = listed(&bytes, packing, &Limits::default()).unwrap();
            let found: Vec<&str> = listing.entries.iter().map(|e| e.name.as_str()).collect();
            assert_eq!(found, as_shown, "{packing:?}");
        }
    }

    #[test]
    fn a_name_and_a_directory_without_end_take_no_memory() {
        // A long name of thirty gigabytes, of which some thousand bytes are there.
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(30 << 30);
        header.set_cksum();
        let bytes = [header.as_bytes().as_slice(), &[b'n'; 4096]].concat();
        assert!(listed(&bytes, Packing::Tar, &Limits::default()).is_err());
        // An end that says the directory has two gigabytes.
        let mut zip = zipped(&["a"]);
        let end = zip.len() - 22;
        zip[end + 12..end + 16].copy_from_slice(&(2_u32 << 30).to_le_bytes());
        let (listing, _) = listed(&zip, Packing::Zip, &Limits::default()).unwrap();
        assert!(listing.more && listing.entries.is_empty());
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
