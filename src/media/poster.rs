//! The still of a film: a frame that is neither black nor empty.

use super::ladder::Size;
use super::normalise::Normalised;
use super::package::{STILL_TIME, join_stream};
use super::sandbox::{Cancel, Sandbox};
use super::side_by_side;
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
    let Some((best, rung)) = made.h264.last().and_then(|best| Some((best, best.rung?))) else {
        return Ok(None);
    };
    let count = made.segments.len();
    let looks: Vec<usize> = (0..count.min(8)).collect();
    let seen = side_by_side::each(&looks, |look| {
        let number = (look * count + count / 2) / looks.len();
        let part = scratch.join(format!("still-{look}.mp4"));
        join_stream(&public.join(&best.folder), &part, Some(number.min(count - 1)))?;
        let picture = typical_frame((sandbox, limits, cancel), &part, rung.size);
        std::fs::remove_file(&part)?;
        let picture = picture?;
        Ok::<_, MediaTrouble>((liveliness(&picture), picture))
    });
    let mut chosen: Option<(f64, DynamicImage)> = None;
    for look in seen {
        let (liveliness, picture) = look?;
        if chosen.as_ref().is_none_or(|(best, _)| liveliness > *best) {
            chosen = Some((liveliness, picture));
        }
    }
    Ok(chosen.map(|(_, p)| p))
}

fn typical_frame(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    part: &Path,
    size: Size,
) -> Result<DynamicImage, MediaTrouble> {
    let mut job = sandbox.job("ffmpeg", limits, STILL_TIME);
    let input = job.reads(part)?;
    job.args(["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-f", "mp4"]);
    job.args(["-i".to_owned(), format!("file:{input}"), "-map".into(), "0:v:0".into()]);
    // The most typical of eight out of fifty frames: more of them cost more than they tell.
    job.args(["-vf", "select=not(mod(n\\,6)),thumbnail=8,format=rgb24", "-frames:v", "1"]);
    job.args(["-f", "rawvideo", "pipe:1"]);
    let mut running = job.start(cancel)?;
    let mut bytes = vec![];
    if let Some(pipe) = running.stdout() {
        pipe.take(256 << 20).read_to_end(&mut bytes)?;
    }
    running.finish()?;
    image::RgbImage::from_raw(size.width, size.height, bytes)
        .map(DynamicImage::ImageRgb8)
        .ok_or_else(|| MediaTrouble::internal("a still cannot be read"))
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
