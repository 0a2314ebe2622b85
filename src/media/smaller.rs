//! The smaller H.264 rungs. Nobody waits for them, so they are made of the mezzanine after the largest one plays.

use super::ladder::Rung;
use super::mezzanine::mezzanine_name;
use super::normalise::{Effort, MadeStream, Normalised, h264_output, video_stream};
use super::sandbox::{Cancel, Sandbox};
use super::store::write_atomically;
use super::{Limits, MediaTrouble};
use std::path::Path;

/// The mezzanine as one film, for ffmpeg's reader of lists.
const LIST: &str = "all.ffconcat";

/// Name of the folder of an H.264 rung.
#[must_use]
pub fn h264_folder(rung: &Rung) -> String {
    format!("h264-{}", rung.lines)
}

/// Makes one rung in its folder under `public`, which must not be there yet. `progress` hears the frames done.
///
/// # Errors
/// A failure, cancellation, or frames other than those of the mezzanine.
pub fn make(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    mezzanine: &Path,
    made: &Normalised,
    rung: Rung,
    public: &Path,
    mut progress: impl FnMut(u64),
) -> Result<MadeStream, MediaTrouble> {
    let folder = h264_folder(&rung);
    let place = public.join(&folder);
    std::fs::create_dir_all(&place)?;
    let names = (0..made.segments.len()).map(|n| format!("file {}\n", mezzanine_name(n)));
    write_atomically(&mezzanine.join(LIST), names.collect::<String>().as_bytes())?;
    let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(made.duration_ms));
    job.at_leisure();
    let (input, out) = (job.reads(mezzanine)?, job.writes(&place)?);
    let (n, d) = made.rate;
    job.args(["-nostdin", "-v", "error", "-nostats", "-progress", "pipe:1", "-y"]);
    job.args(["-protocol_whitelist", "file,pipe", "-f", "concat"]);
    // The times of the segments are rounded to milliseconds; every frame has the next place instead.
    job.args(["-r".to_owned(), format!("{n}/{d}"), "-i".into(), format!("file:{input}/{LIST}")]);
    let size = rung.size;
    let scale = format!("[0:v:0]scale={}:{}:flags=bicubic[v]", size.width, size.height);
    job.args(["-filter_complex".to_owned(), scale]);
    job.args(h264_output("v", &rung, made.rate, &out, Effort::Usual));
    job.run(cancel, |line| {
        if let Some(("frame", n)) = line.split_once('=')
            && let Ok(done) = n.trim().parse()
        {
            progress(done);
        }
    })?;
    let (stream, frames) = video_stream(&place, &folder, rung, made.rate)?;
    if frames != made.segments {
        return Err(MediaTrouble::internal("a smaller rung has other frames than the mezzanine"));
    }
    Ok(stream)
}
