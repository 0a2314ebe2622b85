//! HEIC and AVIF pictures: libheif's own program decodes them in the sandbox; without it ffmpeg tries, which knows
//! simple AVIF pictures. What comes out is upright already, whatever its metadata still say.

use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::{Limits, MediaTrouble, pictures, screen};
use crate::domain::media::{Facts, Rejection};
use image::DynamicImage;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// libheif's program, by its newer and its older name.
const PROGRAMS: [&str; 2] = ["heif-dec", "heif-convert"];
/// How much of a file is searched for the sizes that it names; they stand before the pictures.
const HEAD: u64 = 4 << 20;

/// The program that decodes here, if it is installed.
#[must_use]
pub fn program() -> Option<&'static str> {
    PROGRAMS.into_iter().find(|name| Path::new("/usr/bin").join(name).exists())
}

/// Decodes the picture as it is shown. `found` is what it is, in words.
///
/// # Errors
/// A rejection when it is too large or damaged, or when no program here decodes it; or a failure of the
/// examination itself.
pub fn decode(
    kit: (&Sandbox, &Limits, &Cancel),
    file: &Path,
    found: &'static str,
) -> Result<(DynamicImage, Facts), MediaTrouble> {
    decode_by(kit, file, found, program())
}

fn decode_by(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    file: &Path,
    found: &'static str,
    program: Option<&'static str>,
) -> Result<(DynamicImage, Facts), MediaTrouble> {
    let mut head = vec![];
    std::fs::File::open(file)?.take(HEAD).read_to_end(&mut head)?;
    let told = largest(&head).ok_or_else(damaged)?;
    if u64::from(told.0) * u64::from(told.1) > limits.pixels() {
        let (width, height) = (told.0.into(), told.1.into());
        let limit_megapixels = limits.megapixels;
        return Err(MediaTrouble::Rejected(Rejection::TooManyPixels { width, height, limit_megapixels }));
    }
    let room = tempfile::tempdir()?;
    let time = Duration::from_secs(limits.probe_seconds);
    let mut job = sandbox.job(program.unwrap_or("ffmpeg"), limits, time);
    let input = job.reads(file)?;
    let out = job.writes(room.path())?;
    if program.is_some() {
        job.args([input, format!("{out}/picture.png")]);
    } else {
        let pixels = limits.pixels().to_string();
        job.args(["-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file,pipe", "-format_whitelist"]);
        job.args(["mov", "-max_pixels", &pixels, "-f", "mov"]);
        job.args(["-i".to_owned(), format!("file:{input}")]);
        job.args(["-frames:v", "1", "-map_metadata", "-1"]).args([format!("{out}/picture.png")]);
    }
    match job.run(cancel, |_| {}) {
        Ok(()) => {}
        Err(SandboxError::Exit { code: Some(_), .. }) if program.is_none() => return Err(nobody(found)),
        Err(SandboxError::Exit { code: Some(_), .. }) => return Err(damaged()),
        Err(SandboxError::Exit { code: None, .. }) => {
            return Err(MediaTrouble::Rejected(Rejection::ProbeExhausted));
        }
        Err(other) => return Err(other.into()),
    }
    // Of several pictures in one file each gets a number.
    let names = ["picture.png", "picture-1.png"].map(|name| room.path().join(name));
    let Some(made) = names.iter().find(|path| path.exists()) else { return Err(damaged()) };
    let (picture, facts) = pictures::decode_upright(made, limits, screen::of_heif(&head))?;
    let (is, was) = (pair(facts.width, facts.height), pair(told.0, told.1));
    if program.is_none() && is != was {
        // One tile of many.
        return Err(nobody(found));
    }
    let format = if found.starts_with("AVIF") { "avif" } else { "heic" };
    Ok((picture, Facts { format: format.into(), ..facts }))
}

fn pair(one: u32, other: u32) -> (u32, u32) {
    (one.min(other), one.max(other))
}

fn damaged() -> MediaTrouble {
    MediaTrouble::Rejected(Rejection::Unreadable { found: "the picture is damaged or too large".into() })
}

fn nobody(found: &str) -> MediaTrouble {
    MediaTrouble::Rejected(Rejection::NoProgram {
        found: found.into(),
        instead: "JPEG or PNG".into(),
        package: "libheif-examples".into(),
    })
}

/// The largest size that the file names: the properties `ispe` of its pictures and of their tiles.
fn largest(head: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    head.windows(4)
        .enumerate()
        .filter(|(_, name)| name == b"ispe")
        .filter_map(|(at, _)| Some((number(at + 8)?, number(at + 12)?)))
        .filter(|(width, height)| *width > 0 && *height > 0)
        .max_by_key(|(width, height)| u64::from(*width) * u64::from(*height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::sniff::{Form, sniff_file};
    use crate::media::testing::ffmpeg;
    use std::process::Command;

    /// A picture of 320 × 200 in this form, written by libheif's encoder; `None` where that is not installed.
    fn written(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
        let (source, file) = (folder.join("source.png"), folder.join(name));
        let picture = "color=c=red:size=320x200,format=rgb24,drawbox=w=160:h=200:c=blue:t=fill";
        ffmpeg(&["-f", "lavfi", "-i", picture, "-frames:v", "1", source.to_str().unwrap()]);
        let mut coder = Command::new("heif-enc");
        if name.ends_with("avif") {
            coder.arg("-A");
        }
        let ran = coder.arg(&source).arg("-o").arg(&file).output();
        ran.is_ok_and(|out| out.status.success()).then_some(file)
    }

    #[test]
    fn heic_and_avif_become_pictures() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let kit = (&sandbox, &limits, &cancel);
        for (name, found) in [("a.heic", "HEIC picture"), ("a.avif", "AVIF picture")] {
            let Some(file) = written(folder.path(), name).filter(|_| program().is_some()) else { continue };
            assert_eq!(sniff_file(&file, ""), Ok(Form::Heif(found)));
            let (picture, facts) = decode(kit, &file, found).unwrap();
            assert_eq!((facts.width, facts.height), (320, 200), "{name}");
            assert_eq!(facts.format, name.split_once('.').unwrap().1);
            let [left, right] = [40, 280].map(|x| picture.to_rgb8().get_pixel(x, 100).0);
            assert!(left[2] > 200 && left[0] < 60 && right[0] > 200 && right[2] < 60, "{left:?} {right:?}");
            let small = Limits { megapixels: 0, ..limits.clone() };
            let too_large = decode((&sandbox, &small, &cancel), &file, found);
            assert!(matches!(
                too_large,
                Err(MediaTrouble::Rejected(Rejection::TooManyPixels { width: 320, .. }))
            ));
            let whole = std::fs::read(&file).unwrap();
            std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
            assert!(matches!(
                decode(kit, &file, found),
                Err(MediaTrouble::Rejected(Rejection::Unreadable { .. }))
            ));
        }
    }

    #[test]
    fn without_a_program_the_sentence_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let file = folder.path().join("a.heic");
        let ispe = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x14ispe\0\0\0\0\0\0\0\x40\0\0\0\x40".as_slice();
        std::fs::write(&file, ispe).unwrap();
        match decode_by((&sandbox, &limits, &cancel), &file, "HEIC picture", None) {
            Err(MediaTrouble::Rejected(refused @ Rejection::NoProgram { .. })) => {
                let said = refused.to_string();
                assert!(said.contains("JPEG or PNG") && said.contains("libheif-examples"), "{said}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(largest(b"no picture at all"), None);
        assert_eq!(largest(b"ispe\0\0\0\0\0\0"), None);
    }
}
