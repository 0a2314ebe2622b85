//! Films and sounds.

use super::watch::Canary;
use super::{Case, End, any, case, ffmpeg};
use kinora::domain::media::Kind;
use std::path::Path;

const SMALL: &str = "testsrc2=size=160x90:rate=24:duration=2";
const TONE: &str = "sine=frequency=440:duration=2";
const X264: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];

/// `lavfi` inputs and further words.
fn made(room: &Path, name: &str, inputs: &[&str], words: &[&str]) -> Vec<u8> {
    let mut all = Vec::new();
    for input in inputs {
        all.extend(["-f", "lavfi", "-i", input]);
    }
    all.extend(words);
    ffmpeg(room, name, &all)
}

fn position(bytes: &[u8], what: &[u8]) -> usize {
    memchr::memmem::find(bytes, what).unwrap_or_else(|| panic!("no {:?}", String::from_utf8_lossy(what)))
}

/// A copy with some bytes changed.
fn patched(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

fn noise(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

pub fn cases(room: &Path, canary: &Canary) -> Vec<Case> {
    let good = made(room, "good.mp4", &[SMALL, TONE], &[&X264[..], &["-c:a", "aac", "-shortest"]].concat());
    let mut all = lists_and_texts(canary);
    all.extend(broken(room, &good));
    all.extend(beyond_limits(room, &good));
    all.extend(odd_but_good(room, &good));
    all
}

/// What pretends to be a film and names other files.
fn lists_and_texts(canary: &Canary) -> Vec<Case> {
    let (secret, url) = (canary.file.display().to_string(), &canary.url);
    let playlist = || End::Rejected("a playlist that refers to other files");
    vec![
        case("empty", "a.mp4", b"", End::Rejected("The file is empty")),
        case("zeros", "a.mp4", vec![0; 4096], End::Rejected("holds only zeros")),
        case("text as a film", "a.mp4", b"Milk.\nBread.\n", End::Rejected("plain text")),
        case("Latin-1 text as a film", "a.mkv", b"Caf\xe9 \xe0 la carte\n", End::Rejected("plain text")),
        case("page as a film", "a.mp4", b"<!doctype html><script>1</script>", End::Rejected("plain text")),
        case(
            "HLS as a film",
            "a.mp4",
            format!("#EXTM3U\n#EXTINF:5,\nfile://{secret}\n#EXTINF:5,\n{url}/1.ts\n#EXT-X-ENDLIST\n"),
            playlist(),
        ),
        case("HLS with a mark", "a.txt", format!("\u{feff}#EXTM3U\n{url}/1.ts\n"), playlist()),
        case("list to join", "a.mp4", format!("ffconcat version 1.0\nfile '{secret}'\n"), playlist()),
        case("list of files", "a.txt", format!("file '{secret}'\n"), playlist()),
        case(
            "DASH",
            "a.xml",
            format!("<?xml version=\"1.0\"?><MPD><BaseURL>{url}/</BaseURL></MPD>"),
            playlist(),
        ),
        case("PLS", "a.mp3", format!("[playlist]\nFile1={url}/a.mp3\n"), playlist()),
        case(
            "SDP",
            "a.mp4",
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 9 RTP/AVP 96\r\n",
            End::Rejected("network stream"),
        ),
        case("program", "a.mp4", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", End::Rejected("(program)")),
        case(
            "drawing with entities",
            "a.svg",
            format!(
                "<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\"><!ENTITY x SYSTEM \"file://{secret}\">]><svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"{url}/x.png\"/><text>&b;&x;</text></svg>"
            ),
            End::Rejected("cannot be read"),
        ),
        case(
            "drawing that asks elsewhere",
            "a.svg",
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:x=\"http://www.w3.org/1999/xlink\" xmlns:xi=\"http://www.w3.org/2001/XInclude\" width=\"90\" height=\"60\"><style>@import url({url}/a.css);</style><script href=\"{url}/a.js\">fetch('{url}')</script><image x:href=\"{url}/x.png\" width=\"9\" height=\"9\"/><image x:href=\"file://{secret}\" width=\"9\" height=\"9\"/><text y=\"20\"><xi:include href=\"file://{secret}\" parse=\"text\"/></text><use x:href=\"file://{secret}#a\"/><rect width=\"9\" height=\"9\" fill=\"url({url}/#a)\"/></svg>"
            ),
            End::Ready(Kind::Image, |w| {
                w.facts.format == "svg" && w.facts.width == 1920 && w.original_name().is_none()
            }),
        ),
        case(
            "drawing that says it is huge",
            "a.svg",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9000000\" height=\"9000000\"><rect width=\"9\" height=\"9\"/></svg>",
            End::Ready(Kind::Image, |w| w.facts.width <= 1920),
        ),
        case(
            "drawing, cut off",
            "a.svg",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\"><rect width",
            End::Rejected("cannot be read"),
        ),
    ]
}

fn broken(room: &Path, good: &[u8]) -> Vec<Case> {
    let moov = position(good, b"moov");
    let key = "00112233445566778899aabbccddeeff";
    std::fs::write(room.join("in.mp4"), good).expect("written");
    let input = room.join("in.mp4");
    let input = input.to_str().expect("text");
    let copy = ["-i", input, "-c", "copy"];
    let cenc = ["-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key, "-encryption_kid", key];
    let cenc = ffmpeg(room, "cenc.mp4", &[&copy[..], &cenc].concat());
    let fast = ffmpeg(room, "fast.mp4", &[&copy[..], &["-movflags", "+faststart"]].concat());
    let avi = ffmpeg(room, "a.avi", &["-i", input, "-c:v", "mpeg4", "-c:a", "mp2"]);
    let flipped: Vec<u8> =
        avi.iter().enumerate().map(|(n, b)| if n > 12_000 && n % 701 == 0 { b ^ 0x5a } else { *b }).collect();
    let wav = made(room, "a.wav", &[TONE], &[]);
    // The table of sizes says that it has four thousand million entries.
    let endless = patched(good, position(good, b"stsz") + 12, &0xffff_fff0_u32.to_be_bytes());
    let mkv = ffmpeg(room, "a.mkv", &copy);
    let evil = room.join("evil.srt");
    let text =
        "1\n00:00:00,100 --> 00:00:00,900\n<script>alert(1)</script><img src=x onerror=alert(1)> {\\p1}\n";
    std::fs::write(&evil, text).expect("written");
    let words =
        ["-map", "0", "-map", "1", "-c", "copy", "-c:s", "srt", "-metadata:s:s:0", "language=../../etc"];
    let spoken = ffmpeg(
        room,
        "spoken.mkv",
        &[&["-i", input, "-i", evil.to_str().expect("text")][..], &words].concat(),
    );
    vec![
        case("no index", "a.mp4", &good[..moov - 100], End::Rejected("its index is missing")),
        case("encrypted", "a.mp4", cenc, End::Rejected("encrypted")),
        case("noise", "a.mp4", noise(50_000), End::Rejected("cannot be read")),
        case("head alone", "a.mp4", &good[..40], End::Rejected("its index is missing")),
        case("Matroska, cut in its head", "a.mkv", &mkv[..60], End::Rejected("cannot be read")),
        case("endless table", "a.mp4", endless, End::Rejected("cannot be read")),
        case(
            "tail cut off",
            "a.mp4",
            &fast[..fast.len() * 2 / 3],
            End::Ready(Kind::Video, |w| w.frames > 10),
        ),
        case(
            "Matroska, tail cut off",
            "a.mkv",
            &mkv[..mkv.len() * 2 / 3],
            End::Ready(Kind::Video, |w| w.frames > 10),
        ),
        case(
            "subtitles with scripts and a path for a language",
            "a.mkv",
            spoken,
            End::Ready(Kind::Video, |w| w.captions.len() == 1 && w.captions[0].track() == "und"),
        ),
        case("flipped bits", "a.avi", flipped, End::Ready(Kind::Video, |w| w.frames > 10)),
        case(
            "sound that says it is longer",
            "a.wav",
            patched(&wav, position(&wav, b"data") + 4, &0xffff_ff00_u32.to_le_bytes()),
            End::Ready(Kind::Audio, |w| (1500..2600).contains(&w.duration_ms)),
        ),
    ]
}

fn beyond_limits(room: &Path, good: &[u8]) -> Vec<Case> {
    let ffv1 = ["-c:v", "ffv1", "-frames:v", "1"];
    let gap = |hours: &str| {
        let times = format!("setpts=N*{hours}*3600/TB");
        let words = ["-vf", &times, "-fps_mode", "passthrough", "-c:v", "libx264"].map(str::to_owned);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        made(room, "gap.mkv", &["testsrc2=size=64x64:rate=1:duration=2"], &words)
    };
    let mkv = made(room, "long.mkv", &[SMALL], &X264);
    // The head says how long the film is, as a number of eight bytes.
    let duration = position(&mkv, b"\x44\x89\x88") + 3;
    let mut many = vec!["-f", "lavfi", "-i", TONE];
    many.extend(["-map", "0:a"].repeat(40));
    many.extend(["-c:a", "pcm_u8"]);
    // Presentation times that run to the end of what 33 bits hold and begin anew.
    let wrapped = made(
        room,
        "wrap.ts",
        &[SMALL],
        &[&X264[..], &["-output_ts_offset", "95443", "-muxdelay", "0"]].concat(),
    );
    let matrix = position(good, b"tkhd") + 80;
    vec![
        case(
            "wide",
            "a.mkv",
            made(room, "wide.mkv", &["color=size=17000x16"], &ffv1),
            End::Rejected("megapixels are allowed"),
        ),
        case(
            "large",
            "a.mkv",
            made(room, "large.mkv", &["color=size=8000x6000"], &ffv1),
            End::Rejected("megapixels are allowed"),
        ),
        case(
            "says it is huge",
            "a.mp4",
            patched(good, matrix, &[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]),
            End::Ready(Kind::Video, |w| w.facts.width <= 16_384),
        ),
        case("twenty hours between two frames", "a.mkv", gap("20"), End::Rejected("minutes are allowed")),
        case("three hours between two frames", "a.mkv", gap("3"), End::Rejected("do not add up")),
        case(
            "endless by its head",
            "a.mkv",
            patched(&mkv, duration, &1e300_f64.to_be_bytes()),
            End::Rejected("it has no length"),
        ),
        case(
            "a length that is no number",
            "a.mkv",
            patched(&mkv, duration, &f64::NAN.to_be_bytes()),
            End::Rejected("it has no length"),
        ),
        case(
            "times that begin anew",
            "a.ts",
            wrapped,
            End::Ready(Kind::Video, |w| (40..=60).contains(&w.frames)),
        ),
        case("forty streams", "a.mkv", ffmpeg(room, "many.mkv", &many), End::Rejected("streams; at most 32")),
        case(
            "a thousand frames a second",
            "a.mp4",
            made(room, "quick.mp4", &["color=size=32x32:rate=1000:duration=1"], &X264),
            End::Rejected("frames a second; at most"),
        ),
    ]
}

fn odd_but_good(room: &Path, good: &[u8]) -> Vec<Case> {
    std::fs::write(room.join("in.mp4"), good).expect("written");
    let input = room.join("in.mp4");
    let input = input.to_str().expect("text");
    let film = |good: fn(&kinora::projections::media::Work) -> bool| End::Ready(Kind::Video, good);
    let turned = ffmpeg(room, "turned.mp4", &["-i", input, "-c", "copy", "-metadata:s:v", "rotate=90"]);
    let odd = made(room, "odd.mkv", &["testsrc=size=161x91:rate=24000/1001:duration=2"], &["-c:v", "ffv1"]);
    let full = made(room, "444.mkv", &[SMALL], &["-c:v", "libx264", "-pix_fmt", "yuv444p"]);
    let words = [
        "-c:v",
        "libx264",
        "-pix_fmt",
        "yuv420p10le",
        "-color_primaries",
        "bt2020",
        "-color_trc",
        "smpte2084",
        "-colorspace",
        "bt2020nc",
    ];
    let hdr = made(room, "hdr.mkv", &[SMALL], &words);
    let uneven = "setpts='if(lt(N,24),N/24,1+(N-24)/6)/TB'";
    let uneven =
        made(room, "vfr.mkv", &[SMALL], &[&["-vf", uneven, "-fps_mode", "passthrough"], &X264[..]].concat());
    let mut two = made(room, "one.ts", &[SMALL], &X264);
    two.extend(made(
        room,
        "two.ts",
        &["testsrc2=size=320x240:rate=24:duration=2"],
        &[&X264[..], &["-output_ts_offset", "2"]].concat(),
    ));
    let cover = made(
        room,
        "cover.mp3",
        &[TONE, "testsrc2=size=300x300:rate=1:duration=1"],
        &[
            "-map",
            "0:a",
            "-map",
            "1:v",
            "-frames:v",
            "1",
            "-c:v",
            "mjpeg",
            "-disposition:v",
            "attached_pic",
            "-c:a",
            "libmp3lame",
        ],
    );
    std::fs::write(room.join("l1.srt"), b"1\n00:00:00,100 --> 00:00:01,000\nGr\xfc\xdfe\n").expect("written");
    let captions = room.join("l1.srt");
    let captioned = ffmpeg(
        room,
        "l1.mkv",
        &[
            "-i",
            input,
            "-sub_charenc",
            "latin1",
            "-i",
            captions.to_str().expect("text"),
            "-c",
            "copy",
            "-c:s",
            "srt",
        ],
    );
    let latin = {
        let mut bytes = captioned.clone();
        let at = position(&bytes, "Grüße".as_bytes());
        bytes.splice(at..at + 7, *b"Gr\xfc\xdfe  ");
        bytes
    };
    let long = "x".repeat(60_000);
    let title = format!("title=\u{202e}\"><script>alert(1)</script>{long}");
    let described = ffmpeg(
        room,
        "meta.mp4",
        &[
            "-i",
            input,
            "-c",
            "copy",
            "-metadata",
            &title,
            "-metadata",
            "location=+52.37+004.89/",
            "-movflags",
            "use_metadata_tags",
        ],
    );
    vec![
        case("good", "a.mp4", good, film(|w| w.frames == 48)),
        case("good under another name", "a.txt", good, film(any)),
        case("turned", "a.mp4", turned, film(|w| w.facts.height > w.facts.width)),
        case("odd sizes and a fraction of a rate", "a.mkv", odd, film(|w| w.frames > 40)),
        case("4:4:4", "a.mkv", full, film(|w| w.frames == 48)),
        case("HDR", "a.mkv", hdr, film(|w| w.frames == 48)),
        case("uneven times", "a.mkv", uneven, film(|w| (4500..5600).contains(&w.duration_ms))),
        case("another size in the middle", "a.ts", two, film(|w| w.frames > 60)),
        case("sound with a cover", "a.mp3", cover, End::Ready(Kind::Audio, |w| w.duration_ms > 1500)),
        case("captions in Latin-1", "a.mkv", latin, film(|w| (46..=50).contains(&w.frames))),
        case("odd metadata", "a.mp4", described, film(|w| w.title == "odd metadata")),
    ]
}
