//! What a player shows of the whole before it is played: small pictures of a film in sheets, and how
//! loud a sound is over its length. Made of our own renditions, never of what was sent.

use super::normalise::Normalised;
use super::package::join_stream;
use super::sandbox::{Cancel, Sandbox};
use super::{Limits, MediaTrouble, poster};
use crate::domain::media::{Overview, Storyboard};
use image::DynamicImage;
use std::io::Read;
use std::path::Path;

/// Small pictures of one film at most.
const MOST_PICTURES: u64 = 200;
/// Between two of them at least, in milliseconds.
const CLOSEST_MS: u64 = 2_000;
/// Films longer than this are looked at where their groups begin, every six seconds: nothing between has
/// to be decoded.
const SHORT_MS: u64 = 240_000;
const GROUP_MS: u64 = 6_000;
/// The longer side of one, in pixels.
const SIDE: u32 = 160;
/// Pictures in a row, and rows in a sheet.
const SHEET: u32 = 10;
/// Loudnesses that stand for a sound.
const LEVELS: usize = 240;
/// Samples a second that are looked at for them.
const SAMPLES_PER_SECOND: u64 = 4_000;

/// Pictures in full, of which one becomes the still.
pub(super) const LOOKS: &str = "looks.rgb";

type Kit<'a> = (&'a Sandbox, &'a Limits, &'a Cancel);

/// Name of sheet `number`, counted from one.
#[must_use]
pub fn sheet_name(number: u32) -> String {
    format!("storyboard-{number:02}.jpg")
}

/// Makes what belongs to the kind of work. A work is as good without it: what goes wrong here is no
/// reason to refuse the work.
///
/// # Errors
/// If somebody asked to stop, or there is no room.
pub fn make(
    kit: Kit<'_>,
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<Overview, MediaTrouble> {
    let mut overview = Overview::default();
    if made.h264.is_empty() {
        overview.waveform = or_none(waveform(kit, public, made, scratch))?.unwrap_or_default();
    } else {
        overview.storyboard = or_none(storyboard(kit, public, made, scratch))?.flatten();
    }
    Ok(overview)
}

/// The picture of a sound: the cover that was taken out of its file into `scratch`, else which pitches it has over its
/// length. `None` if it cannot be made; the sound is as good without.
///
/// # Errors
/// If somebody asked to stop, or there is no room.
pub fn spectrogram(
    kit: Kit<'_>,
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<Option<DynamicImage>, MediaTrouble> {
    match super::cover::taken(scratch, kit.1) {
        None => or_none(spectrum(kit, public, made, scratch)).map(Option::flatten),
        cover => Ok(cover),
    }
}

fn spectrum(
    (sandbox, limits, cancel): Kit<'_>,
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<Option<DynamicImage>, MediaTrouble> {
    let Some(stream) = made.sound.as_ref() else { return Ok(None) };
    let whole = scratch.join("sound-picture.mp4");
    join_stream(&public.join(&stream.folder), &whole, None)?;
    let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(made.duration_ms));
    let (input, out) = (job.reads(&whole)?, job.writes(scratch)?);
    job.args(["-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file,pipe", "-f", "mp4"]);
    job.args(["-i".to_owned(), format!("file:{input}"), "-lavfi".into()]);
    // A picture of half a power of two in height: any other makes ffmpeg 5.1 count each window in the slow way, a
    // minute for eight seconds of sound. All samples are kept in memory until the end.
    job.args([format!(
        "[0:a:0]aresample={},aformat=channel_layouts=mono,showspectrumpic=s=1280x512:legend=0:color=magma:scale=log,\
         scale=1280:720,format=rgb24",
        picture_rate(made.duration_ms)
    )]);
    job.args(["-frames:v".to_owned(), "1".into(), format!("{out}/spectrum.png")]);
    job.run(cancel, |_| {})?;
    std::fs::remove_file(&whole)?;
    let file = scratch.join("spectrum.png");
    let (picture, _) = super::pictures::decode(&file, limits)?;
    std::fs::remove_file(&file)?;
    Ok(Some(picture))
}

/// Samples a second that are looked at for the picture of a sound of that length: half a gigabyte of them at most,
/// and what nobody hears is left out.
fn picture_rate(duration_ms: u64) -> u64 {
    const MOST: u64 = (512 << 20) / 4;
    (MOST * 1000 / duration_ms.max(1)).clamp(4_000, 32_000)
}

fn or_none<T>(made: Result<T, MediaTrouble>) -> Result<Option<T>, MediaTrouble> {
    use crate::domain::media::Failure;
    match made {
        Ok(made) => Ok(Some(made)),
        Err(e @ (MediaTrouble::Cancelled | MediaTrouble::Failed(Failure::NoRoom))) => Err(e),
        Err(error) => {
            tracing::warn!(%error, "the overview of a work could not be made");
            Ok(None)
        }
    }
}

/// How often a picture is taken of a film of that length, and whether only at the beginnings of groups.
pub(super) fn interval(duration_ms: u64) -> (u64, bool) {
    let apart = duration_ms.div_ceil(MOST_PICTURES).max(CLOSEST_MS);
    if duration_ms <= SHORT_MS { (apart, false) } else { (apart.div_ceil(GROUP_MS) * GROUP_MS, true) }
}

/// Width and height of one picture: even, and never long and thin beyond use.
fn tile(width: u32, height: u32) -> (u32, u32) {
    let even = |n: u64| u32::try_from(n.clamp(32, u64::from(SIDE)) / 2 * 2).unwrap_or(SIDE);
    let (w, h, side) = (u64::from(width.max(1)), u64::from(height.max(1)), u64::from(SIDE));
    if w >= h { (SIDE, even(side * h / w)) } else { (even(side * w / h), SIDE) }
}

/// The filter that takes the pictures of a film of that length.
fn taking(duration_ms: u64) -> String {
    format!("fps=1000/{}:start_time=0:round=up", interval(duration_ms).0)
}

/// The filter that puts pictures of that shape on sheets.
fn on_sheets((width, height): (u32, u32)) -> String {
    let (width, height) = tile(width, height);
    format!("scale={width}:{height},tile={SHEET}x{SHEET}")
}

/// How many pictures there are of a film of that length.
fn count(duration_ms: u64) -> u32 {
    let count = duration_ms.div_ceil(interval(duration_ms).0).min(MOST_PICTURES);
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Which of the pictures of a film that says it has this length may become its still.
pub(super) fn looks(duration_ms: u64) -> Vec<u32> {
    poster::looks(count(duration_ms))
}

/// The filters of the pass from `[sboard]`: all pictures small on sheets to `[board]`, and those that may become the
/// still in full, of the size of the film as it plays, to `[looks]`.
pub(super) fn filters(duration_ms: u64, shape: (u32, u32), plays: (u32, u32)) -> String {
    let (taking, on_sheets) = (taking(duration_ms), on_sheets(shape));
    let looks = looks(duration_ms);
    if looks.is_empty() {
        return format!("[sboard]{taking},{on_sheets}[board]");
    }
    let chosen: Vec<String> = looks.iter().map(|n| format!("eq(n\\,{n})")).collect();
    format!(
        "[sboard]{taking},split=2[small][full];[small]{on_sheets}[board];[full]select={},scale={}:{}:flags=bicubic,format=rgb24[looks]",
        chosen.join("+"),
        plays.0,
        plays.1
    )
}

/// What ffmpeg is told to write `[looks]` as, one behind the other, in `folder`.
pub(super) fn looks_output(duration_ms: u64, folder: &str) -> Vec<String> {
    if looks(duration_ms).is_empty() {
        return vec![];
    }
    let words = ["-map", "[looks]", "-fps_mode", "passthrough", "-c:v", "rawvideo", "-f", "rawvideo"];
    words.into_iter().map(String::from).chain([format!("{folder}/{LOOKS}")]).collect()
}

/// What ffmpeg is told to write `label` as sheets in `folder`: never more than belong to a film, however wrong the
/// length was that it said of itself.
pub(super) fn sheets_output(label: &str, folder: &str) -> Vec<String> {
    let most = MOST_PICTURES.div_ceil(u64::from(SHEET * SHEET)).to_string();
    let words = ["-map", &format!("[{label}]"), "-q:v", "5", "-map_metadata", "-1", "-frames:v", &most];
    let place = format!("{folder}/storyboard-%02d.jpg");
    words.into_iter().chain(["-f", "image2", &place]).map(String::from).collect()
}

fn sheets(public: &Path) -> u32 {
    (1..).take_while(|n| public.join(sheet_name(*n)).exists()).count().try_into().unwrap_or(u32::MAX)
}

fn storyboard(
    (sandbox, limits, cancel): Kit<'_>,
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<Option<Storyboard>, MediaTrouble> {
    let Some(stream) = made.h264.first() else { return Ok(None) };
    let Some(rung) = stream.rung else { return Ok(None) };
    let (apart, keys_only) = interval(made.duration_ms);
    // The pass went by the length that the file said of itself.
    if made.pictures_ms != apart || sheets(public) == 0 {
        for number in 1..=sheets(public) {
            std::fs::remove_file(public.join(sheet_name(number)))?;
        }
        let whole = scratch.join("small.mp4");
        join_stream(&public.join(&stream.folder), &whole, None)?;
        let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(made.duration_ms));
        let (input, out) = (job.reads(&whole)?, job.writes(public)?);
        job.args(["-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file,pipe"]);
        if keys_only {
            job.args(["-skip_frame", "nokey"]);
        }
        job.args(["-f".to_owned(), "mp4".into(), "-i".into(), format!("file:{input}")]);
        let shape = (rung.size.width, rung.size.height);
        let graph = format!("[0:v:0]{},{}[board]", taking(made.duration_ms), on_sheets(shape));
        job.args(["-filter_complex".to_owned(), graph]).args(sheets_output("board", &out));
        let done = job.run(cancel, |_| {});
        std::fs::remove_file(&whole)?;
        done?;
    }
    let on_them = u64::from(sheets(public)) * u64::from(SHEET * SHEET);
    let (width, height) = tile(rung.size.width, rung.size.height);
    let count = made.duration_ms.div_ceil(apart).min(on_them);
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Ok((count > 0).then(|| Storyboard {
        interval_ms: number(apart),
        count: number(count),
        columns: SHEET,
        rows: SHEET,
        width,
        height,
    }))
}

fn waveform(
    (sandbox, limits, cancel): Kit<'_>,
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<String, MediaTrouble> {
    let Some(sound) = &made.sound else { return Ok(String::new()) };
    let whole = scratch.join("sound.mp4");
    join_stream(&public.join(&sound.folder), &whole, None)?;
    let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(made.duration_ms));
    let input = job.reads(&whole)?;
    job.args(["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-f", "mp4"]);
    job.args(["-i".to_owned(), format!("file:{input}"), "-map".into(), "0:a:0".into()]);
    job.args(["-ac".to_owned(), "1".into(), "-ar".into(), SAMPLES_PER_SECOND.to_string()]);
    job.args(["-f", "u8", "pipe:1"]);
    let mut running = job.start(cancel)?;
    let levels = match running.stdout() {
        Some(pipe) => loudness(pipe, made.duration_ms * SAMPLES_PER_SECOND / 1000)?,
        None => vec![],
    };
    running.finish()?;
    std::fs::remove_file(&whole)?;
    Ok(hex::encode(levels))
}

/// The greatest loudness of each of [`LEVELS`] parts of `expected` samples (bytes around 128), as 0 to 255
/// of the loudest of all.
fn loudness(mut samples: impl Read, expected: u64) -> Result<Vec<u8>, MediaTrouble> {
    let mut peaks = [0_u8; LEVELS];
    let (mut at, mut buffer) = (0_u64, [0_u8; 1 << 14]);
    loop {
        let read = samples.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        for sample in &buffer[..read] {
            let part = usize::try_from(at * LEVELS as u64 / expected.max(1)).unwrap_or(LEVELS);
            let peak = &mut peaks[part.min(LEVELS - 1)];
            *peak = (*peak).max(sample.abs_diff(128));
            at += 1;
        }
    }
    let loudest = u32::from(peaks.iter().max().copied().unwrap_or(0).max(1));
    Ok(peaks.iter().map(|p| u8::try_from(u32::from(*p) * 255 / loudest).unwrap_or(255)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_films_have_a_picture_every_two_seconds_and_long_ones_at_the_beginnings_of_groups() {
        assert_eq!(interval(1_000), (2_000, false));
        assert_eq!(interval(SHORT_MS), (2_000, false));
        assert_eq!(interval(SHORT_MS + 1), (6_000, true));
        assert_eq!(interval(1_200_000), (6_000, true));
        assert_eq!(interval(1_200_001), (12_000, true));
        for duration in [1, SHORT_MS, SHORT_MS + 1, 4 * 3_600_000] {
            assert!(duration.div_ceil(interval(duration).0) <= MOST_PICTURES, "{duration}");
        }
    }

    #[test]
    fn the_picture_of_a_long_sound_is_made_of_fewer_samples() {
        assert_eq!(picture_rate(0), 32_000);
        assert_eq!(picture_rate(3_600_000), 32_000);
        assert_eq!(picture_rate(4 * 3_600_000), 9_320);
        assert_eq!(picture_rate(1_000 * 3_600_000), 4_000);
    }

    #[test]
    fn pictures_keep_their_shape_within_reason() {
        assert_eq!(tile(640, 360), (160, 90));
        assert_eq!(tile(360, 640), (90, 160));
        assert_eq!(tile(4000, 10), (160, 32));
        assert_eq!(tile(0, 0), (160, 160));
    }

    #[test]
    fn loudness_is_told_by_part_and_against_the_loudest() {
        let mut samples = vec![128_u8; 4800];
        samples[2400..2600].fill(28);
        samples[4700] = 178;
        let levels = loudness(samples.as_slice(), 4800).unwrap();
        assert_eq!(levels.len(), LEVELS);
        assert_eq!((levels[0], levels[120], levels[129], levels[130], levels[235]), (0, 255, 255, 0, 127));
        // More comes than was promised, or nothing at all.
        assert_eq!(loudness(vec![0; 100].as_slice(), 10).unwrap()[LEVELS - 1], 255);
        assert_eq!(loudness([].as_slice(), 0).unwrap(), vec![0; LEVELS]);
    }
}
