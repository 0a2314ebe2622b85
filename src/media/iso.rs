//! A look into ISO files (MP4, MOV) for what ffprobe does not tell: whether tracks are encrypted.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Largest index that is looked at; larger ones are left to the decoder.
const INDEX_LIMIT: u64 = 64 << 20;

/// Whether the file is an ISO file with an encrypted track (sample entries `encv`, `enca`).
///
/// # Errors
/// If it cannot be read.
pub fn is_encrypted(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut at = 0_u64;
    // A file has few boxes at the top; a million fragments would be an attack.
    for _ in 0..1_000_000 {
        let mut head = [0_u8; 16];
        file.seek(SeekFrom::Start(at))?;
        if file.read_exact(&mut head[..8]).is_err() {
            return Ok(false);
        }
        let mut size = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let mut skip = 8;
        if size == 1 {
            if file.read_exact(&mut head[8..]).is_err() {
                return Ok(false);
            }
            size = u64::from_be_bytes(head[8..].try_into().unwrap_or_default());
            skip = 16;
        } else if size == 0 {
            size = length.saturating_sub(at);
        }
        if size < skip || !head[4..8].iter().all(u8::is_ascii) {
            return Ok(false);
        }
        if &head[4..8] == b"moov" {
            let mut moov = vec![];
            (&mut file).take((size - skip).min(INDEX_LIMIT)).read_to_end(&mut moov)?;
            return Ok(has_encrypted_entry(&moov, 0));
        }
        at = at.saturating_add(size);
    }
    Ok(false)
}

fn has_encrypted_entry(boxes: &[u8], depth: u8) -> bool {
    each(boxes, |kind, body| match kind {
        b"trak" | b"mdia" | b"minf" | b"stbl" => depth < 8 && has_encrypted_entry(body, depth + 1),
        // Behind version, flags and count.
        b"stsd" => {
            body.get(8..).is_some_and(|entries| each(entries, |kind, _| matches!(kind, b"encv" | b"enca")))
        }
        _ => false,
    })
}

fn each(mut rest: &[u8], mut found: impl FnMut(&[u8; 4], &[u8]) -> bool) -> bool {
    while let Some((kind, body, after)) = first(rest) {
        if found(kind, body) {
            return true;
        }
        rest = after;
    }
    false
}

/// The first box: its kind, its content, and what follows it; `None` at the end and where it is cut off.
pub(super) fn first(boxes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (size, rest) = boxes.split_first_chunk::<4>()?;
    let kind = rest.first_chunk::<4>()?;
    let size = match u32::from_be_bytes(*size) as usize {
        0 => boxes.len(),
        size => size,
    };
    Some((kind, boxes.get(8..size)?, boxes.get(size..)?))
}
