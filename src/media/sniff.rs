//! What a file is, by its first bytes; its name says nothing.

use crate::domain::media::{Kind, Rejection};
use std::io::Read;
use std::path::Path;

/// How many bytes are looked at.
const LOOK: usize = 8192;

/// Decides the kind of a stored file, or refuses it.
///
/// # Errors
/// The rejection with its sentence, or `Rejection::Unreadable` if the file cannot be opened.
pub fn sniff_file(path: &Path) -> Result<Kind, Rejection> {
    let mut head = Vec::with_capacity(LOOK);
    std::fs::File::open(path)
        .and_then(|f| f.take(LOOK as u64).read_to_end(&mut head))
        .map_err(|_| Rejection::Unreadable { found: "it cannot be opened".into() })?;
    sniff(&head)
}

/// Decides by the first bytes (some kilobytes are enough).
///
/// # Errors
/// The rejection with its sentence.
pub fn sniff(head: &[u8]) -> Result<Kind, Rejection> {
    if head.is_empty() {
        return Err(Rejection::Empty);
    }
    if let Some(kind) = by_magic(head) {
        return Ok(kind);
    }
    if let Some(found) = refused_magic(head) {
        return Err(Rejection::NotMedia { found: found.to_owned() });
    }
    if let Some(text) = as_text(head) {
        return Err(text_rejection(&text));
    }
    if head.iter().all(|b| *b == 0) {
        return Err(Rejection::Unreadable { found: "it holds only zeros".into() });
    }
    // MPEG audio without tags, raw streams and rarer containers: the probe decides.
    Ok(Kind::Video)
}

fn by_magic(head: &[u8]) -> Option<Kind> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    let riff = at(0, b"RIFF") || at(0, b"RF64");
    let kind = match () {
        () if at(0, b"\x89PNG\r\n\x1a\n")
            || at(0, b"\xff\xd8\xff")
            || at(0, b"GIF87a")
            || at(0, b"GIF89a") =>
        {
            Kind::Image
        }
        () if riff && at(8, b"WEBP") => Kind::Image,
        () if at(0, b"II*\0") || at(0, b"MM\0*") => Kind::Image,
        () if at(4, b"ftyp") && still_brand(head) => return None,
        () if at(4, b"ftyp")
            || at(4, b"moov")
            || at(4, b"mdat")
            || at(4, b"wide")
            || at(4, b"free")
            || at(4, b"skip") =>
        {
            Kind::Video
        }
        () if at(0, b"\x1a\x45\xdf\xa3") => Kind::Video,
        () if riff && at(8, b"AVI ") => Kind::Video,
        () if riff && at(8, b"WAVE") => Kind::Audio,
        () if at(0, b"OggS") => Kind::Video,
        () if at(0, b"FLV\x01") || at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11") => Kind::Video,
        () if at(0, b"\0\0\x01\xba") || at(0, b"\0\0\x01\xb3") => Kind::Video,
        () if at(0, b"G") && at(188, b"G") && at(376, b"G") => Kind::Video,
        () if at(0, b"\x06\x0e\x2b\x34") => Kind::Video,
        () if at(0, b"fLaC") || at(0, b"ID3") || at(0, b"caff") => Kind::Audio,
        () if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) => Kind::Audio,
        () if head.len() > 3 && head[0] == 0xff && head[1] & 0xe0 == 0xe0 && head[1] & 0x06 != 0 => {
            Kind::Audio
        }
        () => return None,
    };
    Some(kind)
}

/// Stills inside an ISO container; they are refused by name until a decoder for them is here.
fn still_brand(head: &[u8]) -> bool {
    matches!(head.get(8..12), Some(b"heic" | b"heix" | b"mif1" | b"msf1" | b"avif" | b"avis"))
}

fn refused_magic(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let found = match () {
        () if still_brand(head) => "HEIC or AVIF picture; save it as JPEG or PNG",
        () if starts(b"%PDF") => "PDF document",
        () if starts(b"PK\x03\x04") => "ZIP archive or office document",
        () if starts(b"\x1f\x8b") || starts(b"7z\xbc\xaf") || starts(b"Rar!") || starts(b"\xfd7zXZ") => {
            "archive"
        }
        () if starts(b"\x7fELF") || starts(b"MZ") => "program",
        () if starts(b"8BPS") => "Photoshop document",
        () if starts(b"BLENDER") => "Blender project",
        () if starts(b"glTF") => "3D model",
        () if starts(b"BM") && head.len() > 14 => "BMP picture; save it as PNG",
        () => return None,
    };
    Some(found)
}

/// The beginning as text, if it is text: UTF-8 or UTF-16 with a mark, without control characters.
fn as_text(head: &[u8]) -> Option<String> {
    if let Some(rest) = head.strip_prefix(b"\xff\xfe").or_else(|| head.strip_prefix(b"\xfe\xff")) {
        return Some(rest.iter().filter(|b| **b != 0).map(|b| char::from(*b)).collect());
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character cut at the end of what was read.
        Err(e) if head.len() - e.valid_up_to() < 4 => std::str::from_utf8(&head[..e.valid_up_to()]).ok()?,
        Err(_) if head.iter().all(|b| *b >= 0x20 || matches!(b, 9 | 10 | 13)) => {
            return Some(head.iter().map(|b| char::from(*b)).collect());
        }
        Err(_) => return None,
    };
    let is_text = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\x0c'));
    is_text.then(|| text.to_owned())
}

fn text_rejection(text: &str) -> Rejection {
    let begin = text.trim_start();
    let lower: String = begin.chars().take(200).collect::<String>().to_lowercase();
    if lower.starts_with("#extm3u")
        || lower.starts_with("ffconcat")
        || lower.starts_with("[playlist]")
        || lower.starts_with("[reference]")
        || (lower.starts_with("file ") && lower.contains('\''))
        || lower.contains("<mpd")
        || lower.contains("<asx")
        || lower.contains("<smil")
    {
        Rejection::Playlist
    } else if lower.starts_with("v=0") && (lower.contains("\no=") || lower.contains("\r\no=")) {
        Rejection::StreamDescription
    } else if lower.contains("<svg") {
        Rejection::NotMedia { found: "SVG drawing; export it as PNG".into() }
    } else if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        Rejection::NotMedia { found: "web page".into() }
    } else {
        Rejection::PlainText
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_recognised() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n...."), Ok(Kind::Image));
        assert_eq!(sniff(b"\0\0\0\x18ftypisom"), Ok(Kind::Video));
        assert_eq!(sniff(b"RIFF\0\0\0\0WAVEfmt "), Ok(Kind::Audio));
        assert_eq!(sniff(b"\x1a\x45\xdf\xa3\x01"), Ok(Kind::Video));
        assert_eq!(sniff(b"ID3\x04rest"), Ok(Kind::Audio));
    }

    #[test]
    fn what_is_no_media_is_refused_by_name() {
        let cases: [(&[u8], Rejection); 9] = [
            (b"", Rejection::Empty),
            (b"Dear all,\nsee you.", Rejection::PlainText),
            (b"Caf\xe9 \xe0 la carte", Rejection::PlainText),
            (b"\xef\xbb\xbf#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", Rejection::Playlist),
            (b"ffconcat version 1.0\nfile other.mp4\n", Rejection::Playlist),
            (b"file 'other.mp4'\n", Rejection::Playlist),
            (b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg\">", Rejection::Playlist),
            (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", Rejection::StreamDescription),
            (b"%PDF-1.7\n\x80", Rejection::NotMedia { found: "PDF document".into() }),
        ];
        for (head, expected) in cases {
            assert_eq!(sniff(head), Err(expected));
        }
        assert!(matches!(sniff(&[0; 100]), Err(Rejection::Unreadable { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_content_makes_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            let _ = sniff(&bytes);
        }
    }
}
