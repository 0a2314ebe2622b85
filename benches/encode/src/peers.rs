//! Other encoders, each through ffmpeg, as far as the ffmpeg there has them.

use crate::tools::{Fallible, run, text, words};
use std::path::Path;

/// Another way to encode the same frames.
pub struct Peer {
    /// What stands in the table.
    pub name: String,
    /// ffmpeg's name of the encoder.
    encoder: &'static str,
    /// Its words, before the rate.
    words: String,
    /// The word that sets its quality, and four qualities from fine to coarse.
    rates: (&'static str, [u32; 4]),
    /// The form of the file.
    form: &'static str,
}

/// How many qualities each is tried at.
pub const POINTS: usize = 4;

/// All that this ffmpeg has.
pub fn all(ffmpeg: &str, speed: u8, quantizers: [u32; 4], group: u32, cores: usize) -> Fallible<Vec<Peer>> {
    let has = run(ffmpeg, &words("-v error -encoders"))?;
    let peer = |name: String, encoder, words: String, rates, form| Peer { name, encoder, words, rates, form };
    let g = format!("-g {group} -threads {cores}");
    let wanted = vec![
        peer(
            format!("ffmpeg librav1e, speed {speed}, {cores} threads"),
            "librav1e",
            format!("-speed {speed} {g}"),
            ("-qp", quantizers),
            "ivf",
        ),
        peer(
            format!("ffmpeg librav1e, speed {speed}, {cores} tiles"),
            "librav1e",
            format!("-speed {speed} -tiles {cores} {g}"),
            ("-qp", quantizers),
            "ivf",
        ),
        peer(
            "ffmpeg libaom, cpu-used 8".into(),
            "libaom-av1",
            format!("-cpu-used 8 -row-mt 1 -b:v 0 {g}"),
            ("-crf", [24, 33, 43, 53]),
            "ivf",
        ),
        peer(
            "ffmpeg SVT-AV1, preset 10".into(),
            "libsvtav1",
            format!("-preset 10 {g}"),
            ("-crf", [26, 36, 46, 56]),
            "ivf",
        ),
        peer(
            "ffmpeg libx264, medium".into(),
            "libx264",
            format!("-preset medium {g}"),
            ("-crf", [18, 23, 28, 33]),
            "h264",
        ),
    ];
    let is_there = |p: &Peer| has.lines().any(|l| l.split_whitespace().nth(1) == Some(p.encoder));
    Ok(wanted.into_iter().filter(is_there).collect())
}

impl Peer {
    /// Encodes the raw frames at quality `point`; gives the bytes of the coded frames without those of the container.
    pub fn encode(&self, ffmpeg: &str, raw: &Path, point: usize, frames: u64, out: &Path) -> Fallible<u64> {
        let mut line = words("-nostdin -v error -y -i");
        line.push(text(raw));
        line.extend(words(&format!("-c:v {} {}", self.encoder, self.words)));
        line.extend([self.rates.0.to_owned(), self.rates.1[point].to_string()]);
        line.extend(words(&format!("-pix_fmt yuv420p -f {}", self.form)));
        line.push(text(out));
        run(ffmpeg, &line)?;
        let bytes = std::fs::metadata(out)?.len();
        // 32 bytes for the file, 12 for each frame, and 2 of the delimiter that our segments do not carry.
        Ok(if self.form == "ivf" { bytes.saturating_sub(32 + 14 * frames) } else { bytes })
    }
}
