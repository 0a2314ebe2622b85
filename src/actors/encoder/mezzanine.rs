//! What everything after the first rendition is made of.

use super::pieces::{self, for_want_of_room, missing, probed_before, probed_or_anew};
use super::previews;
use super::run::Bench;
use crate::media::MediaTrouble;
use crate::media::mezzanine;
use crate::media::store::{private_folder, remove_folder};
use std::fs;
use std::path::Path;

/// Its folder in that of a round.
pub const FOLDER: &str = "mezzanine";

/// Makes the segments in a folder beside their place, and moves it there whole. `repeats`: a moving picture, which
/// becomes a film first. Gives what the round consists of.
pub fn make(bench: &Bench, original: &Path, repeats: bool) -> Result<pieces::Manifest, MediaTrouble> {
    let work = bench.tools.store.work(bench.job.media, bench.job.generation);
    let place = work.join(FOLDER);
    let manifest = pieces::manifest(&work).ok_or_else(missing)?;
    if place.exists() {
        return Ok(manifest);
    }
    let made = manifest.normalised.as_ref().ok_or_else(missing)?;
    // A folder of this worker's own: one that was taken for dead may still be writing in its own.
    let room = work.join(format!("{FOLDER}-{}", bench.worker));
    remove_folder(&room)?;
    private_folder(&room)?;
    let kit = (&bench.tools.sandbox, &bench.tools.limits, &bench.cancel);
    let segments = |source: &Path, probed| {
        let probed = probed_or_anew(bench, probed, source)?;
        bench.progress.set(0, made.frames());
        mezzanine::make(kit, source, &probed, made, &room, |done| bench.progress.set(done, made.frames()))
    };
    let ended = if repeats {
        let film = previews::repeating(bench, original)?.ok_or_else(pieces::still)?;
        segments(&film.1, None)
    } else {
        segments(original, probed_before(&work))
    };
    ended.map_err(|e| for_want_of_room(bench, e)).inspect_err(|_| drop(remove_folder(&room)))?;
    let lock = fs::File::create(work.join("prepare.lock"))?;
    lock.lock()?;
    // Whoever was first has its segments read by now.
    if place.exists() {
        remove_folder(&room)?;
    } else {
        fs::rename(&room, &place)?;
    }
    Ok(manifest)
}
