//! The room as a whole, with the real ffmpeg: hostile files refused, good ones made playable.

use super::av1::{Coder, EncodeSettings, encode_segment};
use super::fmp4::{av1_fragment, fragment_facts};
use super::mezzanine::{self, mezzanine_name};
use super::normalise::{NormalisePlan, Normalised, Places, normalise};
use super::package::{av1_folder, package_av1, segment_name, write_download, write_master};
use super::probe::probe;
use super::sandbox::{Cancel, Sandbox};
use super::store::write_atomically;
use super::testing::{clip, ffmpeg, ffprobe};
use super::{Limits, MediaTrouble, pictures, poster, smaller, sniff};
use crate::domain::media::{Kind, Rejection};
use std::fs;
use std::path::{Path, PathBuf};

pub(super) struct Bench {
    folder: tempfile::TempDir,
    pub(super) sandbox: Sandbox,
    pub(super) limits: Limits,
    loudness: i8,
    pub(super) coder: Coder,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            sandbox: Sandbox::detect(),
            limits: Limits::default(),
            loudness: 0,
            coder: Coder::default(),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Sniff and probe as the pipeline does.
    pub(super) fn examine(&self, file: &Path) -> Result<super::probe::Probed, Rejection> {
        sniff::sniff_file(file, "mp4")?;
        match probe(&self.sandbox, &self.limits, file, &Cancel::default()) {
            Ok(probed) => Ok(probed),
            Err(MediaTrouble::Rejected(r)) => Err(r),
            Err(e) => panic!("{e}"),
        }
    }

    pub(super) fn normalise(&self, file: &Path, h264: &[u32], av1: &[u32]) -> Normalised {
        let probed = self.examine(file).unwrap();
        let (public, mezzanine, scratch) = (self.path("public"), self.path("mezzanine"), self.path("pass"));
        for folder in [&public, &mezzanine, &scratch] {
            let _ = fs::remove_dir_all(folder);
            fs::create_dir_all(folder).unwrap();
        }
        let plan = NormalisePlan { h264: h264.to_vec(), av1: av1.to_vec(), loudness: self.loudness };
        let mut seen = vec![];
        let kit = (&self.sandbox, &self.limits, &Cancel::default());
        let places = Places { public: &public, scratch: &scratch };
        let made = normalise(kit, file, &probed, &plan, places, |done, of| seen.push((done, of))).unwrap();
        assert!(seen.iter().all(|(done, of)| done <= of) && !seen.is_empty());
        if !made.av1.is_empty() {
            let mut last = 0;
            mezzanine::make(kit, file, &probed, &made, &mezzanine, |done| last = done).unwrap();
            assert_eq!(last, made.frames());
        }
        made
    }

    /// Encodes every segment of a rung; the last first, to show that the order does not matter.
    pub(super) fn encode(&self, made: &Normalised, rung: usize) {
        let rung = made.av1[rung];
        for number in (0..made.segments.len()).rev() {
            let settings = EncodeSettings {
                size: rung.size,
                rate: made.rate,
                colour: made.colour.clone(),
                speed: 10,
                quantizer: 140,
                group: 144,
                coder: self.coder,
            };
            let mezzanine = self.path("mezzanine").join(mezzanine_name(number));
            let segment = encode_segment(
                &self.sandbox,
                &self.limits,
                &mezzanine,
                &settings,
                &Cancel::default(),
                |_| {},
            )
            .unwrap();
            assert_eq!(segment.units.len() as u64, made.segments[number]);
            assert!(segment.units[0].1, "a segment begins with a key frame");
            let number32 = u32::try_from(number).unwrap();
            let bytes = av1_fragment(&segment, made.rate, number32, made.first_frame(number)).unwrap();
            let facts = fragment_facts(&bytes).unwrap();
            assert_eq!(
                (facts.frames, facts.begin),
                (made.segments[number], made.first_frame(number) * u64::from(made.rate.1))
            );
            write_atomically(&self.path("public").join(av1_folder(&rung)).join(segment_name(number)), &bytes)
                .unwrap();
        }
    }
}

fn playlist_facts(path: &Path) -> (u64, f64) {
    let path = path.to_str().unwrap();
    let count = ffprobe(&[
        "-count_frames",
        "-select_streams",
        "v",
        "-show_entries",
        "stream=nb_read_frames",
        "-of",
        "csv=p=0",
        path,
    ]);
    let seconds = ffprobe(&["-show_entries", "format=duration", "-of", "csv=p=0", path]);
    (count.trim_end_matches(',').lines().next().unwrap().parse().unwrap(), seconds.parse().unwrap())
}

#[test]
fn hostile_and_broken_files_are_refused_by_name() {
    let bench = Bench::new();
    let good = clip(bench.folder.path(), "good.mp4", 2.0, "320x180", "24");
    let bytes = fs::read(&good).unwrap();
    let mdat = bytes.windows(4).position(|w| w == b"moov").unwrap();
    let cenc = bench.path("cenc.mp4");
    let key = "00112233445566778899aabbccddeeff";
    ffmpeg(&[
        "-i",
        good.to_str().unwrap(),
        "-c",
        "copy",
        "-encryption_scheme",
        "cenc-aes-ctr",
        "-encryption_key",
        key,
        "-encryption_kid",
        key,
        cenc.to_str().unwrap(),
    ]);
    let cases = [
        (bench.write("empty.mp4", b""), Rejection::Empty),
        (bench.write("text.mp4", b"This is a shopping list.\nMilk.\n"), Rejection::PlainText),
        (
            bench.write("hls.mp4", b"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
            Rejection::Playlist,
        ),
        (bench.write("sdp.mp4", b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\n"), Rejection::StreamDescription),
        (bench.write("cut.mp4", &bytes[..mdat - 100]), Rejection::Truncated),
        (cenc, Rejection::Encrypted),
    ];
    for (file, expected) in cases {
        assert_eq!(bench.examine(&file).unwrap_err(), expected, "{file:?}");
    }
    let noise: Vec<u8> = (0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(matches!(bench.examine(&bench.write("noise.mp4", &noise)), Err(Rejection::Unreadable { .. })));
}

#[test]
fn limits_hold_before_anything_is_decoded() {
    let mut bench = Bench::new();
    let good = clip(bench.folder.path(), "good.mp4", 2.0, "640x360", "30");
    bench.limits.megapixels = 0;
    let refused = bench.examine(&good).unwrap_err();
    assert!(matches!(refused, Rejection::TooManyPixels { .. } | Rejection::Unreadable { .. }), "{refused:?}");
    bench.limits = Limits { side: 300, ..Limits::default() };
    assert!(matches!(bench.examine(&good), Err(Rejection::TooManyPixels { width: 640, .. })));
    bench.limits = Limits { minutes: 0, ..Limits::default() };
    assert!(matches!(bench.examine(&good), Err(Rejection::TooLong { .. })));
    bench.limits = Limits { streams: 1, ..Limits::default() };
    assert_eq!(bench.examine(&good).unwrap_err(), Rejection::TooManyStreams { streams: 2, limit: 1 });
    bench.limits = Limits { frame_rate: 20, ..Limits::default() };
    assert!(matches!(bench.examine(&good), Err(Rejection::FrameRateTooHigh { rate: 30, limit: 20 })));
    // Two frames five hours apart: a constant rate would fill the gap with half a million copies.
    bench.limits = Limits::default();
    let gap = bench.path("gap.mkv");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=64x64:rate=1:duration=2",
        "-vf",
        "setpts=N*18000/TB",
        "-fps_mode",
        "passthrough",
        gap.to_str().unwrap(),
    ]);
    assert_eq!(bench.examine(&gap).unwrap_err(), Rejection::BrokenTimes);
}

#[test]
fn a_film_becomes_playable_in_both_codecs() {
    let bench = Bench::new();
    // Odd height, a fractional rate and more than one group.
    let source = bench.path("odd.mkv");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=160x91:rate=24000/1001:duration=7",
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=300:duration=8",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv444p",
        "-colorspace",
        "bt709",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
        "-c:a",
        "libopus",
        source.to_str().unwrap(),
    ]);
    let made = bench.normalise(&source, &[60, 360], &[60]);
    assert_eq!(made.rate, (24_000, 1001));
    // The largest H.264 rung plays first; the smaller one is made of the mezzanine.
    assert_eq!(made.h264.iter().map(|s| s.folder.as_str()).collect::<Vec<_>>(), ["h264-91"]);
    assert_eq!(made.smaller.iter().map(|r| r.lines).collect::<Vec<_>>(), [60]);
    assert_eq!(made.segments.len(), 2);
    assert_eq!(made.segments[0], 144);
    bench.encode(&made, 0);
    let public = bench.path("public");
    let stream = package_av1(&public, &made, made.av1[0]).unwrap();
    assert_eq!(stream.codecs, "av01.0.00M.08");
    write_master(&public, &made, &[stream]).unwrap();
    let tools = (&bench.sandbox, &bench.limits, &Cancel::default());
    let mut heard = 0;
    let mezzanine = bench.path("mezzanine");
    let small = smaller::make(tools, &mezzanine, &made, made.smaller[0], &public, |n| heard = n).unwrap();
    assert!(small.codecs.starts_with("avc1.64") && heard == made.frames(), "{small:?} {heard}");
    for folder in ["h264-91", "h264-60", "av1-60"] {
        let (frames, seconds) = playlist_facts(&public.join(folder).join("index.m3u8"));
        assert_eq!(frames, made.frames(), "{folder}");
        let expected = made.frames() as f64 * 1001.0 / 24_000.0;
        assert!((seconds - expected).abs() < 0.05, "{folder}: {seconds} {expected}");
    }
    let av1 = public.join("av1-60/index.m3u8");
    let told = ffprobe(&[
        "-show_entries",
        "stream=codec_name,level,color_space,color_range,start_time",
        "-of",
        "csv=p=0",
        av1.to_str().unwrap(),
    ]);
    assert!(told.starts_with("av1,0,tv,bt709,0.0"), "{told}");
    let master = fs::read_to_string(public.join("master.m3u8")).unwrap();
    assert!(
        master.contains("CODECS=\"av01.0.00M.08,opus\"") && master.contains("CODECS=\"avc1."),
        "{master}"
    );
    // H.264 says in its codec string what its avcC says.
    assert!(made.h264[0].codecs.starts_with("avc1.64"), "{}", made.h264[0].codecs);
    let scratch = bench.path("scratch");
    fs::create_dir_all(&scratch).unwrap();
    let (name, bytes) = write_download(tools, &public, &made, &scratch).unwrap();
    let plain = public.join(name);
    assert_eq!(fs::metadata(&plain).unwrap().len(), bytes);
    assert_eq!(playlist_facts(&plain).0, made.frames());
    let still = poster::choose(tools, &public, &made, None, &scratch).unwrap().unwrap();
    let poster = pictures::write_sizes(&still, &public, "poster", |_, _| {}).unwrap();
    assert_eq!(poster.widths, [still.width() / 2, still.width()]);
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "scratch is left clean");
}

#[test]
fn encoding_is_repeatable_and_stops_on_request() {
    let bench = Bench::new();
    let source = clip(bench.folder.path(), "clip.mp4", 1.5, "160x90", "24");
    let made = bench.normalise(&source, &[90], &[90]);
    let settings = EncodeSettings {
        size: made.av1[0].size,
        rate: made.rate,
        colour: made.colour.clone(),
        speed: 10,
        quantizer: 120,
        group: 144,
        coder: Coder::default(),
    };
    let mezzanine = bench.path("mezzanine").join(mezzanine_name(0));
    let once = |cancel: &Cancel, progress: &mut dyn FnMut(u64)| {
        encode_segment(&bench.sandbox, &bench.limits, &mezzanine, &settings, cancel, progress)
    };
    let mut counted = 0;
    let first = once(&Cancel::default(), &mut |n| counted = n).unwrap();
    assert_eq!(counted, made.frames());
    assert_eq!(first, once(&Cancel::default(), &mut |_| {}).unwrap());
    let cancel = Cancel::default();
    let stopped = once(&cancel, &mut |n| {
        if n == 3 {
            cancel.cancel();
        }
    });
    assert!(matches!(stopped, Err(MediaTrouble::Cancelled)));
}

#[test]
fn sound_alone_and_silent_film_are_fine() {
    let bench = Bench::new();
    let sound = bench.path("sound.mp3");
    let source = "sine=frequency=440:duration=3";
    ffmpeg(&["-f", "lavfi", "-i", source, "-c:a", "libmp3lame", sound.to_str().unwrap()]);
    assert_eq!(bench.examine(&sound).unwrap().kind, Kind::Audio);
    let made = bench.normalise(&sound, &[360], &[360]);
    assert!(made.h264.is_empty() && made.sound.is_some() && (2900..3200).contains(&made.duration_ms));
    // The same as Opus, which is smaller; both are what their playlists say.
    let (aac, opus) = (made.sound.as_ref().unwrap(), made.opus.as_ref().unwrap());
    assert_eq!((aac.codecs.as_str(), opus.codecs.as_str()), ("mp4a.40.2", "opus"));
    for (stream, codec) in [(aac, "aac"), (opus, "opus")] {
        let list = bench.path("public").join(&stream.folder).join("index.m3u8");
        let found = ["-show_entries", "stream=codec_name,channels,sample_rate", "-of", "csv=p=0"];
        let words = [&found[..], &[list.to_str().unwrap()]].concat();
        let told = ffprobe(&words);
        assert_eq!(told.lines().next(), Some(format!("{codec},48000,2").as_str()));
    }
    write_master(&bench.path("public"), &made, &[]).unwrap();
    let master = fs::read_to_string(bench.path("public").join("master.m3u8")).unwrap();
    assert!(master.contains("CODECS=\"mp4a.40.2\"") && master.contains("CODECS=\"opus\""), "{master}");
    let silent = bench.path("silent.webm");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=128x72:rate=10:duration=2",
        "-c:v",
        "libvpx",
        silent.to_str().unwrap(),
    ]);
    let made = bench.normalise(&silent, &[360], &[]);
    assert!(made.sound.is_none() && made.opus.is_none() && !bench.path("public").join("audio-opus").exists());
    assert_eq!(made.frames(), 20);
}

#[test]
fn sound_is_brought_to_the_loudness_wanted_and_has_a_picture() {
    let mut bench = Bench::new();
    let quiet = bench.path("quiet.wav");
    let tone = "sine=frequency=440:duration=8,volume=-24dB";
    ffmpeg(&["-f", "lavfi", "-i", tone, quiet.to_str().unwrap()]);
    let measured = |bench: &Bench| {
        let list = bench.path("public/audio/index.m3u8");
        let out = std::process::Command::new("ffmpeg")
            .args(["-hide_banner", "-nostdin", "-i"])
            .arg(&list)
            .args(["-af", "ebur128", "-f", "null", "-"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        let summary = text.rsplit("Integrated loudness:").next().unwrap().to_owned();
        let figure = summary.split_whitespace().nth(1).unwrap();
        figure.parse::<f64>().unwrap_or_else(|_| panic!("{summary}"))
    };
    bench.normalise(&quiet, &[360], &[]);
    let plain = measured(&bench);
    bench.loudness = -16;
    let made = bench.normalise(&quiet, &[360], &[]);
    let loud = measured(&bench);
    assert!((loud + 16.0).abs() < 1.5 && plain < loud - 10.0, "{plain} {loud}");
    let scratch = bench.path("scratch");
    fs::create_dir_all(&scratch).unwrap();
    let kit = (&bench.sandbox, &bench.limits, &Cancel::default());
    let picture = super::overview::spectrogram(kit, &bench.path("public"), &made, &scratch).unwrap().unwrap();
    assert_eq!((picture.width(), picture.height()), (1280, 720));
}

#[test]
fn chapters_are_read_from_the_file() {
    let bench = Bench::new();
    let film = clip(bench.folder.path(), "film.mp4", 3.0, "64x36", "10");
    let text = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=Opening\n\
                [CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=The forest\n";
    let told = bench.write("chapters.txt", text.as_bytes());
    for name in ["with.mp4", "with.mkv"] {
        let with = bench.path(name);
        let (film, told) = (film.to_str().unwrap(), told.to_str().unwrap());
        ffmpeg(&["-i", film, "-i", told, "-map_chapters", "1", "-c", "copy", with.to_str().unwrap()]);
        let found = bench.examine(&with).unwrap().chapters;
        let found: Vec<(u64, &str)> = found.iter().map(|c| (c.at_ms, c.title.as_str())).collect();
        assert_eq!(found, [(0, "Opening"), (1500, "The forest")], "{name}");
    }
    assert_eq!(bench.examine(&film).unwrap().chapters, vec![]);
}

#[test]
fn a_cut_tail_is_salvaged_and_a_turned_film_stands_upright() {
    let bench = Bench::new();
    let good = clip(bench.folder.path(), "good.mp4", 4.0, "320x180", "24");
    let fast = bench.path("fast.mp4");
    ffmpeg(&["-i", good.to_str().unwrap(), "-c", "copy", "-movflags", "+faststart", fast.to_str().unwrap()]);
    let bytes = fs::read(&fast).unwrap();
    let cut = bench.write("cut.mp4", &bytes[..bytes.len() * 2 / 3]);
    let made = bench.normalise(&cut, &[180], &[]);
    assert!((20..96).contains(&made.frames()), "{}", made.frames());
    let turned = bench.path("turned.mp4");
    ffmpeg(&[
        "-i",
        good.to_str().unwrap(),
        "-c",
        "copy",
        "-metadata:s:v",
        "rotate=90",
        turned.to_str().unwrap(),
    ]);
    let probed = bench.examine(&turned).unwrap();
    assert_eq!((probed.shown.width, probed.shown.height), (180, 320));
}

#[test]
fn pictures_are_upright_clean_and_never_enlarged() {
    let bench = Bench::new();
    // A JPEG of 900×600, turned by EXIF, with a GPS block.
    let mut plain = vec![];
    let picture = image::RgbImage::from_fn(900, 600, |x, y| image::Rgb([(x / 4) as u8, (y / 3) as u8, 120]));
    image::codecs::jpeg::JpegEncoder::new(&mut plain).encode_image(&picture).unwrap();
    let tiff: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0GPSLatitude-secret";
    let mut turned = plain[..2].to_vec();
    turned.extend([0xff, 0xe1]);
    turned.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
    turned.extend(b"Exif\0\0");
    turned.extend(tiff);
    turned.extend(&plain[2..]);
    let file = bench.write("photo.mp4", &turned);
    assert_eq!(sniff::sniff_file(&file, ""), Ok(sniff::Form::Still));
    let (decoded, facts) = pictures::decode(&file, &bench.limits).unwrap();
    assert_eq!((facts.width, facts.height), (600, 900));
    let out = bench.path("out");
    fs::create_dir_all(&out).unwrap();
    let poster = pictures::write_sizes(&decoded, &out, "picture", |_, _| {}).unwrap();
    assert_eq!(poster.widths, [400, 600]);
    assert_eq!((poster.width, poster.height), (600, 900));
    assert!(poster.colour.starts_with('#') && poster.colour.len() == 7);
    for entry in fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for mark in [b"GPSLatitude".as_slice(), b"Exif\0"] {
            assert!(!bytes.windows(mark.len()).any(|w| w == mark), "{path:?}");
        }
        let size =
            ffprobe(&["-show_entries", "stream=width,height", "-of", "csv=p=0", path.to_str().unwrap()]);
        let own = path.to_string_lossy().contains("-600.");
        assert_eq!(size.trim_end_matches(','), if own { "600,900" } else { "400,600" }, "{path:?}");
    }
}

#[test]
fn picture_bombs_and_broken_pictures_are_refused() {
    let bench = Bench::new();
    let mut png = vec![];
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    image::ImageEncoder::write_image(encoder, &[0; 64 * 64], 64, 64, image::ExtendedColorType::L8).unwrap();
    let cut = bench.write("cut.png", &png[..png.len() / 2]);
    assert!(matches!(
        pictures::decode(&cut, &bench.limits),
        Err(MediaTrouble::Rejected(Rejection::Unreadable { .. }))
    ));
    // The header says 30000×30000; its checksum is right, the data is not there.
    let mut header = b"IHDR".to_vec();
    header.extend(30_000_u32.to_be_bytes());
    header.extend(30_000_u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    let crc = crc32(&header);
    bomb.extend(header);
    bomb.extend(crc.to_be_bytes());
    bomb.extend(b"\0\0\0\x04IDAT\0\0\0\0");
    let bomb = bench.write("bomb.png", &bomb);
    let refused = pictures::decode(&bomb, &bench.limits);
    assert!(
        matches!(refused, Err(MediaTrouble::Rejected(Rejection::TooManyPixels { width: 30_000, .. }))),
        "{refused:?}"
    );
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 })
    })
}
