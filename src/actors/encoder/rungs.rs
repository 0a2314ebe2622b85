//! Rungs that come after the first: packaged, told to the player, and counted until all are there.

use super::pieces::{self, missing, rendition, sync_tree};
use super::run::Bench;
use crate::domain::media::{Codec, MadeFiles, Rendition};
use crate::media::MediaTrouble;
use crate::media::made_files;
use crate::media::normalise::{MadeStream, Normalised};
use crate::media::package::{av1_folder, package_av1, write_master};
use crate::media::smaller::{self, h264_folder};
use crate::media::store::{private_folder, remove_folder, write_atomically};
use std::fs;
use std::path::Path;

/// What a row of one rung came to.
pub struct Ready {
    /// All later rungs that are complete by now. Some may have been told already; a worker that died between a rung
    /// and its telling has told nothing.
    pub renditions: Vec<Rendition>,
    /// Bytes of the rung of this row.
    pub bytes: u64,
    /// Everything that the round consists of, if these are all.
    pub made: Option<MadeFiles>,
}

/// Packages an AV1 rung whose segments are complete.
pub fn package(bench: &Bench) -> Result<Ready, MediaTrouble> {
    let (made, work, public) = places(bench)?;
    let rung = made.av1.iter().find(|r| r.lines == bench.job.rung).copied().ok_or_else(missing)?;
    add(bench, (&made, &work, &public), || {
        sweep(&public.join(av1_folder(&rung)))?;
        package_av1(&public, &made, rung)
    })
}

/// Makes one of the smaller H.264 rungs, in a folder beside its place, and moves it there whole.
pub fn smaller(bench: &Bench) -> Result<Ready, MediaTrouble> {
    let (made, work, public) = places(bench)?;
    let rung = made.smaller.iter().find(|r| r.lines == bench.job.rung).copied().ok_or_else(missing)?;
    let folder = h264_folder(&rung);
    let done = fs::read(note(&work, &folder)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(done) = done.filter(|_| public.join(&folder).exists()) {
        return add(bench, (&made, &work, &public), || Ok(done));
    }
    // A folder of this worker's own: one that was taken for dead may still be writing in its own.
    let room = work.join(format!("{folder}-{}", bench.worker));
    remove_folder(&room)?;
    private_folder(&room)?;
    let kit = (&bench.tools.sandbox, &bench.tools.limits, &bench.cancel);
    bench.progress.set(0, made.frames());
    let stream = smaller::make(kit, &work.join("mezzanine"), &made, rung, &room, |done| {
        bench.progress.set(done, made.frames());
    })
    .inspect_err(|_| drop(remove_folder(&room)))?;
    sync_tree(&room)?;
    let ready = add(bench, (&made, &work, &public), || {
        remove_folder(&public.join(&folder))?;
        fs::rename(room.join(&folder), public.join(&folder))?;
        Ok(stream)
    });
    remove_folder(&room)?;
    ready
}

fn places(bench: &Bench) -> Result<(Normalised, std::path::PathBuf, std::path::PathBuf), MediaTrouble> {
    let (store, job) = (&bench.tools.store, &bench.job);
    let work = store.work(job.media, job.generation);
    let made = pieces::manifest(&work).and_then(|m| m.normalised).ok_or_else(missing)?;
    Ok((made, work, store.public(job.media, job.generation)))
}

/// Where it stands that a rung is complete.
fn note(work: &Path, folder: &str) -> std::path::PathBuf {
    work.join(format!("{folder}.json"))
}

/// Puts a rung in its place, notes it, and writes the master playlist over all that are complete.
fn add(
    bench: &Bench,
    (made, work, public): (&Normalised, &Path, &Path),
    put: impl FnOnce() -> Result<MadeStream, MediaTrouble>,
) -> Result<Ready, MediaTrouble> {
    // Two rungs may be ready at the same time; the master playlist is written by one after the other.
    let lock = fs::File::create(work.join("package.lock"))?;
    lock.lock()?;
    let stream = put()?;
    let text = serde_json::to_vec(&stream).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    write_atomically(&note(work, &stream.folder), &text)?;
    let noted = |folder: String| -> Option<MadeStream> {
        serde_json::from_slice(&fs::read(note(work, &folder)).ok()?).ok()
    };
    let h264: Vec<MadeStream> = made.smaller.iter().filter_map(|r| noted(h264_folder(r))).collect();
    let av1: Vec<MadeStream> = made.av1.iter().filter_map(|r| noted(av1_folder(r))).collect();
    let all = h264.len() == made.smaller.len() && av1.len() == made.av1.len();
    let renditions = h264.iter().map(|s| rendition(s, Codec::H264));
    let renditions = renditions.chain(av1.iter().map(|s| rendition(s, Codec::Av1))).collect();
    // Every smaller one is below those of the first pass.
    let whole = Normalised { h264: [h264, made.h264.clone()].concat(), ..made.clone() };
    write_master(public, &whole, &av1)?;
    let made = if all { Some(made_files::note(public)?) } else { None };
    bench.tools.store.share(public)?;
    Ok(Ready { renditions, bytes: stream.bytes, made })
}

/// Removes half-written files of workers that were killed; every segment of the folder is there by now.
fn sweep(folder: &Path) -> Result<(), MediaTrouble> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "tmp") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
