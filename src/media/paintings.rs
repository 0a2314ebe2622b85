//! Pictures to work with (Photoshop, OpenEXR, Radiance) and rarer kinds (BMP, JPEG 2000, JPEG XL, QOI, DPX, DDS,
//! SGI, PNM): ffmpeg decodes and flattens them in the sandbox; only the preview is made of that, the file itself is what people download. Drawings (SVG) are
//! rasterised the same way, by librsvg, which runs no scripts and opens no other file; they are never served
//! as they are.

use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::screen::{self, Signal};
use super::{Limits, MediaTrouble, exr, floats, pictures, probe};
use crate::domain::media::{Facts, Rejection};
use image::DynamicImage;
use std::path::Path;
use std::time::Duration;

/// The box, in pixels, into which drawings are put.
const DRAWN: &str = "1920";

/// Decodes the picture as it is shown. `demuxer` is the one of ffmpeg that its first bytes name.
///
/// # Errors
/// A rejection when it is too large or damaged, or a failure of the examination itself.
pub fn decode(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    file: &Path,
    demuxer: &'static str,
) -> Result<(DynamicImage, Facts), MediaTrouble> {
    let format = demuxer.trim_end_matches("_pipe").to_owned();
    let light = match demuxer {
        "exr_pipe" => Some(exr::decode((sandbox, limits, cancel), file)?),
        // Debian 12's ffmpeg does not know it.
        "hdr_pipe" => Some(floats::radiance(file, limits)?),
        _ => None,
    };
    if let Some(picture) = light {
        let (width, height, frame_rate) = (picture.width(), picture.height(), (0, 1));
        return Ok((picture.into(), Facts { format, width, height, frame_rate, ..Facts::default() }));
    }
    let room = tempfile::tempdir()?;
    let mut job = sandbox.job("ffmpeg", limits, Duration::from_secs(limits.probe_seconds));
    let input = job.reads(file)?;
    let out = job.writes(room.path())?;
    job.args([
        "-nostdin",
        "-v",
        "error",
        "-y",
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        demuxer,
    ]);
    job.args(["-max_pixels", &limits.pixels().to_string(), "-f", demuxer]);
    if demuxer == "svg_pipe" {
        // A drawing has no size of its own.
        job.args(["-width", DRAWN, "-height", DRAWN]);
    }
    job.args(["-i".to_owned(), format!("file:{input}")]);
    job.args([
        "-frames:v".to_owned(),
        "1".into(),
        "-map_metadata".into(),
        "-1".into(),
        format!("{out}/picture.png"),
    ]);
    job.run(cancel, |_| {}).map_err(|error| refused(error, limits))?;
    let made = room.path().join("picture.png");
    // The others say nothing of their colours, or ffmpeg's PNG says it for them.
    let signal = match demuxer {
        "jpegxl_pipe" => told((sandbox, limits, cancel), file, demuxer)?,
        _ => None,
    };
    let (picture, facts) = pictures::decode_upright(&made, limits, signal)?;
    Ok((picture, Facts { format, ..facts }))
}

/// What the numbers of the picture mean, by its file; `None` if that does not say it in a way that is known here.
fn told(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    file: &Path,
    demuxer: &'static str,
) -> Result<Option<Signal>, MediaTrouble> {
    let mut job = sandbox.job("ffprobe", limits, Duration::from_secs(limits.probe_seconds));
    let input = job.reads(file)?;
    job.args(["-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", demuxer]);
    job.args(["-max_pixels", &limits.pixels().to_string(), "-f", demuxer, "-threads", "1"]);
    job.args(["-show_entries", "stream=color_primaries,color_transfer", "-of", "default=noprint_wrappers=1"]);
    job.args(["-i".to_owned(), format!("file:{input}")]);
    let (mut primaries, mut transfer) = (None, None);
    let outcome = job.run(cancel, |line| match line.trim().split_once('=') {
        Some(("color_primaries", name)) => primaries = screen::primaries_named(name),
        Some(("color_transfer", name)) => transfer = screen::transfer_named(name),
        _ => {}
    });
    match outcome {
        Ok(()) => Ok(screen::of_names(primaries, transfer)),
        // It was decoded: what its colours are is not worth more.
        Err(SandboxError::Exit { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// What it means for a picture that the decoder gave up.
pub(super) fn refused(error: SandboxError, limits: &Limits) -> MediaTrouble {
    let rejection = match error {
        SandboxError::Exit { code: Some(_), message } => {
            let lower = message.to_lowercase();
            let unreadable = |found: &str| Rejection::Unreadable { found: found.into() };
            match probe::size_refused(&lower) {
                Some((width, height)) => {
                    Rejection::TooManyPixels { width, height, limit_megapixels: limits.megapixels }
                }
                None if lower.contains("cannot allocate memory") => Rejection::ProbeExhausted,
                None if lower.contains("unsupported") => {
                    unreadable("the picture is packed in a way that nothing here reads")
                }
                None => unreadable("the picture is damaged or cut off"),
            }
        }
        SandboxError::Exit { code: None, .. } => Rejection::ProbeExhausted,
        other => return other.into(),
    };
    MediaTrouble::Rejected(rejection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::sniff::{Form, sniff_file};
    use crate::media::testing::ffmpeg;

    #[test]
    fn rarer_pictures_are_decoded_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        for (name, demuxer) in [
            ("a.bmp", "bmp_pipe"),
            ("a.jp2", "j2k_pipe"),
            ("a.qoi", "qoi_pipe"),
            ("a.dpx", "dpx_pipe"),
            ("a.sgi", "sgi_pipe"),
            ("a.ppm", "ppm_pipe"),
            ("a.pgm", "pgm_pipe"),
        ] {
            let file = folder.path().join(name);
            let made = ["-f", "lavfi", "-i", "color=c=red:size=48x32,format=rgb24", "-frames:v", "1"];
            // Not every ffmpeg writes all of them.
            let mut out = std::process::Command::new("ffmpeg");
            out.args(["-v", "error", "-y"]).args(made).arg(&file);
            if !out.output().unwrap().status.success() {
                assert!(!["a.bmp", "a.ppm"].contains(&name));
                continue;
            }
            let ending = name.rsplit_once('.').unwrap().1;
            assert_eq!(sniff_file(&file, ending), Ok(Form::Painting(demuxer)), "{name}");
            let (picture, facts) = decode((&sandbox, &limits, &cancel), &file, demuxer).unwrap();
            assert_eq!((picture.width(), picture.height()), (48, 32), "{name}");
            assert_eq!(facts.format, demuxer.trim_end_matches("_pipe"));
        }
    }

    #[test]
    fn jpeg_xl_of_high_dynamic_range_is_tone_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let kit = (&sandbox, &limits, &cancel);
        // What PQ calls 203 candela per square metre.
        let grey = "color=c=0x949494:size=64x48,format=rgb48le";
        for (transfer, means, shown) in
            [("smpte2084", Some(16), 180..=198), ("iec61966-2-1", Some(13), 140..=156)]
        {
            let file = folder.path().join("a.jxl");
            let mut out = std::process::Command::new("ffmpeg");
            out.args(["-v", "error", "-y", "-f", "lavfi", "-i", grey, "-frames:v", "1", "-color_primaries"]);
            out.args(["bt2020", "-color_trc", transfer, "-colorspace", "rgb"]).arg(&file);
            // Not every ffmpeg writes it.
            if !out.output().unwrap().status.success() {
                return;
            }
            assert_eq!(told(kit, &file, "jpegxl_pipe").unwrap().map(|s| s.transfer), means, "{transfer}");
            let (picture, _) = decode(kit, &file, "jpegxl_pipe").unwrap();
            let [red, green, blue] = picture.to_rgb8().get_pixel(9, 9).0;
            assert!(shown.contains(&red) && red.abs_diff(green) < 3 && red.abs_diff(blue) < 3, "{red}");
        }
    }

    #[test]
    fn what_ffmpeg_says_is_told_in_words_for_people() {
        let said = |message: &str| {
            refused(SandboxError::Exit { code: Some(1), message: message.into() }, &Limits::default())
                .to_string()
        };
        let size = said("[bmp @ 0x5] [IMGUTILS @ 0x7] Picture size 100000x90000 is invalid");
        assert!(size.contains("100000 × 90000") && size.contains("megapixels are allowed"), "{size}");
        let packed = said("[dds @ 0x5] Unsupported DXGI format 98.");
        assert!(packed.contains("nothing here reads") && packed.contains("as PNG or JPEG"), "{packed}");
        assert!(said("Error while decoding").contains("damaged or cut off"));
        assert!(said("Cannot allocate memory").contains("time and memory"));
    }

    #[test]
    fn working_pictures_are_shown_and_broken_ones_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let exr = folder.path().join("light.exr");
        ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=160x90,format=gbrpf32le",
            "-frames:v",
            "1",
            exr.to_str().unwrap(),
        ]);
        // A Photoshop file of one flat channel after another: signature, version, channels, size, depth, mode.
        let mut psd = b"8BPS\0\x01\0\0\0\0\0\0\0\x03\0\0\0\x10\0\0\0\x20\0\x08\0\x03".to_vec();
        psd.extend([0; 12]);
        psd.extend([0, 0]);
        for channel in [200, 10, 10] {
            psd.extend([channel; 16 * 32]);
        }
        let flat = folder.path().join("flat.psd");
        std::fs::write(&flat, &psd).unwrap();
        let kit = (&sandbox, &limits, &cancel);
        let (picture, facts) = decode(kit, &exr, "exr_pipe").unwrap();
        assert_eq!((picture.width(), picture.height(), facts.format.as_str()), (160, 90, "exr"));
        let (picture, facts) = decode(kit, &flat, "psd_pipe").unwrap();
        assert_eq!(picture.to_rgb8().get_pixel(3, 3).0, [200, 10, 10]);
        assert_eq!((facts.width, facts.height, facts.format.as_str()), (32, 16, "psd"));
        let drawing = folder.path().join("a.svg");
        let red = folder.path().join("red.png");
        ffmpeg(&["-f", "lavfi", "-i", "color=c=red:size=10x10", "-frames:v", "1", red.to_str().unwrap()]);
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:x=\"http://www.w3.org/1999/xlink\" width=\"20\" height=\"10\">\
             <script>alert(1)</script><rect width=\"20\" height=\"10\" fill=\"#fff\"/><rect width=\"10\" height=\"10\" fill=\"#0000ff\"/>\
             <image x=\"10\" width=\"10\" height=\"10\" x:href=\"{0}\"/><image x=\"10\" width=\"10\" height=\"10\" x:href=\"file://{0}\"/></svg>",
            red.display()
        );
        std::fs::write(&drawing, text).unwrap();
        let (picture, facts) = decode(kit, &drawing, "svg_pipe").unwrap();
        assert_eq!((facts.width, facts.height, facts.format.as_str()), (1920, 960, "svg"));
        let picture = picture.to_rgb8();
        assert_eq!(picture.get_pixel(400, 400).0, [0, 0, 255]);
        assert_eq!(picture.get_pixel(1500, 400).0, [255, 255, 255], "no other file is opened");
        std::fs::write(&flat, &psd[..40]).unwrap();
        assert!(matches!(decode(kit, &flat, "psd_pipe"), Err(MediaTrouble::Rejected(_))));
        let small = Limits { megapixels: 0, ..Limits::default() };
        assert!(matches!(
            decode((&sandbox, &small, &cancel), &exr, "exr_pipe"),
            Err(MediaTrouble::Rejected(_))
        ));
    }
}
