//! Near-lossless segments of six seconds, the only input of the smaller rungs and of AV1: seeking in an original is not
//! exact to the frame. Foreign bytes are decoded once more for it, after the pass for which people wait; that costs
//! little beside what rav1e takes, and a film plays a quarter sooner (`docs/decisions/0011`).

use super::ladder::Size;
use super::normalise::{Normalised, clean, fixed_groups, reading, upright};
use super::probe::Probed;
use super::sandbox::{Cancel, Sandbox};
use super::{Limits, MediaTrouble};
use std::path::Path;

/// Name of a mezzanine segment.
#[must_use]
pub fn mezzanine_name(number: usize) -> String {
    format!("{number:05}.mkv")
}

/// Makes the segments in `folder`, which exists and is empty, of the same original as `made`. `progress` hears the
/// frames done.
///
/// # Errors
/// A failure, cancellation, or other segments than the pass before it made.
pub fn make(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    source: &Path,
    probed: &Probed,
    made: &Normalised,
    folder: &Path,
    mut progress: impl FnMut(u64),
) -> Result<(), MediaTrouble> {
    let highest = made.av1.last().ok_or_else(|| MediaTrouble::internal("nothing is made of a mezzanine"))?;
    let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(probed.facts.duration_ms));
    job.at_leisure();
    let (input, out) = (job.reads(source)?, job.writes(folder)?);
    job.args(reading(&input, limits));
    job.args(["-filter_complex".to_owned(), filter_graph(probed, made, highest.size)]);
    job.args(output(probed.rate, &out));
    job.run(cancel, |line| {
        if let Some(("frame", n)) = line.split_once('=')
            && let Ok(done) = n.trim().parse()
        {
            progress(done);
        }
    })?;
    if std::fs::read_dir(folder)?.count() != made.segments.len() {
        return Err(MediaTrouble::internal("mezzanine and rungs differ in their segments"));
    }
    Ok(())
}

/// The frames of the pass before it, at the `size` of the largest AV1 rung. What has more than eight bits a sample goes
/// past all that, with ten and with its own range of light.
fn filter_graph(probed: &Probed, made: &Normalised, size: Size) -> String {
    let (w, h) = (size.width, size.height);
    if !probed.colour.deep {
        let played = made.h264.iter().filter_map(|s| s.rung).map(|r| r.size);
        let top = played.max_by_key(|s| s.width * s.height).filter(|s| s.width * s.height > w * h);
        let top = top.unwrap_or(size);
        return format!("[0:V:0]{},scale={w}:{h}:flags=bicubic[mezz]", upright(probed, top));
    }
    let (n, d) = probed.rate;
    let matrix = match (probed.rgb, probed.hdr) {
        (true, true) => ":out_color_matrix=bt2020",
        (true, false) => ":out_color_matrix=bt709",
        (false, _) => "",
    };
    format!(
        "[0:V:0]fps={n}/{d}:start_time=0,scale={w}:{h}:flags=bicubic{matrix}:out_range=tv,format=yuv420p10le,setsar=1[mezz]"
    )
}

fn output(rate: (u32, u32), folder: &str) -> Vec<String> {
    let mut args = ["-map", "[mezz]", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "10"]
        .map(String::from)
        .to_vec();
    args.extend(fixed_groups(rate));
    args.extend(clean());
    args.extend(["-f", "segment", "-segment_format", "matroska", "-segment_time", "5"].map(String::from));
    args.push(format!("{folder}/%05d.mkv"));
    args
}
