//! The still of a film: a frame that is neither black nor empty.

use super::normalise::Normalised;
use super::package::{STILL_TIME, join_stream};
use super::sandbox::{Cancel, Sandbox};
use super::{Limits, MediaTrouble};
use image::DynamicImage;
use std::io::Read;
use std::path::Path;

/// Looks at up to eight places and takes the liveliest picture. `None` for sound.
///
/// # Errors
/// If our own rendition cannot be decoded.
pub fn choose(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<Option<DynamicImage>, MediaTrouble> {
    let Some(best) = made.h264.last() else { return Ok(None) };
    let count = made.segments.len();
    let looks = count.min(8);
    let mut chosen: Option<(f64, DynamicImage)> = None;
    for look in 0..looks {
        let number = (look * count + count / 2) / looks.max(1);
        let part = scratch.join("still.mp4");
        join_stream(&public.join(&best.folder), &part, Some(number.min(count - 1)))?;
        let picture = typical_frame((sandbox, limits, cancel), &part);
        std::fs::remove_file(&part)?;
        let picture = picture?;
        let liveliness = liveliness(&picture);
        if chosen.as_ref().is_none_or(|(best, _)| liveliness > *best) {
            chosen = Some((liveliness, picture));
        }
    }
    Ok(chosen.map(|(_, p)| p))
}

fn typical_frame(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    part: &Path,
) -> Result<DynamicImage, MediaTrouble> {
    let mut job = sandbox.job("ffmpeg", limits, STILL_TIME);
    let input = job.reads(part)?;
    job.args(["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-f", "mp4"]);
    job.args(["-i".to_owned(), format!("file:{input}"), "-map".into(), "0:v:0".into()]);
    job.args(["-vf", "thumbnail=50", "-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "pipe:1"]);
    let mut running = job.start(cancel)?;
    let mut bytes = vec![];
    if let Some(pipe) = running.stdout() {
        pipe.take(256 << 20).read_to_end(&mut bytes)?;
    }
    running.finish()?;
    image::load_from_memory_with_format(&bytes, image::ImageFormat::Png)
        .map_err(|_| MediaTrouble::internal("a still cannot be read"))
}

/// Spread of brightness, less for pictures that are nearly black or nearly white.
fn liveliness(picture: &DynamicImage) -> f64 {
    let small = picture.thumbnail(64, 64).to_luma8();
    let count = small.pixels().len().max(1) as f64;
    let mean = small.pixels().map(|p| f64::from(p[0])).sum::<f64>() / count;
    let variance = small.pixels().map(|p| (f64::from(p[0]) - mean).powi(2)).sum::<f64>() / count;
    let factor = if (35.0..220.0).contains(&mean) { 1.0 } else { 0.2 };
    variance.sqrt() * factor
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, Rgb, RgbImage};

    #[test]
    fn a_lively_picture_beats_black_and_white() {
        let black = DynamicImage::ImageRgb8(RgbImage::from_pixel(64, 36, Rgb([2, 2, 2])));
        let stripes = DynamicImage::ImageLuma8(image::ImageBuffer::from_fn(64, 36, |x, _| {
            Luma([if x % 16 < 8 { 60 } else { 190 }])
        }));
        assert!(liveliness(&stripes) > 10.0 * liveliness(&black));
    }
}
