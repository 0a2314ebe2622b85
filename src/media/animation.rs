//! Pictures that move (GIF, WebP, APNG) become a film that repeats: decoded here within limits like all
//! pictures, written as frames of a constant rate, and from there on treated like any film. Sequences in HEIF
//! (AVIF and HEIC that move) hold a film already, which is taken out of them as it is.

use super::probe::{guarded_input, probe};
use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::{Limits, MediaTrouble};
use crate::domain::media::{Kind, Rejection};
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, Frames, ImageDecoder, RgbImage, RgbaImage};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Frames a second of the film.
const RATE: u64 = 25;
/// Longest that is taken over, in frames of the film: five minutes.
const MOST_FRAMES: u64 = RATE * 300;
/// Most pixels of all pictures together: what unpacks to more than that is cut off there.
const MOST_PIXELS: u64 = 2_000_000_000;
/// Most bytes of the frames that are written.
const MOST_BYTES: u64 = 2 << 30;
/// Longest side of a frame.
const SIDE: u32 = 1920;
/// Pictures shown for a shorter time than this are shown for a tenth of a second, as browsers do.
const SHORTEST_MS: u64 = 20;

/// How a moving picture is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// GIF with more than one picture.
    Gif,
    /// WebP with its mark of animation.
    WebP,
    /// PNG with its block of animation.
    Apng,
    /// A file in HEIF that says it has a sequence of pictures.
    Sequence,
}

/// Brands of files with sequences: AVIF, HEIC of two profiles, any.
const SEQUENCES: [&[u8]; 4] = [b"avis", b"hevc", b"hevx", b"msf1"];
/// Longest list of brands that is looked at, in bytes.
const BRANDS: usize = 256;

/// Whether a picture may move, by its first bytes. Of a GIF only its pictures tell: [`film`] counts them.
#[must_use]
pub fn moves(head: &[u8]) -> Option<Moves> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    if at(0, b"GIF8") {
        return Some(Moves::Gif);
    }
    if at(0, b"RIFF") && at(8, b"WEBPVP8X") {
        return head.get(20).is_some_and(|flags| flags & 0b10 != 0).then_some(Moves::WebP);
    }
    if at(0, b"\x89PNG\r\n\x1a\n") {
        let before_pixels = head.windows(4).position(|w| w == b"IDAT").unwrap_or(head.len());
        return head[..before_pixels].windows(4).any(|w| w == b"acTL").then_some(Moves::Apng);
    }
    if at(4, b"ftyp") {
        let length = head.get(..4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes) as usize;
        let brands = head.get(8..length.min(head.len()).min(BRANDS)).unwrap_or_default();
        return brands.chunks(4).any(|brand| SEQUENCES.contains(&brand)).then_some(Moves::Sequence);
    }
    None
}

fn damaged() -> MediaTrouble {
    MediaTrouble::Rejected(Rejection::Unreadable { found: "the picture is damaged".into() })
}

fn open(file: &Path, form: Moves, limits: &Limits) -> Result<Frames<'static>, MediaTrouble> {
    let source = BufReader::new(File::open(file)?);
    let mut bounds = image::Limits::default();
    bounds.max_alloc = Some(limits.pixels() * 8 + (64 << 20));
    let bad = |_| damaged();
    let fits = |(width, height): (u32, u32)| {
        let (w, h) = (u64::from(width), u64::from(height));
        if w * h <= limits.pixels() && w <= limits.side && h <= limits.side {
            return Ok(());
        }
        let limit_megapixels = limits.megapixels;
        Err(MediaTrouble::Rejected(Rejection::TooManyPixels { width: w, height: h, limit_megapixels }))
    };
    Ok(match form {
        Moves::Gif => {
            let mut decoder = GifDecoder::new(source).map_err(bad)?;
            fits(decoder.dimensions())?;
            decoder.set_limits(bounds).map_err(bad)?;
            decoder.into_frames()
        }
        Moves::WebP => {
            let mut decoder = WebPDecoder::new(source).map_err(bad)?;
            fits(decoder.dimensions())?;
            decoder.set_limits(bounds).map_err(bad)?;
            decoder.into_frames()
        }
        Moves::Apng => {
            let decoder = PngDecoder::with_limits(source, bounds).map_err(bad)?;
            fits(decoder.dimensions())?;
            decoder.apng().map_err(bad)?.into_frames()
        }
        Moves::Sequence => return Err(damaged()),
    })
}

/// White where nothing is drawn: films know no transparency.
fn on_white(picture: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [r, g, b, a] = picture.get_pixel(x, y).0;
        let mix = |c: u8| {
            let (c, a) = (u32::from(c), u32::from(a));
            u8::try_from((c * a + 255 * (255 - a)) / 255).unwrap_or(255)
        };
        image::Rgb([mix(r), mix(g), mix(b)])
    })
}

/// No larger than the largest rung that is made of it.
fn within(picture: RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let side = width.max(height);
    if side <= SIDE {
        return picture;
    }
    let scaled = |n: u32| u32::try_from(u64::from(n) * u64::from(SIDE) / u64::from(side)).unwrap_or(1).max(1);
    image::imageops::resize(&picture, scaled(width), scaled(height), image::imageops::FilterType::Triangle)
}

/// Writes a moving picture as a film into `folder`; `None` if not even two pictures of it can be read. A tail that is cut off
/// or goes beyond the limits is left away.
///
/// # Errors
/// A rejection if it is too large or its head is damaged; a failure of the conversion itself.
pub fn film(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    file: &Path,
    form: Moves,
    folder: &Path,
) -> Result<Option<PathBuf>, MediaTrouble> {
    if form == Moves::Sequence {
        return sequence((sandbox, limits, cancel), file, folder);
    }
    let pictures = folder.join("pictures.mjpeg");
    let mut out = BufWriter::new(File::create(&pictures)?);
    let (mut count, mut pixels, mut shown_ms, mut written, mut bytes) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
    for frame in open(file, form, limits)? {
        if cancel.is_cancelled() {
            return Err(MediaTrouble::Cancelled);
        }
        let frame = match frame {
            Ok(frame) => frame,
            Err(_) => break,
        };
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let ms = u64::from(numerator) / u64::from(denominator.max(1));
        shown_ms += if ms < SHORTEST_MS { 100 } else { ms };
        let picture = frame.into_buffer();
        pixels += u64::from(picture.width()) * u64::from(picture.height());
        count += 1;
        let until = (shown_ms * RATE / 1000).min(MOST_FRAMES);
        if until > written {
            let mut jpeg = vec![];
            JpegEncoder::new_with_quality(&mut jpeg, 95)
                .encode_image(&within(on_white(&picture)))
                .map_err(|_| MediaTrouble::internal("a picture could not be written"))?;
            for _ in written..until {
                out.write_all(&jpeg)?;
                bytes += jpeg.len() as u64;
            }
            written = until;
        }
        if written >= MOST_FRAMES || pixels >= MOST_PIXELS || bytes >= MOST_BYTES {
            break;
        }
    }
    out.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    if count < 2 || written == 0 {
        return Ok(None);
    }
    let film = folder.join("film.mkv");
    let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(shown_ms));
    let input = job.reads(&pictures)?;
    let place = job.writes(folder)?;
    job.args(["-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file,pipe"]);
    job.args(["-format_whitelist", "mjpeg", "-f", "mjpeg", "-framerate", &RATE.to_string()]);
    job.args(["-i".to_owned(), format!("file:{input}")]);
    job.args(["-c".to_owned(), "copy".into(), format!("{place}/film.mkv")]);
    job.run(cancel, |_| {}).map_err(|error| match error {
        SandboxError::Exit { .. } => MediaTrouble::internal("the pictures could not be made a film"),
        other => other.into(),
    })?;
    std::fs::remove_file(&pictures)?;
    Ok(Some(film))
}

/// The film inside a sequence; `None` if there is none of at least two pictures that may be taken. Then what it
/// shows while it stands still is worth a try.
fn sequence(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    file: &Path,
    folder: &Path,
) -> Result<Option<PathBuf>, MediaTrouble> {
    match probe(sandbox, limits, file, cancel) {
        Ok(probed) if probed.kind == Kind::Video => {}
        Ok(_) | Err(MediaTrouble::Rejected(_)) => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut job = sandbox.job("ffmpeg", limits, Duration::from_secs(limits.probe_seconds));
    let input = job.reads(file)?;
    let place = job.writes(folder)?;
    job.args(["-nostdin", "-v", "error", "-nostats", "-progress", "pipe:1", "-y"])
        .args(guarded_input(limits));
    job.args(["-t".to_owned(), (MOST_FRAMES / RATE).to_string(), "-i".into(), format!("file:{input}")]);
    job.args(["-map", "0:V:0", "-map_metadata", "-1", "-c", "copy", "-fs", &MOST_BYTES.to_string()]);
    job.args([format!("{place}/film.mkv")]);
    let mut count = 0_u64;
    let outcome = job.run(cancel, |line| {
        if let Some(frames) = line.strip_prefix("frame=").and_then(|n| n.trim().parse().ok()) {
            count = frames;
        }
    });
    match outcome {
        Ok(()) if count >= 2 => Ok(Some(folder.join("film.mkv"))),
        Ok(()) | Err(SandboxError::Exit { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::probe::probe;
    use super::super::testing::ffmpeg;
    use super::*;
    use image::codecs::gif::{GifEncoder, Repeat};
    use image::{Delay, Frame};

    fn gif(pictures: u8, ms: u32) -> Vec<u8> {
        let mut bytes = vec![];
        {
            let mut out = GifEncoder::new(&mut bytes);
            out.set_repeat(Repeat::Infinite).unwrap();
            for n in 0..pictures {
                let picture = RgbaImage::from_pixel(61, 33, image::Rgba([n * 60, 90, 200, 255]));
                let frame = Frame::from_parts(picture, 0, 0, Delay::from_numer_denom_ms(ms, 1));
                out.encode_frame(frame).unwrap();
            }
        }
        bytes
    }

    #[test]
    fn moving_pictures_become_films_of_their_length() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let kit = (&sandbox, &limits, &cancel);
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.gif"), gif(4, 300)).unwrap();
        std::fs::write(path("none.gif"), gif(3, 0)).unwrap();
        ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=64x36:rate=10:duration=2",
            "-plays",
            "0",
            "-f",
            "apng",
            path("a.apng").to_str().unwrap(),
        ]);
        let mut cases =
            vec![("a.gif", Moves::Gif, 1200), ("none.gif", Moves::Gif, 300), ("a.apng", Moves::Apng, 2000)];
        let made = std::process::Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-y",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=64x36:rate=10:duration=2",
                "-c:v",
                "libwebp_anim",
            ])
            .arg(path("a.webp"))
            .status();
        if made.is_ok_and(|s| s.success()) {
            cases.push(("a.webp", Moves::WebP, 2000));
        }
        let made = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=64x36:rate=25:duration=1"])
            .args(["-c:v", "libaom-av1", "-cpu-used", "8", "-f", "avif"])
            .arg(path("a.avif"))
            .status();
        if made.is_ok_and(|s| s.success()) {
            cases.push(("a.avif", Moves::Sequence, 1000));
            let whole = std::fs::read(path("a.avif")).unwrap();
            std::fs::write(path("cut.avif"), &whole[..whole.len() / 2]).unwrap();
            let cut = film(kit, &path("cut.avif"), Moves::Sequence, folder.path()).unwrap();
            assert!(cut.is_none_or(|film| film.exists()), "what is left of it, or nothing");
        }
        for (name, form, ms) in cases {
            let head = std::fs::read(path(name)).unwrap();
            assert_eq!(moves(&head[..head.len().min(8192)]), Some(form), "{name}");
            let film = film(kit, &path(name), form, folder.path()).unwrap().unwrap();
            let probed = probe(&sandbox, &limits, &film, &cancel).unwrap();
            let length = probed.facts.duration_ms;
            assert!(length.abs_diff(ms) <= 60, "{name}: {length} ms");
            assert_eq!(probed.rate, (25, 1), "{name}");
            std::fs::remove_file(film).unwrap();
        }
        // One picture is a picture; a tail that is cut off costs the tail.
        std::fs::write(path("one.gif"), gif(1, 300)).unwrap();
        assert_eq!(film(kit, &path("one.gif"), Moves::Gif, folder.path()).unwrap(), None);
        let whole = gif(4, 300);
        std::fs::write(path("cut.gif"), &whole[..whole.len() - 40]).unwrap();
        assert!(film(kit, &path("cut.gif"), Moves::Gif, folder.path()).unwrap().is_some());
        let small = Limits { megapixels: 0, ..Limits::default() };
        assert!(matches!(
            film((&sandbox, &small, &cancel), &path("a.gif"), Moves::Gif, folder.path()),
            Err(MediaTrouble::Rejected(Rejection::TooManyPixels { .. }))
        ));
        for still in [
            &b"\x89PNG\r\n\x1a\n....IDAT acTL"[..],
            b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"\xff\xd8\xff",
        ] {
            assert_eq!(moves(still), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 1..200), at in 0_usize..400) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.gif");
            let mut file = gif(3, 100);
            let at = at.min(file.len() - 1);
            let end = (at + bytes.len()).min(file.len());
            file[at..end].copy_from_slice(&bytes[..end - at]);
            std::fs::write(&path, &file).unwrap();
            let limits = Limits { megapixels: 1, ..Limits::default() };
            if let Ok(frames) = open(&path, Moves::Gif, &limits) {
                let _ = frames.take(10).count();
            }
        }
    }
}
