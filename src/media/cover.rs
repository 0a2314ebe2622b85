//! The cover that a sound brings along (ID3, FLAC, MP4): the picture that stands for it, instead of its spectrogram. It
//! is taken out as it is in the sandbox and decoded here within limits, like all pictures. A sound is as good without.

use super::probe::guarded_input;
use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::{Limits, MediaTrouble, pictures};
use image::DynamicImage;
use image::imageops::FilterType;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest cover that is taken out, in bytes.
const BYTES: u64 = 32 << 20;
/// Smallest and longest side of one as it is shown, in pixels. What is smaller says less than the spectrogram.
const SIDES: (u32, u32) = (64, 1200);

fn place(scratch: &Path) -> PathBuf {
    scratch.join("cover")
}

/// Takes the cover, which is this stream of the file, into `scratch`, where [`taken`] finds it.
///
/// # Errors
/// If somebody asked to stop, or the program cannot be started.
pub fn take(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    source: &Path,
    stream: u32,
    scratch: &Path,
) -> Result<(), MediaTrouble> {
    let mut job = sandbox.job("ffmpeg", limits, Duration::from_secs(limits.probe_seconds));
    let input = job.reads(source)?;
    let out = job.writes(scratch)?;
    job.args(["-nostdin", "-v", "error", "-y"]).args(guarded_input(limits));
    job.args(["-i".to_owned(), format!("file:{input}"), "-map".into(), format!("0:{stream}")]);
    job.args(["-c", "copy", "-frames:v", "1", "-fs", &BYTES.to_string(), "-f", "rawvideo"]);
    job.args([format!("{out}/cover")]);
    match job.run(cancel, |_| {}) {
        Ok(()) | Err(SandboxError::Exit { .. } | SandboxError::TimedOut) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// The cover that was taken, if there is one that can be shown; the file of it is gone then.
pub(super) fn taken(scratch: &Path, limits: &Limits) -> Option<DynamicImage> {
    let file = place(scratch);
    let decoded = pictures::decode(&file, limits);
    let _ = std::fs::remove_file(&file);
    let picture = decoded.ok()?.0;
    let (smallest, longest) = SIDES;
    if picture.width().min(picture.height()) < smallest {
        return None;
    }
    let large = picture.width().max(picture.height()) > longest;
    Some(if large { picture.resize(longest, longest, FilterType::Lanczos3) } else { picture })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::media::Kind;
    use crate::media::probe::probe;
    use crate::media::testing::ffmpeg;

    #[test]
    fn the_cover_of_a_sound_is_taken_and_what_is_none_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let kit = (&sandbox, &limits, &cancel);
        let path = |name: &str| folder.path().join(name);
        let with_cover = |name: &str, size: &str, sound: &str, picture: &str| {
            let colour = format!("color=c=red:size={size}:duration=0.04,format=rgb24");
            let (tone, file) = ("sine=440:duration=1", path(name));
            let words = ["-f", "lavfi", "-i", tone, "-f", "lavfi", "-i", &colour, "-map", "0", "-map", "1"];
            let coded = ["-c:a", sound, "-c:v", picture, "-disposition:v", "attached_pic", "-frames:v", "1"];
            ffmpeg(&[&words[..], &coded[..], &[file.to_str().unwrap()]].concat());
            let probed = probe(&sandbox, &limits, &file, &cancel).unwrap();
            assert_eq!(probed.kind, Kind::Audio, "{name}");
            take(kit, &file, probed.cover.unwrap(), folder.path()).unwrap();
            taken(folder.path(), &limits)
        };
        for (name, sound, picture) in
            [("a.flac", "flac", "png"), ("a.m4a", "aac", "mjpeg"), ("a.mp3", "libmp3lame", "mjpeg")]
        {
            let cover = with_cover(name, "300x200", sound, picture).unwrap();
            assert_eq!((cover.width(), cover.height()), (300, 200), "{name}");
            let [red, green, _] = cover.to_rgb8().get_pixel(150, 100).0;
            assert!(red > 240 && green < 20, "{name}");
            assert!(!place(folder.path()).exists(), "nothing is left");
        }
        let large = with_cover("large.flac", "2400x1200", "flac", "png").unwrap();
        assert_eq!((large.width(), large.height()), (1200, 600));
        assert!(with_cover("small.flac", "63x300", "flac", "png").is_none());
        assert!(with_cover("least.flac", "64x300", "flac", "png").is_some());
        // What is no picture, and what is more than may be decoded.
        std::fs::write(place(folder.path()), b"<svg/>").unwrap();
        assert!(taken(folder.path(), &limits).is_none());
        std::fs::write(place(folder.path()), b"").unwrap();
        assert!(taken(folder.path(), &limits).is_none());
        assert!(taken(folder.path(), &limits).is_none(), "there is none");
        ffmpeg(&["-f", "lavfi", "-i", "sine=440:duration=1", path("plain.wav").to_str().unwrap()]);
        assert_eq!(probe(&sandbox, &limits, &path("plain.wav"), &cancel).unwrap().cover, None);
    }
}
