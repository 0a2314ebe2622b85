//! The clip: cut to length, brought through the first part of the pipeline, and as raw frames.

use crate::tools::{Fallible, run, text, timed, words};
use kinora::media::Limits;
use kinora::media::av1::scaling;
use kinora::media::finish::finish;
use kinora::media::ladder::Rung;
use kinora::media::mezzanine::{self, mezzanine_name};
use kinora::media::normalise::{NormalisePlan, Normalised, Places, normalise};
use kinora::media::probe;
use kinora::media::sandbox::{Cancel, Sandbox};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Helper programs, limits, and the wish to stop that never comes.
pub struct Kit {
    /// Helper programs.
    pub sandbox: Sandbox,
    /// The usual limits.
    pub limits: Limits,
    /// Never set.
    pub cancel: Cancel,
}

impl Kit {
    /// As a worker has them.
    pub fn new() -> Self {
        Self { sandbox: Sandbox::detect(), limits: Limits::default(), cancel: Cancel::default() }
    }

    /// As the functions of the media room take it.
    pub fn all(&self) -> (&Sandbox, &Limits, &Cancel) {
        (&self.sandbox, &self.limits, &self.cancel)
    }
}

/// Cuts a clip to its first seconds without decoding it; a shorter one is repeated.
pub fn cut(clip: &Path, seconds: f64, folder: &Path) -> Fallible<PathBuf> {
    let cut = folder.join("clip.mkv");
    let mut line = words("-v error -y -fflags +genpts -stream_loop -1 -i");
    line.push(text(clip));
    line.extend(words(&format!("-t {seconds} -map 0:V:0 -map 0:a:0? -c copy")));
    line.push(text(&cut));
    run("ffmpeg", &line)?;
    Ok(cut)
}

/// The first part of the pipeline, once.
pub struct Prepared {
    /// What the normalising pass made.
    pub made: Normalised,
    /// Where the mezzanine lies.
    pub mezzanine: PathBuf,
    /// Seconds until a player could begin.
    pub playable: f64,
    /// Seconds of each step on the way there.
    pub steps: Vec<(&'static str, f64)>,
}

/// Does what stands between the last byte of an upload and the first rendition that plays: examined; the
/// largest H.264 rung, sound; the plain file, the poster in all sizes and the storyboard. Not in it: the queue,
/// which takes up to a second when idle. The mezzanine comes after it.
pub fn prepare(kit: &Kit, clip: &Path, av1: &[u32], folder: &Path) -> Fallible<Prepared> {
    let (public, mezzanine, scratch) =
        (folder.join("public"), folder.join("mezzanine"), folder.join("scratch"));
    for place in [&public, &mezzanine, &scratch] {
        let _ = std::fs::remove_dir_all(place);
        std::fs::create_dir_all(place)?;
    }
    let mut steps = vec![];
    let mut step = |name, since: Instant| steps.push((name, since.elapsed().as_secs_f64()));
    let ((made, probed), playable) = timed(|| {
        let begun = Instant::now();
        let probed = probe::probe(&kit.sandbox, &kit.limits, clip, &kit.cancel)?;
        step("examined", begun);
        let mut h264 = [&[360, 720, 1080], av1].concat();
        h264.sort_unstable();
        h264.dedup();
        let plan = NormalisePlan { h264, av1: av1.to_vec(), loudness: 0 };
        let begun = Instant::now();
        let places = Places { public: &public, scratch: &scratch };
        let made = normalise(kit.all(), clip, &probed, &plan, places, |_, _| {})?;
        step("normalised", begun);
        let begun = Instant::now();
        finish(kit.all(), &public, &made, &scratch)?;
        step("plain file, poster, storyboard", begun);
        Ok((made, probed))
    })?;
    let begun = Instant::now();
    mezzanine::make(kit.all(), clip, &probed, &made, &mezzanine, |_| {})?;
    step("after it the mezzanine", begun);
    Ok(Prepared { made, mezzanine, playable, steps })
}

/// The words for ffmpeg that read all mezzanine segments as one film at the size of a rung.
pub fn joined(prepared: &Prepared, rung: Rung, list: &Path) -> Fallible<Vec<String>> {
    let names: String = (0..prepared.made.segments.len())
        .map(|n| format!("file '{}'\n", text(&prepared.mezzanine.join(mezzanine_name(n)))))
        .collect();
    std::fs::write(list, names)?;
    let mut line = words("-nostdin -v error -y -threads 1 -f concat -safe 0 -i");
    line.push(text(list));
    let scaled = scaling::filter(rung.size, "yuv420p");
    line.extend(words(&format!("-map 0:v:0 -vf {scaled} -fps_mode passthrough -f yuv4mpegpipe")));
    Ok(line)
}

/// All frames of the mezzanine at the size of a rung, raw: what all encoders get, and what all results
/// are compared with.
pub fn reference(prepared: &Prepared, rung: Rung, folder: &Path) -> Fallible<PathBuf> {
    let raw = folder.join(format!("reference-{}.y4m", rung.lines));
    let mut line = joined(prepared, rung, &folder.join("list.txt"))?;
    line.push(text(&raw));
    run("ffmpeg", &line)?;
    Ok(raw)
}
