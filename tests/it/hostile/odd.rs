//! Files that are two things at once, say less or more than they hold, or bring something along.

use super::others::{pdf, png, squeezed, zipped};
use super::{Case, End, any, case, ffmpeg};
use kinora::domain::media::Kind;
use std::path::Path;

pub fn cases(room: &Path) -> Vec<Case> {
    let mut all = sounds(room);
    all.extend(sizes());
    all.extend(two_at_once(room));
    all.extend(nested());
    all.extend(names());
    all
}

fn document() -> End {
    End::Ready(Kind::Document, any)
}

/// A head of ID3 with these pictures in it, before the sound.
fn with_pictures(sound: &[u8], pictures: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut body = vec![];
    for (kind, bytes) in pictures {
        let picture = [b"\0", kind.as_bytes(), b"\0\x03\0", bytes].concat();
        body.extend(b"APIC");
        body.extend(u32::try_from(picture.len()).expect("small").to_be_bytes());
        body.extend([0, 0]);
        body.extend(picture);
    }
    let length = u32::try_from(body.len()).expect("small");
    let seven = |shift: u32| (length >> shift & 0x7f) as u8;
    let head = [b'I', b'D', b'3', 3, 0, 0, seven(21), seven(14), seven(7), seven(0)];
    [&head, &body[..], sound].concat()
}

fn sounds(room: &Path) -> Vec<Case> {
    let tone = ["-f", "lavfi", "-i", "sine=440:duration=2", "-id3v2_version", "0", "-write_xing", "0"];
    let sound = ffmpeg(room, "tone.mp3", &tone);
    let square = png(120, 80, b"", &squeezed(121 * 80));
    let cover = |kind, bytes: &[u8]| with_pictures(&sound, &[(kind, bytes.to_vec())]);
    let many = vec![("image/png", png(9, 9, b"", &squeezed(90))); 60];
    let shown = cover("image/png", &square);
    let cut = cover("image/png", &[&square[..], &vec![0; sound.len() * 4]].concat());
    let wav = [
        b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x80\xbb\0\0\0\xee\x02\0\x04\0\x10\0data",
        &[0; 4][..],
    ];
    vec![
        case(
            "sound with a cover that is shown",
            "a.mp3",
            shown,
            End::Ready(Kind::Audio, |w| w.poster.as_ref().is_some_and(|p| (p.width, p.height) == (120, 80))),
        ),
        case(
            "cover that says it is huge",
            "a.mp3",
            cover("image/png", &png(30_000, 30_000, b"", &squeezed(64))),
            // Its spectrogram stands for it.
            End::Ready(Kind::Audio, |w| {
                w.poster.as_ref().is_some_and(|p| (p.width, p.height) == (1280, 720))
            }),
        ),
        case("sixty covers", "a.mp3", with_pictures(&sound, &many), End::Rejected("streams; at most 32")),
        case("sound, cut off in its cover", "a.mp3", &cut[..cut.len() / 2], End::Rejected("cut off")),
        case("sound of no length", "a.wav", wav.concat(), End::Rejected("there is no sound in it")),
    ]
}

/// Heads that name more pixels than there could be.
fn sizes() -> Vec<Case> {
    let huge = || End::Rejected("megapixels are allowed");
    let mut bmp = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend([100_000_u32.to_le_bytes(), 100_000_u32.to_le_bytes()].concat());
    bmp.extend([1, 0, 24, 0]);
    bmp.extend([0; 124]);
    let mut qoi = b"qoif".to_vec();
    qoi.extend([400_000_u32.to_be_bytes(), 400_000_u32.to_be_bytes()].concat());
    qoi.extend([4, 0]);
    qoi.extend([0xfe; 50]);
    let dds = |side: u32, packed: &[u8; 4]| {
        let words = |all: &[u32]| all.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let mut out = b"DDS ".to_vec();
        out.extend(words(&[124, 0x8_1007, side, side, 4096, 0, 0]));
        out.extend([0; 44]);
        out.extend(words(&[32, 4]));
        out.extend(packed);
        out.extend(words(&[0, 0, 0, 0, 0, 0x1000, 0, 0, 0, 0]));
        // BC7, where the longer head is read.
        out.extend(words(&[98, 3, 0, 1, 0]));
        out.extend([0x55; 4096]);
        out
    };
    let ppm = b"P6\n999999 999999\n255\n some pixels".to_vec();
    vec![
        case("BMP that says it is huge", "a.bmp", bmp, huge()),
        case("QOI that says it is huge", "a.qoi", qoi, huge()),
        case("PPM that says it is huge", "a.ppm", ppm, huge()),
        case("texture that says it is huge", "a.dds", dds(60_000, b"DXT1"), huge()),
        case("texture packed too well", "a.dds", dds(64, b"DX10"), End::Rejected("Export it as PNG or JPEG")),
        case(
            "JPEG XL of nothing",
            "a.jxl",
            [&[0xff, 0x0a], &[0xff; 300][..]].concat(),
            End::Rejected("the picture is"),
        ),
        case(
            "triangles without end",
            "a.stl",
            [vec![0; 80], vec![0xff; 4], vec![1; 50]].concat(),
            End::Rejected("no whole STL"),
        ),
    ]
}

fn two_at_once(room: &Path) -> Vec<Case> {
    let archive = zipped(&[("a.txt", 10)]);
    let jpeg = ffmpeg(room, "red.jpg", &["-f", "lavfi", "-i", "color=c=red:size=64x48", "-frames:v", "1"]);
    let moves = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=64x36:rate=10:duration=1",
        "-c:v",
        "libaom-av1",
        "-cpu-used",
        "8",
        "-f",
        "avif",
    ];
    let avif = ffmpeg(room, "moves.avif", &moves);
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let calls = "/OpenAction << /S /JavaScript /JS (app.launchURL\\('http://127.0.0.1:9/'\\)) >>";
    let script = pdf("1", "[0 0 200 200]", calls, &squeezed(9));
    vec![
        case(
            "picture and archive",
            "a.zip",
            [jpeg.clone(), archive.clone()].concat(),
            End::Ready(Kind::Image, |w| w.facts.width == 64),
        ),
        case("page and archive", "a.pdf", [script.clone(), archive].concat(), document()),
        case("page with a script", "a.pdf", script, document()),
        case(
            "GIF and script",
            "a.gif",
            b"GIF89a/*\0\0\0\0\0*/=1;alert(1)".as_slice(),
            End::Rejected("cannot be read"),
        ),
        case(
            "film and page",
            "a.html",
            b"\0\0\0\x1cftypisom<html><script>alert(1)</script>".as_slice(),
            End::Rejected("its index is missing"),
        ),
        case("program and picture", "a.jpg", [b"MZ\0\0".to_vec(), jpeg].concat(), End::Rejected("(program)")),
        case(
            "picture that moves, in AVIF",
            "a.avif",
            avif,
            End::Ready(Kind::Video, |w| w.facts.repeats && w.frames >= 10),
        ),
        case("text of two bytes a letter", "a.txt", wide("\u{feff}Größe\r\n"), document()),
        case(
            "playlist of two bytes a letter",
            "a.mp3",
            wide("\u{feff}#EXTM3U\n/etc/passwd\n"),
            End::Rejected("is a playlist"),
        ),
    ]
}

/// What lies in itself again and again.
fn nested() -> Vec<Case> {
    let deep = |open: &str, close: &str, times| [open.repeat(times), close.repeat(times)].concat();
    let svg = |inside: &str| {
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\">{inside}</svg>")
    };
    vec![
        case("drawing within itself", "a.svg", svg(&deep("<g>", "</g>", 60_000)), End::Rejected("cannot be read")),
        case("glTF within itself", "a.gltf", format!("{{\"asset\":{}}}", deep("[", "]", 100_000)), End::Rejected("no whole glTF")),
        case("brackets without end", "a.json", "[".repeat(500_000), document()),
        case("PDF without pages", "a.pdf", b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Type /Pages /Kids [] /Count 0 >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n".as_slice(), End::Rejected("document cannot be read")),
    ]
}

/// Names that try to lead elsewhere or to look like others.
fn names() -> Vec<Case> {
    let entries = [
        "a\u{202e}gnp.exe",
        "\u{1b}[31mred",
        "..\\..\\x",
        "<script>alert(1)</script>.txt",
        "//host/share",
        "/dev/sda",
    ];
    let packed: Vec<(&str, usize)> = entries.iter().map(|name| (*name, 0)).collect();
    let mut out = tar::Builder::new(vec![]);
    for (name, kind) in [
        ("fifo", tar::EntryType::Fifo),
        ("disk", tar::EntryType::Block),
        ("link", tar::EntryType::Symlink),
        ("file", tar::EntryType::Regular),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_path(name).expect("a name");
        if kind.is_symlink() {
            header.set_link_name("/etc/passwd").expect("a name");
        }
        header.set_cksum();
        out.append(&header, &b""[..]).expect("written");
    }
    let devices = out.into_inner().expect("written");
    vec![
        case(
            "ZIP of names that deceive",
            "a.zip",
            zipped(&packed),
            End::Ready(Kind::Archive, |w| w.facts.entries == 6),
        ),
        case("tar of devices", "a.tar", devices, End::Ready(Kind::Archive, |w| w.facts.entries == 1)),
    ]
}
