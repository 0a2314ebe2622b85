//! What a file is, by its first bytes. The ending of its name only tells apart what its content does
//! not: which kind of text it is, and whether unknown content was meant to be a film.

use super::archives::Packing;
use super::models::ModelForm;
use super::{blend, office, raw, texts};
use crate::domain::media::{Kind, Rejection};
use std::io::Read;
use std::path::Path;

/// How many bytes are looked at.
pub const LOOK: usize = 8192;

/// What a file seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A picture.
    Still,
    /// A picture to work with, which ffmpeg reads by the demuxer of this name.
    Painting(&'static str),
    /// The measurements of a camera, with a picture beside them.
    Raw,
    /// Moving pictures or sound; the probe decides.
    Moving,
    /// A picture in HEIF, which libheif decodes; its name in words.
    Heif(&'static str),
    /// A PDF.
    Pdf,
    /// A document of an office program, by its ending.
    Office(&'static str),
    /// Text or code.
    Text,
    /// An archive that can be listed.
    Archive(Packing),
    /// A 3D model.
    Model(ModelForm),
    /// A Blender project.
    Blend,
    /// Nothing that is known here; with its name in words where it has one.
    Other(&'static str),
}

impl Form {
    /// The kinds of works that it may turn out to be.
    #[must_use]
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            // A picture may move.
            Self::Still | Self::Heif(_) => &[Kind::Image, Kind::Video],
            Self::Painting(_) => &[Kind::Image],
            Self::Raw => &[Kind::Image, Kind::Other],
            Self::Moving => &[Kind::Video, Kind::Audio],
            Self::Pdf | Self::Text => &[Kind::Document],
            // Which it is depends on the program that reads it.
            Self::Office(_) => &[Kind::Document, Kind::Other],
            // A Blender project may be packed in the same ways.
            Self::Archive(Packing::TarGz | Packing::TarZst) => &[Kind::Archive, Kind::Other],
            Self::Archive(_) => &[Kind::Archive],
            Self::Model(_) => &[Kind::Model],
            Self::Blend | Self::Other(_) => &[Kind::Other],
        }
    }
}

/// Decides what a stored file is, or refuses it. `ending` is that of its name, in lower case.
///
/// # Errors
/// The rejection with its sentence, or `Rejection::Unreadable` if the file cannot be opened.
pub fn sniff_file(path: &Path, ending: &str) -> Result<Form, Rejection> {
    let mut head = Vec::with_capacity(LOOK);
    let read = std::fs::File::open(path).and_then(|f| {
        let length = f.metadata()?.len();
        f.take(LOOK as u64).read_to_end(&mut head)?;
        Ok(length)
    });
    let length = read.map_err(|_| Rejection::Unreadable { found: "it cannot be opened".into() })?;
    match sniff(&head, length, ending)? {
        // Both are packed in the same ways.
        Form::Archive(Packing::TarGz | Packing::TarZst) if blend::is_blend(path) => Ok(Form::Blend),
        // One file in gzip is no list of files.
        Form::Archive(Packing::TarGz) if !matches!(ending, "tgz" | "gz") => Ok(Form::Other("gzip")),
        form => Ok(form),
    }
}

/// Decides by the first bytes (some kilobytes are enough), the length of the whole and the ending.
///
/// # Errors
/// The rejection with its sentence.
pub fn sniff(head: &[u8], length: u64, ending: &str) -> Result<Form, Rejection> {
    if head.is_empty() {
        return Err(Rejection::Empty);
    }
    if raw::is_raw(head, ending) {
        return Ok(Form::Raw);
    }
    if let Some(form) =
        by_magic(head).or_else(|| rarer_picture(head, ending)).or_else(|| binary_stl(head, length, ending))
    {
        return Ok(form);
    }
    if let Some(found) = refused_magic(head) {
        return Err(Rejection::NotMedia { found: found.to_owned() });
    }
    if let Some(form) = office_file(head, ending).or_else(|| files_and_models(head)) {
        return Ok(form);
    }
    if let Some(text) = as_text(head) {
        return by_text(&text, ending);
    }
    if head.iter().all(|b| *b == 0) {
        return Err(Rejection::Unreadable { found: "it holds only zeros".into() });
    }
    // Longer or shorter than it says: its reader tells which, and takes what is whole.
    if ending == "stl" {
        return Ok(Form::Model(ModelForm::Stl));
    }
    // MPEG audio without tags, raw streams and rarer containers: the probe decides.
    Ok(if texts::promises_media(ending) { Form::Moving } else { Form::Other("") })
}

/// Documents, models and archives by their first bytes.
fn files_and_models(head: &[u8]) -> Option<Form> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let form = match () {
        () if starts(b"%PDF") => Form::Pdf,
        () if starts(b"glTF") => Form::Model(ModelForm::Glb),
        () if starts(b"ply\n") || starts(b"ply\r") => Form::Model(ModelForm::Ply),
        () if starts(b"BLENDER") => Form::Blend,
        () if starts(b"PK\x03\x04") && is_office(head) => Form::Other("office document"),
        () if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") => Form::Archive(Packing::Zip),
        () if head.get(257..262) == Some(b"ustar") => Form::Archive(Packing::Tar),
        () if starts(b"\x1f\x8b") => Form::Archive(Packing::TarGz),
        () if starts(b"\x28\xb5\x2f\xfd") => Form::Archive(Packing::TarZst),
        () if starts(b"7z\xbc\xaf") || starts(b"Rar!") || starts(b"\xfd7zXZ") || starts(b"BZh") => {
            Form::Other("archive")
        }
        () if starts(b"8BPS") => Form::Painting("psd_pipe"),
        () if starts(b"\x76\x2f\x31\x01") => Form::Painting("exr_pipe"),
        () if starts(b"#?RADIANCE") || starts(b"#?RGBE") => Form::Painting("hdr_pipe"),
        () if starts(b"Kaydara FBX") => Form::Other("FBX model"),
        () if starts(b"PXR-USDC") => Form::Other("USD scene"),
        () => return None,
    };
    Some(form)
}

/// Documents of office programs. They are archives or old databases, of which the ending says the rest.
fn office_file(head: &[u8], ending: &str) -> Option<Form> {
    let known = office::ENDINGS.into_iter().find(|e| *e == ending);
    let packed = head.starts_with(b"PK\x03\x04");
    let old = head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    let named =
        head.get(30..).is_some_and(|first| first.starts_with(b"mimetypeapplication/vnd.oasis.opendocument"));
    match known {
        Some(ending) if packed || old => Some(Form::Office(ending)),
        None if packed && named => Some(Form::Office("odt")),
        _ if ending == "rtf" && head.starts_with(b"{\\rtf") => Some(Form::Office("rtf")),
        _ => None,
    }
}

/// The first file in an office document says so.
fn is_office(head: &[u8]) -> bool {
    let first = head.get(30..).unwrap_or_default();
    first.starts_with(b"[Content_Types].xml")
        || first.starts_with(b"_rels/")
        || first.starts_with(b"mimetypeapplication/vnd.oasis")
        || first.starts_with(b"mimetypeapplication/epub")
}

/// A binary STL has no mark, only a length that must fit: 84 bytes and 50 for each triangle.
fn binary_stl(head: &[u8], length: u64, ending: &str) -> Option<Form> {
    let count = u32::from_le_bytes(head.get(80..84)?.try_into().ok()?);
    (ending == "stl" && length == 84 + 50 * u64::from(count)).then_some(Form::Model(ModelForm::Stl))
}

/// Films, sounds and pictures.
fn by_magic(head: &[u8]) -> Option<Form> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    let riff = at(0, b"RIFF") || at(0, b"RF64");
    let form = match () {
        () if at(0, b"\x89PNG\r\n\x1a\n")
            || at(0, b"\xff\xd8\xff")
            || at(0, b"GIF87a")
            || at(0, b"GIF89a") =>
        {
            Form::Still
        }
        () if riff && at(8, b"WEBP") => Form::Still,
        () if at(0, b"II*\0") || at(0, b"MM\0*") => Form::Still,
        () if at(4, b"ftyp") && still_brand(head) => Form::Heif(still_name(head)),
        () if at(4, b"ftyp")
            || at(4, b"moov")
            || at(4, b"mdat")
            || at(4, b"wide")
            || at(4, b"free")
            || at(4, b"skip") =>
        {
            Form::Moving
        }
        () if at(0, b"\x1a\x45\xdf\xa3") => Form::Moving,
        () if riff && at(8, b"AVI ") => Form::Moving,
        () if riff && at(8, b"WAVE") => Form::Moving,
        () if at(0, b"OggS") => Form::Moving,
        () if at(0, b"FLV\x01") || at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11") => Form::Moving,
        () if at(0, b"\0\0\x01\xba") || at(0, b"\0\0\x01\xb3") => Form::Moving,
        () if at(0, b"G") && at(188, b"G") && at(376, b"G") => Form::Moving,
        () if at(0, b"\x06\x0e\x2b\x34") => Form::Moving,
        () if at(0, b"fLaC") || at(0, b"ID3") || at(0, b"caff") => Form::Moving,
        () if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) => Form::Moving,
        () if head.len() > 3
            && head[0] == 0xff
            && head[1] & 0xe0 == 0xe0
            && head[1] & 0x06 != 0
            && !wide_text(head) =>
        {
            Form::Moving
        }
        () => return None,
    };
    Some(form)
}

/// Pictures that ffmpeg decodes in the sandbox, by the name of its demuxer. Where the mark is short, so that a text
/// may begin with it, the ending has to say the same.
fn rarer_picture(head: &[u8], ending: &str) -> Option<Form> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    let called = |endings: &[&str]| endings.contains(&ending);
    let demuxer = match () {
        () if at(0, b"BM") && at(6, &[0; 4]) && bmp_header(head) => "bmp_pipe",
        () if at(0, b"\0\0\0\x0cjP  \r\n\x87\n") || at(0, b"\xff\x4f\xff\x51") => "j2k_pipe",
        () if at(0, b"\0\0\0\x0cJXL \r\n\x87\n") || (at(0, b"\xff\x0a") && called(&["jxl"])) => "jpegxl_pipe",
        () if at(0, b"qoif") && matches!(head.get(12), Some(3 | 4)) => "qoi_pipe",
        () if at(0, b"SDPX") || at(0, b"XPDS") => "dpx_pipe",
        () if at(0, b"DDS \x7c\0\0\0") => "dds_pipe",
        () if at(0, b"\x01\xda") && called(&["sgi", "rgb", "rgba", "bw"]) => "sgi_pipe",
        () if at(0, b"P") && called(&["pbm", "pgm", "ppm", "pnm", "pam"]) => match head.get(1) {
            Some(b'1' | b'4') => "pbm_pipe",
            Some(b'2' | b'5') => "pgm_pipe",
            Some(b'3' | b'6') => "ppm_pipe",
            Some(b'7') => "pam_pipe",
            _ => return None,
        },
        () => return None,
    };
    Some(Form::Painting(demuxer))
}

/// The length of the second header of a BMP, which tells its version.
fn bmp_header(head: &[u8]) -> bool {
    let length = head.get(14..18).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    matches!(length, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Stills inside an ISO container.
fn still_brand(head: &[u8]) -> bool {
    const BRANDS: [&[u8]; 10] =
        [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"];
    head.get(8..12).is_some_and(|brand| BRANDS.contains(&brand))
}

/// What it is, by the first brand or by those that it is compatible with.
fn still_name(head: &[u8]) -> &'static str {
    let length = head.get(..4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes) as usize;
    let brands = head.get(8..length.min(head.len())).unwrap_or_default();
    let avif = brands.chunks(4).any(|brand| matches!(brand, b"avif" | b"avis"));
    if avif { "AVIF picture" } else { "HEIC picture" }
}

fn refused_magic(head: &[u8]) -> Option<&'static str> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    let found = match () {
        () if starts(b"\x7fELF") || starts(b"MZ") => "program",
        () => return None,
    };
    Some(found)
}

/// Whether it is text in UTF-16 that begins with its mark, which is how sound in MPEG may begin too.
fn wide_text(head: &[u8]) -> bool {
    let number: fn([u8; 2]) -> u16 = match head {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return false,
    };
    let units = head[2..].as_chunks::<2>().0.iter().map(|unit| number(*unit));
    let mut read = char::decode_utf16(units).peekable();
    // A character cut at the end of what was read.
    let mut whole = true;
    while let Some(letter) = read.next() {
        whole &= match letter {
            Ok(letter) => is_written(letter),
            Err(_) => read.peek().is_none(),
        };
    }
    whole
}

/// Whether text has this character: no control characters but those of lines, spaces and pages.
fn is_written(letter: char) -> bool {
    !letter.is_control() || matches!(letter, '\n' | '\r' | '\t' | '\x0c')
}

/// The beginning as text, if it is text: UTF-8 or UTF-16 with a mark, without control characters.
fn as_text(head: &[u8]) -> Option<String> {
    if wide_text(head) {
        return Some(head[2..].iter().filter(|b| **b != 0).map(|b| char::from(*b)).collect());
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
    text.chars().all(is_written).then(|| text.to_owned())
}

/// Text by what it says and by the ending of its name.
fn by_text(text: &str, ending: &str) -> Result<Form, Rejection> {
    let begin = text.trim_start();
    let lower: String = begin.chars().take(200).collect::<String>().to_lowercase();
    // Whatever they are called: a list of other files or of streams is never followed, nor kept.
    if lower.starts_with("#extm3u")
        || lower.starts_with("ffconcat")
        || lower.starts_with("[playlist]")
        || lower.starts_with("[reference]")
        || (lower.starts_with("file ") && lower.contains('\''))
        || lower.contains("<mpd")
        || lower.contains("<asx")
        || lower.contains("<smil")
    {
        return Err(Rejection::Playlist);
    }
    if lower.starts_with("v=0") && (lower.contains("\no=") || lower.contains("\r\no=")) {
        return Err(Rejection::StreamDescription);
    }
    // A page that has a drawing in it is code.
    let drawing = lower.starts_with("<svg") || (lower.starts_with("<?xml") && lower.contains("<svg"));
    if drawing || (ending == "svg" && begin.to_lowercase().contains("<svg")) {
        return Ok(Form::Painting("svg_pipe"));
    }
    if texts::promises_media(ending) {
        return Err(Rejection::PlainText);
    }
    Ok(match ending {
        "gltf" if begin.starts_with('{') => Form::Model(ModelForm::Gltf),
        "obj" => Form::Model(ModelForm::Obj),
        "stl" if lower.starts_with("solid") => Form::Model(ModelForm::Stl),
        _ => Form::Text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(head: &[u8], ending: &str) -> Result<Form, Rejection> {
        sniff(head, head.len() as u64, ending)
    }

    #[test]
    fn kinds_are_recognised() {
        assert_eq!(look(b"\x89PNG\r\n\x1a\n....", ""), Ok(Form::Still));
        for moving in
            [&b"\0\0\0\x18ftypisom"[..], b"RIFF\0\0\0\0WAVEfmt ", b"\x1a\x45\xdf\xa3\x01", b"ID3\x04rest"]
        {
            assert_eq!(look(moving, "bin"), Ok(Form::Moving));
        }
        for (head, ending, form) in [
            (&b"%PDF-1.7\n\x80"[..], "mp4", Form::Pdf),
            (b"PK\x03\x04....", "zip", Form::Archive(Packing::Zip)),
            (b"glTF\x02\0\0\0", "", Form::Model(ModelForm::Glb)),
            (b"ply\nformat ascii 1.0\n", "ply", Form::Model(ModelForm::Ply)),
            (b"solid a\nfacet", "stl", Form::Model(ModelForm::Stl)),
            (b"# made by hand\nv 0 0 0\n", "obj", Form::Model(ModelForm::Obj)),
            (b"{\"asset\":{}}", "gltf", Form::Model(ModelForm::Gltf)),
            (b"{\"asset\":{}}", "json", Form::Text),
            (b"fn main() {}\n", "rs", Form::Text),
            (b"fn main() {}\n", "ts", Form::Text),
            (b"<!DOCTYPE html><script>", "html", Form::Text),
            (b"BLENDER-v402", "blend", Form::Blend),
            (b"8BPS\0\x01\0", "psd", Form::Painting("psd_pipe")),
            (b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01", "bmp", Form::Painting("bmp_pipe")),
            (b"BMW and others drive by, all day long.\n", "txt", Form::Text),
            (b"P6\n1 1\n255\n\0\0\0", "ppm", Form::Painting("ppm_pipe")),
            (b"P6\n1 1\n255\n 1 2 3", "txt", Form::Text),
            (b"qoif\0\0\0\x10\0\0\0\x10\x03\0", "", Form::Painting("qoi_pipe")),
            (b"SDPX\0\0\x08\0", "dpx", Form::Painting("dpx_pipe")),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2", Form::Painting("j2k_pipe")),
            (b"<svg xmlns=\"x\">", "", Form::Painting("svg_pipe")),
            (b"<?xml version=\"1.0\"?>\n<svg xmlns=\"x\">", "xml", Form::Painting("svg_pipe")),
            (b"<!-- drawn by hand -->\n<svg>", "svg", Form::Painting("svg_pipe")),
            (b"<!DOCTYPE html><svg>", "html", Form::Text),
            (b"II*\0\x08\0\0\0", "dng", Form::Raw),
            (b"II*\0\x08\0\0\0", "tif", Form::Still),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "heic", Form::Heif("HEIC picture")),
            (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "jpg", Form::Heif("AVIF picture")),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "", Form::Heif("AVIF picture")),
            (b"PK\x03\x04\x14\0\0\0", "docx", Form::Office("docx")),
            (b"PK\x03\x04\x14\0\0\0", "cbz", Form::Archive(Packing::Zip)),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls", Form::Office("xls")),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "msi", Form::Other("")),
            (b"{\\rtf1\\ansi hello}", "rtf", Form::Office("rtf")),
            (b"{\\rtf1\\ansi hello}", "txt", Form::Text),
            (b"\x01\x02\xff\xfe nobody knows", "xyz", Form::Other("")),
        ] {
            assert_eq!(look(head, ending), Ok(form), "{ending}");
        }
        let mut stl = vec![1; 84 + 100];
        stl[80..84].copy_from_slice(&2_u32.to_le_bytes());
        assert_eq!(look(&stl, "stl"), Ok(Form::Model(ModelForm::Stl)));
        assert_eq!(
            look(&stl[..150], "stl"),
            Ok(Form::Model(ModelForm::Stl)),
            "which says that it is cut off"
        );
        assert_eq!(look(&stl[..150], "bin"), Ok(Form::Other("")));
    }

    #[test]
    fn text_of_two_bytes_a_letter_is_no_sound() {
        let wide = |text: &str, of: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(of).collect()
        };
        for of in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(look(&wide("Größe 🎬\r\n", of), "txt"), Ok(Form::Text));
            assert_eq!(look(&wide("Milk.", of), "mp3"), Err(Rejection::PlainText));
            assert_eq!(look(&wide("#EXTM3U\n/etc/passwd\n", of), "mp4"), Err(Rejection::Playlist));
            let cut = wide("Ende 🎬", of);
            assert_eq!(look(&cut[..cut.len() - 2], "txt"), Ok(Form::Text), "in the middle of a letter");
        }
        assert_eq!(look(b"\xff\xfb\x90\x64\0\0\0\0", "mp3"), Ok(Form::Moving));
        assert_eq!(look(b"\xff\xfe\x90\x64\0\0\0\0", "mp1"), Ok(Form::Moving));
    }

    #[test]
    fn what_is_no_media_is_refused_by_name() {
        let cases: [(&[u8], &str, Rejection); 10] = [
            (b"", "txt", Rejection::Empty),
            (b"Dear all,\nsee you.", "mp4", Rejection::PlainText),
            (b"Dear all,\nsee you.", "", Rejection::PlainText),
            (b"Caf\xe9 \xe0 la carte", "mkv", Rejection::PlainText),
            (b"\xef\xbb\xbf#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "txt", Rejection::Playlist),
            (b"ffconcat version 1.0\nfile other.mp4\n", "mp4", Rejection::Playlist),
            (b"file 'other.mp4'\n", "txt", Rejection::Playlist),
            (b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg\">", "xml", Rejection::Playlist),
            (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "sdp", Rejection::StreamDescription),
            (b"\x7fELF\x02\x01", "bin", Rejection::NotMedia { found: "program".into() }),
        ];
        for (head, ending, expected) in cases {
            assert_eq!(look(head, ending), Err(expected));
        }
        assert!(matches!(look(&[0; 100], ""), Err(Rejection::Unreadable { .. })));
    }

    proptest::proptest! {
        #[test]
        fn no_content_makes_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600), ending in "[a-z0-9]{0,5}") {
            let _ = look(&bytes, &ending);
        }
    }
}
