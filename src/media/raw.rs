//! Raw files of cameras (DNG, CR2, CR3, NEF, ARW, ORF, RW2, RAF and their like): the picture that the camera put beside
//! its measurements is shown, the file itself is what people download.
//!
//! Most of them are TIFF (Adobe, TIFF 6.0), some under another number: directories of entries that lead to further
//! directories and to the bytes of pictures. Fujifilm's RAF says at its beginning where its picture lies; Canon's CR3 is
//! an ISO file with a box `PRVW`. Only pictures that are whole JPEG files are looked at.

use super::{Limits, MediaTrouble, pictures};
use crate::domain::media::Facts;
use image::DynamicImage;
use image::metadata::Orientation;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// Marks of raw files that are TIFF under another number: Olympus and Panasonic.
const OTHER_TIFF: [&[u8]; 4] = [b"IIRO", b"IIRS", b"MMOR", b"IIU\0"];
/// Mark of Fujifilm's files.
const RAF: &[u8] = b"FUJIFILMCCD-RAW";
/// How much of a CR3 is searched: all that stands before its measurements.
const CR3_HEAD: u64 = 4 << 20;
/// Endings of raw files that are TIFF.
const ENDINGS: [&str; 8] = ["dng", "cr2", "nef", "nrw", "arw", "pef", "srw", "sr2"];
/// Directories that are read.
const MOST_DIRECTORIES: usize = 64;
/// Entries of a directory that are read.
const MOST_ENTRIES: u16 = 512;
/// Largest picture that is taken out, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// What such files are called.
pub const FORMAT: &str = "raw";

/// Whether a TIFF of this ending is a raw file of a camera.
#[must_use]
pub fn is_raw(head: &[u8], ending: &str) -> bool {
    let plain = (head.starts_with(b"II*\0") || head.starts_with(b"MM\0*")) && ENDINGS.contains(&ending);
    plain || OTHER_TIFF.iter().any(|mark| head.starts_with(mark)) || head.starts_with(RAF) || is_cr3(head)
}

fn is_cr3(head: &[u8]) -> bool {
    head.get(4..12) == Some(b"ftypcrx ")
}

struct Tiff {
    file: File,
    length: u64,
    little: bool,
}

/// What a directory leads to.
#[derive(Default)]
struct Directory {
    /// Place and length of a JPEG file.
    pictures: Vec<(u64, u64)>,
    further: Vec<u64>,
    orientation: Option<u8>,
}

impl Tiff {
    fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut mark = [0; 2];
        file.read_exact(&mut mark)?;
        Ok(Self { file, length, little: &mark == b"II" })
    }

    fn bytes(&mut self, at: u64, count: u64) -> Option<Vec<u8>> {
        if at.checked_add(count)? > self.length || count > MOST_BYTES {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(count).ok()?];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }

    /// The numbers of an entry: 16 or 32 bits, at most eight of them.
    fn values(&mut self, entry: &[u8]) -> Vec<u64> {
        let width = match self.number(&entry[2..4]) {
            3 => 2,
            4 | 13 => 4,
            _ => return vec![],
        };
        let count = self.number(&entry[4..8]).min(8);
        let held = if width * count <= 4 {
            Some(entry[8..12].to_vec())
        } else {
            let at = self.number(&entry[8..12]);
            self.bytes(at, width * count)
        };
        let Some(held) = held else { return vec![] };
        let size = usize::try_from(width).unwrap_or(2);
        let count = usize::try_from(count).unwrap_or(0);
        held.chunks_exact(size).take(count).map(|c| self.number(c)).collect()
    }

    /// Reads a directory; gives it and where the next one is, if anywhere.
    fn directory(&mut self, at: u64) -> Option<(Directory, u64)> {
        let head = self.bytes(at, 2)?;
        let count = u16::try_from(self.number(&head)).ok()?.min(MOST_ENTRIES);
        let entries = self.bytes(at + 2, u64::from(count) * 12)?;
        let mut found = Directory::default();
        let (mut jpeg, mut strips) = ((None, None), (vec![], vec![]));
        let mut packed = false;
        for entry in entries.chunks_exact(12) {
            let values = self.values(entry);
            match self.number(&entry[..2]) {
                // Panasonic: the whole picture as bytes of this entry.
                0x2e if self.number(&entry[2..4]) == 7 => {
                    found.pictures.push((self.number(&entry[8..12]), self.number(&entry[4..8])));
                }
                0x103 => packed = matches!(values.first(), Some(6 | 7)),
                0x111 => strips.0 = values,
                0x117 => strips.1 = values,
                0x112 => found.orientation = values.first().and_then(|v| u8::try_from(*v).ok()),
                0x14a => found.further = values,
                0x201 => jpeg.0 = values.first().copied(),
                0x202 => jpeg.1 = values.first().copied(),
                _ => {}
            }
        }
        if let (Some(at), Some(length)) = jpeg {
            found.pictures.push((at, length));
        }
        if let (true, [at], [length]) = (packed, strips.0.as_slice(), strips.1.as_slice()) {
            found.pictures.push((*at, *length));
        }
        let after = self.bytes(at + 2 + u64::from(count) * 12, 4).map_or(0, |b| self.number(&b));
        Some((found, after))
    }
}

/// The largest picture that the camera put into the file, upright; `None` if there is none.
///
/// # Errors
/// If the file cannot be read.
pub fn preview(path: &Path, limits: &Limits) -> Result<Option<(DynamicImage, Facts)>, MediaTrouble> {
    let mut tiff = Tiff::open(path)?;
    let Some(start) = tiff.bytes(4, 4) else { return Ok(None) };
    let (mut seen, mut all) = (BTreeSet::new(), vec![]);
    let mut orientation = None;
    let head = tiff.bytes(0, tiff.length.min(CR3_HEAD)).unwrap_or_default();
    let mut waiting = vec![];
    if head.starts_with(RAF) {
        all.extend(head.get(84..92).map(|b| (big(&b[..4]), big(&b[4..]))));
    } else if is_cr3(&head) {
        (all, orientation) = cr3(&head);
    } else {
        waiting.push(tiff.number(&start));
    }
    drop(head);
    while let Some(at) = waiting.pop() {
        // Directories may lead in a circle.
        if at == 0 || seen.len() >= MOST_DIRECTORIES || !seen.insert(at) {
            continue;
        }
        let Some((found, next)) = tiff.directory(at) else { continue };
        // The first directory speaks for the whole.
        orientation = orientation.or(found.orientation);
        all.extend(found.pictures);
        waiting.push(next);
        waiting.extend(found.further);
    }
    all.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    for (at, length) in all {
        let Some(bytes) = tiff.bytes(at, length).filter(|b| b.starts_with(b"\xff\xd8\xff")) else { continue };
        // The measurements themselves may be packed as JPEG of a kind that nobody shows.
        let Ok((mut picture, facts)) = pictures::decode_from(Cursor::new(bytes), limits) else { continue };
        if let Some(turn) = orientation.and_then(Orientation::from_exif) {
            picture.apply_orientation(turn);
        }
        let (width, height) = (picture.width(), picture.height());
        return Ok(Some((picture, Facts { format: FORMAT.into(), width, height, ..facts })));
    }
    Ok(None)
}

fn big(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// Place and length of the picture in a CR3, and how it is to be turned, which stands in a directory of its own (`CMT1`).
fn cr3(head: &[u8]) -> (Vec<(u64, u64)>, Option<u8>) {
    let find = |name: &[u8]| head.windows(4).position(|w| w == name).map(|at| at + 4);
    // Behind the name 12 bytes of version, size and the like, and the length.
    let picture = find(b"PRVW").and_then(|at| {
        let length = big(head.get(at + 12..at + 16)?);
        Some((u64::try_from(at + 16).ok()?, length))
    });
    let turn = find(b"CMT1").and_then(|at| {
        let tiff = head.get(at..at + 8 + 2 + 12 * 64).or_else(|| head.get(at..))?;
        let entries = tiff.get(10..)?;
        let found = entries.chunks_exact(12).find(|e| e[..4] == [0x12, 0x01, 3, 0])?;
        Some(found[8])
    });
    (picture.into_iter().collect(), turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut out = Cursor::new(vec![]);
        let picture = image::RgbImage::from_pixel(width, height, image::Rgb([200, 40, 40]));
        picture.write_to(&mut out, image::ImageFormat::Jpeg).unwrap();
        out.into_inner()
    }

    /// A file of one directory with a small picture, and one below it with a large one.
    fn raw(next: u32) -> Vec<u8> {
        let (small, large) = (jpeg(16, 8), jpeg(64, 32));
        let entry = |tag: u16, kind: u16, value: u32| {
            let mut e = tag.to_le_bytes().to_vec();
            e.extend(kind.to_le_bytes());
            e.extend(1_u32.to_le_bytes());
            e.extend(value.to_le_bytes());
            e
        };
        let first = 8;
        let second = first + 2 + 4 * 12 + 4;
        let data = second + 2 + 3 * 12 + 4;
        let length = |b: &[u8]| u32::try_from(b.len()).unwrap();
        let mut file = b"II*\0".to_vec();
        file.extend(u32::to_le_bytes(first));
        file.extend(4_u16.to_le_bytes());
        file.extend(entry(0x112, 3, 6));
        file.extend(entry(0x14a, 4, second));
        file.extend(entry(0x201, 4, data));
        file.extend(entry(0x202, 4, length(&small)));
        file.extend(next.to_le_bytes());
        file.extend(3_u16.to_le_bytes());
        file.extend(entry(0x103, 3, 7));
        file.extend(entry(0x111, 4, data + length(&small)));
        file.extend(entry(0x117, 4, length(&large)));
        file.extend(0_u32.to_le_bytes());
        file.extend(&small);
        file.extend(&large);
        file
    }

    #[test]
    fn the_largest_picture_of_the_camera_is_shown_upright() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.dng");
        let limits = Limits::default();
        // Also when the directories lead in a circle.
        for next in [0, 8] {
            std::fs::write(&path, raw(next)).unwrap();
            let (picture, facts) = preview(&path, &limits).unwrap().unwrap();
            assert_eq!((picture.width(), picture.height(), facts.format.as_str()), (32, 64, "raw"), "turned");
        }
        let whole = raw(0);
        // Cut off in the large one: the small one is still there.
        std::fs::write(&path, &whole[..whole.len() - 100]).unwrap();
        assert_eq!(preview(&path, &limits).unwrap().map(|(p, _)| p.width()), Some(8));
        for cut in 8..120 {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(preview(&path, &limits).unwrap().is_none(), "{cut}");
        }
        assert!(is_raw(&whole, "nef") && !is_raw(&whole, "tif") && !is_raw(b"\xff\xd8", "nef"));
    }

    #[test]
    fn other_makers_put_their_picture_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("raw");
        let picture = jpeg(64, 32);
        let length = u32::try_from(picture.len()).unwrap();
        let mut raf = b"FUJIFILMCCD-RAW 0201FF389501".to_vec();
        raf.resize(84, 0);
        raf.extend(100_u32.to_be_bytes());
        raf.extend(length.to_be_bytes());
        raf.resize(100, 0);
        raf.extend(&picture);
        let mut rw2 = b"IIU\0\x08\0\0\0\x01\0\x2e\0\x07\0".to_vec();
        rw2.extend(length.to_le_bytes());
        rw2.extend(26_u32.to_le_bytes());
        rw2.extend([0; 4]);
        rw2.extend(&picture);
        let mut cr3 = b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom\0\0\0\x30CMT1II*\0\x08\0\0\0\x01\0".to_vec();
        cr3.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0");
        cr3.extend(b"\0\0\0\0PRVW\0\0\0\0\0\x01\0\x40\0\x20\0\x01");
        cr3.extend(length.to_be_bytes());
        cr3.extend(&picture);
        for (name, file, size) in [("raf", raf, (64, 32)), ("rw2", rw2, (64, 32)), ("cr3", cr3, (32, 64))] {
            assert!(is_raw(&file, ""), "{name}");
            std::fs::write(&path, &file).unwrap();
            let (found, facts) = preview(&path, &Limits::default()).unwrap().unwrap();
            assert_eq!(
                (found.width(), found.height(), facts.format.as_str()),
                (size.0, size.1, "raw"),
                "{name}"
            );
            std::fs::write(&path, &file[..file.len() / 2]).unwrap();
            assert!(preview(&path, &Limits::default()).unwrap().is_none(), "{name}, cut off");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 8..300), at in 8_usize..290) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.dng");
            let mut file = raw(0);
            let end = (at + bytes.len()).min(file.len());
            file[at..end].copy_from_slice(&bytes[..end - at]);
            std::fs::write(&path, &file).unwrap();
            let _ = preview(&path, &Limits::default());
        }
    }
}
