//! The still of a film: a frame that is neither black nor empty.

use super::ladder::Size;
use super::normalise::Normalised;
use super::overview::{LOOKS, sheet_name};
use super::package::{STILL_TIME, join_stream};
use super::sandbox::{Cancel, Sandbox};
use super::{Limits, MediaTrouble};
use crate::domain::media::Storyboard;
use image::DynamicImage;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Places that are looked at: more of them cost more than they tell.
const MOST_LOOKS: u32 = 8;

/// Looks at up to eight of the small pictures and takes the liveliest one in full: as the pass wrote it into `scratch`,
/// else cut out of what plays. `None` for sound.
///
/// # Errors
/// If our own rendition cannot be decoded.
pub fn choose(
    kit: (&Sandbox, &Limits, &Cancel),
    public: &Path,
    made: &Normalised,
    board: Option<&Storyboard>,
    scratch: &Path,
) -> Result<Option<DynamicImage>, MediaTrouble> {
    let Some((best, rung)) = made.h264.last().and_then(|best| Some((best, best.rung?))) else {
        return Ok(None);
    };
    // Those that the pass wrote in full, if it went by the right length.
    let full =
        board.filter(|b| u64::from(b.interval_ms) == made.pictures_ms).map_or(&[][..], |_| &made.looks);
    let some = board.map_or_else(Vec::new, |b| if full.is_empty() { looks(b.count) } else { full.to_vec() });
    let index = board.and_then(|board| liveliest(public, board, &some));
    if let Some(picture) = index
        .and_then(|index| full.iter().position(|look| *look == index))
        .and_then(|number| read(&scratch.join(LOOKS), number, rung.size))
    {
        return Ok(Some(picture));
    }
    let at = index.zip(board).map_or(made.duration_ms / 2, |(n, b)| u64::from(n) * u64::from(b.interval_ms));
    let (number, frame) = place(made, at);
    let part = scratch.join("still.mp4");
    join_stream(&public.join(&best.folder), &part, Some(number))?;
    let picture = cut_out(kit, &part, frame, rung.size);
    std::fs::remove_file(&part)?;
    picture.map(Some)
}

/// Which of so many small pictures are looked at. None if there is no choice: a film of a single picture, which is its
/// first frame and often black.
pub(super) fn looks(count: u32) -> Vec<u32> {
    if count < 2 {
        return vec![];
    }
    let looks = count.min(MOST_LOOKS);
    (0..looks).map(|look| (look * count + count / 2) / looks).collect()
}

/// The liveliest of these small pictures. `None` if there is none, or the sheets cannot be read.
fn liveliest(public: &Path, board: &Storyboard, looks: &[u32]) -> Option<u32> {
    // The length that the file says of itself may promise a choice that there is not.
    if board.count < 2 {
        return None;
    }
    let on_sheet = board.columns * board.rows;
    let mut sheet: Option<(u32, DynamicImage)> = None;
    let mut best: Option<(f64, u32)> = None;
    for index in looks.iter().copied().filter(|index| *index < board.count) {
        let (number, on_it) = (index / on_sheet + 1, index % on_sheet);
        if sheet.as_ref().is_none_or(|(n, _)| *n != number) {
            sheet = Some((number, image::open(public.join(sheet_name(number))).ok()?));
        }
        let (_, pictures) = sheet.as_ref()?;
        let (x, y) = (on_it % board.columns * board.width, on_it / board.columns * board.height);
        let liveliness = liveliness(&pictures.crop_imm(x, y, board.width, board.height));
        if best.is_none_or(|(most, _)| liveliness > most) {
            best = Some((liveliness, index));
        }
    }
    best.map(|(_, index)| index)
}

/// The picture at that place of those that the pass wrote in full, one behind the other; `None` if it came to fewer.
fn read(looks: &Path, number: usize, size: Size) -> Option<DynamicImage> {
    let bytes = u64::from(size.width) * u64::from(size.height) * 3;
    let mut file = File::open(looks).ok()?;
    file.seek(SeekFrom::Start(bytes * number as u64)).ok()?;
    let mut picture = vec![0; usize::try_from(bytes).ok()?];
    file.read_exact(&mut picture).ok()?;
    image::RgbImage::from_raw(size.width, size.height, picture).map(DynamicImage::ImageRgb8)
}

/// The segment in which that moment lies, and the frame in it.
fn place(made: &Normalised, at_ms: u64) -> (usize, u64) {
    let (n, d) = (u64::from(made.rate.0), u64::from(made.rate.1.max(1)));
    let mut frame = (at_ms * n / (1000 * d)).min(made.frames().saturating_sub(1));
    for (number, frames) in made.segments.iter().enumerate() {
        if frame < *frames {
            return (number, frame);
        }
        frame -= frames;
    }
    (0, 0)
}

fn cut_out(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    part: &Path,
    frame: u64,
    size: Size,
) -> Result<DynamicImage, MediaTrouble> {
    let mut job = sandbox.job("ffmpeg", limits, STILL_TIME);
    let input = job.reads(part)?;
    job.args(["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-f", "mp4"]);
    job.args(["-i".to_owned(), format!("file:{input}"), "-map".into(), "0:v:0".into()]);
    job.args([
        "-vf".to_owned(),
        format!("select=gte(n\\,{frame}),format=rgb24"),
        "-frames:v".into(),
        "1".into(),
    ]);
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
