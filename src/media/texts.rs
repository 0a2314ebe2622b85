//! Text and code: shown as it is, never as a page of its own.

use super::{Limits, MediaTrouble};
use crate::domain::media::{Facts, Rejection};
use std::io::Read;
use std::path::Path;

/// Endings of films, sounds and pictures. `ts` is missing: it is a program's as well, and such films are
/// known by their content.
const MEDIA_ENDINGS: [&str; 43] = [
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "mts", "m2ts", "wmv", "flv", "ogv", "mxf",
    "3gp", "mp3", "m4a", "aac", "wav", "flac", "ogg", "oga", "opus", "aif", "aiff", "wma", "caf", "png",
    "jpg", "jpeg", "gif", "webp", "avif", "heic", "tif", "tiff", "bmp", "psd", "exr", "hdr", "ivf", "dv",
    "y4m",
];

/// Whether a file with this ending was meant to be a film, a sound or a picture.
#[must_use]
pub fn promises_media(ending: &str) -> bool {
    ending.is_empty() || MEDIA_ENDINGS.contains(&ending)
}

/// Reads the beginning of a text, as far as it is shown.
///
/// # Errors
/// If it cannot be read.
pub fn beginning(file: &Path, limits: &Limits) -> std::io::Result<(String, bool)> {
    let mut bytes = vec![];
    std::fs::File::open(file)?.take(shown(limits) + 1).read_to_end(&mut bytes)?;
    Ok(decode(bytes, limits))
}

/// How many bytes of a text are shown.
#[must_use]
pub fn shown(limits: &Limits) -> u64 {
    limits.text_kib << 10
}

/// The text of the first bytes of a file, and whether it goes on: one byte more than is [`shown`] says so.
#[must_use]
pub fn decode(mut bytes: Vec<u8>, limits: &Limits) -> (String, bool) {
    let most = shown(limits);
    let more = bytes.len() as u64 > most;
    bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let text = match encoding_rs::Encoding::for_bom(&bytes) {
        Some((encoding, mark)) => encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned(),
        None => match std::str::from_utf8(&bytes) {
            Ok(text) => text.to_owned(),
            // A letter cut in two at the end of what is shown.
            Err(e) if more && bytes.len() - e.valid_up_to() < 4 => {
                String::from_utf8_lossy(&bytes[..e.valid_up_to()]).into_owned()
            }
            Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned(),
        },
    };
    let plain = text.replace("\r\n", "\n").replace('\r', "\n");
    (plain.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect(), more)
}

/// What is known of a text.
///
/// # Errors
/// A rejection if nothing is written in it.
pub fn examine(file: &Path, limits: &Limits) -> Result<Facts, MediaTrouble> {
    let (text, _) = beginning(file, limits)?;
    if text.trim().is_empty() {
        return Err(MediaTrouble::Rejected(Rejection::Empty));
    }
    Ok(Facts { format: "text".into(), frame_rate: (0, 1), ..Facts::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_its_encoding_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text");
        let limits = Limits { text_kib: 1, ..Limits::default() };
        for (bytes, text, more) in [
            (b"a\r\nb\x07".to_vec(), "a\nb".to_owned(), false),
            (b"\xff\xfeh\0i\0".to_vec(), "hi".into(), false),
            (b"Caf\xe9".to_vec(), "Café".into(), false),
            (vec![b'x'; 1024], "x".repeat(1024), false),
            (vec![b'x'; 1025], "x".repeat(1024), true),
            ("xé".repeat(400).into_bytes(), "xé".repeat(341) + "x", true),
        ] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(beginning(&file, &limits).unwrap(), (text, more));
        }
        std::fs::write(&file, b" \n ").unwrap();
        assert!(examine(&file, &limits).is_err());
    }
}
