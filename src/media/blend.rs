//! The thumbnail that Blender leaves in its project files: block `TEST`, width, height and RGBA from
//! the bottom up. Files are plain, in gzip (before 3.0) or in Zstandard.
//!
//! Header: `BLENDER`, then `_` or `-` (pointers of 4 or 8 bytes), `v` or `V` (byte order) and three
//! digits; from 5.0 on `BLENDER17-01v0500`, with longer block heads.

use image::{DynamicImage, RgbaImage};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Largest side of a thumbnail that is believed.
const SIDE: u32 = 1024;
/// Blocks that are looked at; the thumbnail is one of the first.
const BLOCKS: u32 = 64;
/// Largest block that is passed over, in bytes.
const BLOCK: u64 = 64 << 20;

/// The thumbnail of a project file, if there is one.
#[must_use]
pub fn thumbnail(file: &Path) -> Option<DynamicImage> {
    let mut head = [0; 4];
    File::open(file).ok()?.read_exact(&mut head).ok()?;
    let source = BufReader::new(File::open(file).ok()?);
    match head {
        [0x1f, 0x8b, ..] => find(flate2::read::MultiGzDecoder::new(source)),
        [0x28, 0xb5, 0x2f, 0xfd] => find(ruzstd::decoding::StreamingDecoder::new(source).ok()?),
        _ => find(source),
    }
}

/// Whether the first bytes, unpacked if need be, are those of a project file.
#[must_use]
pub fn is_blend(file: &Path) -> bool {
    let begins = |mut source: Box<dyn Read>| {
        let mut head = [0; 7];
        source.read_exact(&mut head).is_ok() && &head == b"BLENDER"
    };
    let open = || File::open(file).map(BufReader::new);
    let (Ok(plain), Ok(gzip), Ok(zstd)) = (open(), open(), open()) else { return false };
    begins(Box::new(plain))
        || begins(Box::new(flate2::read::MultiGzDecoder::new(gzip)))
        || ruzstd::decoding::StreamingDecoder::new(zstd).is_ok_and(|d| begins(Box::new(d)))
}

fn find(mut source: impl Read) -> Option<DynamicImage> {
    let mut head = [0; 12];
    source.read_exact(&mut head).ok()?;
    if &head[..7] != b"BLENDER" {
        return None;
    }
    let long = head[7].is_ascii_digit();
    let (wide, little) = if long {
        let mut rest = [0; 5];
        source.read_exact(&mut rest).ok()?;
        (true, true)
    } else {
        (head[7] == b'-', head[8] == b'v')
    };
    for _ in 0..BLOCKS {
        // Code, then (length, pointer, kind, count) or from 5.0 on (kind, pointer, length, count).
        let mut block = vec![
            0;
            if long {
                32
            } else if wide {
                24
            } else {
                20
            }
        ];
        source.read_exact(&mut block).ok()?;
        let word = |at: usize| {
            let bytes: [u8; 4] = block.get(at..at + 4)?.try_into().ok()?;
            Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
        };
        let length =
            if long { u64::from_le_bytes(block.get(16..24)?.try_into().ok()?) } else { u64::from(word(4)?) };
        match &block[..4] {
            b"TEST" => return picture(&mut source, length, little),
            b"ENDB" => return None,
            _ if length > BLOCK => return None,
            _ => {
                let passed = std::io::copy(&mut source.by_ref().take(length), &mut std::io::sink()).ok()?;
                if passed != length {
                    return None;
                }
            }
        }
    }
    None
}

fn picture(source: &mut impl Read, length: u64, little: bool) -> Option<DynamicImage> {
    let mut sizes = [0; 8];
    source.read_exact(&mut sizes).ok()?;
    let word = |b: [u8; 4]| if little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) };
    let width = word(sizes[..4].try_into().ok()?);
    let height = word(sizes[4..].try_into().ok()?);
    if !(1..=SIDE).contains(&width) || !(1..=SIDE).contains(&height) {
        return None;
    }
    let bytes = u64::from(width) * u64::from(height) * 4;
    if length < bytes + 8 {
        return None;
    }
    let mut pixels = vec![0; usize::try_from(bytes).ok()?];
    source.read_exact(&mut pixels).ok()?;
    let picture = RgbaImage::from_raw(width, height, pixels)?;
    Some(DynamicImage::ImageRgba8(image::imageops::flip_vertical(&picture)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn project(header: &[u8], block: impl Fn(&[u8; 4], u64) -> Vec<u8>) -> Vec<u8> {
        let mut file = header.to_vec();
        file.extend(block(b"REND", 16));
        file.extend([7; 16]);
        file.extend(block(b"TEST", 8 + 2 * 3 * 4));
        file.extend(2_u32.to_le_bytes());
        file.extend(3_u32.to_le_bytes());
        for row in 0..3 {
            file.extend([row * 10, 0, 0, 255].repeat(2));
        }
        file
    }

    fn old(code: &[u8; 4], length: u64) -> Vec<u8> {
        let mut head = code.to_vec();
        head.extend(u32::try_from(length).unwrap().to_le_bytes());
        head.extend([0; 16]);
        head
    }

    fn new(code: &[u8; 4], length: u64) -> Vec<u8> {
        let mut head = code.to_vec();
        head.extend([0; 12]);
        head.extend(length.to_le_bytes());
        head.extend([0; 8]);
        head
    }

    #[test]
    fn the_thumbnail_is_found_in_old_and_new_files_packed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let plain = project(b"BLENDER-v402", old);
        let mut gz = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
        gz.write_all(&plain).unwrap();
        let long = project(b"BLENDER17-01v0500", new);
        let zstd = ruzstd::encoding::compress_to_vec(&plain[..], ruzstd::encoding::CompressionLevel::Fastest);
        for (n, bytes) in [plain, gz.finish().unwrap(), long, zstd].into_iter().enumerate() {
            let file = folder.path().join(n.to_string());
            std::fs::write(&file, bytes).unwrap();
            assert!(is_blend(&file), "{n}");
            let picture = thumbnail(&file).unwrap_or_else(|| panic!("{n}")).to_rgba8();
            assert_eq!((picture.width(), picture.height()), (2, 3));
            assert_eq!(picture.get_pixel(0, 0).0[0], 20, "rows are turned round");
        }
    }

    #[test]
    fn no_thumbnail_and_nonsense_give_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.blend");
        for bytes in
            [&b"BLENDER-v402"[..], b"BLENDER", b"", b"BLENDER-v402TEST\xff\xff\xff\xff", b"\x1f\x8bxx"]
        {
            std::fs::write(&file, bytes).unwrap();
            assert!(thumbnail(&file).is_none());
        }
    }
}
