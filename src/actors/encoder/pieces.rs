//! The blocking halves of the steps: from files to files.

use super::previews;
use super::run::Bench;
use super::settings::Tools;
use crate::domain::media::{
    Captions, Chapter, Codec, Facts, Failure, Kind, MadeFiles, Overview, Poster, Rendition,
};
use crate::media::av1::quality::{self, Chosen};
use crate::media::av1::scaling;
use crate::media::av1::{Coder, EncodeSettings, encode_segment, encoder_version};
use crate::media::finish::{Finished, finish};
use crate::media::fmp4::av1_fragment;
use crate::media::ladder::{Rung, group_frames};
use crate::media::mezzanine::mezzanine_name;
use crate::media::normalise::{MadeStream, Normalised, Places, normalise};
use crate::media::package::{av1_folder, segment_name};
use crate::media::probe::Probed;
use crate::media::store::{folder_bytes, private_folder, remove_folder, write_atomically};
use crate::media::{MediaTrouble, cover, made_files, probe, subtitles};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// What the prepare step leaves for the steps after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// What the normalising pass made; `None` for stills.
    pub normalised: Option<Normalised>,
    /// What exists.
    pub renditions: Vec<Rendition>,
    /// The still.
    pub poster: Option<Poster>,
    /// What a player shows of the whole.
    #[serde(default)]
    pub overview: Overview,
    /// Caption files that were made of subtitles inside the film.
    #[serde(default)]
    pub captions: Vec<Captions>,
    /// Chapters that the file names.
    #[serde(default)]
    pub chapters: Vec<Chapter>,
    /// How AV1 is coded in this round, whatever the configuration says later: a rung is of one kind.
    #[serde(default)]
    pub av1: Option<Av1Wish>,
}

/// What the configuration said of AV1 when the round began.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Av1Wish {
    /// What encodes.
    #[serde(default)]
    pub coder: Coder,
    /// rav1e's speed.
    pub speed: u8,
    /// rav1e's quantiser.
    pub quantizer: u8,
    /// Quality for which the quantiser is searched; 0: it stays as it is.
    #[serde(default)]
    pub quality: f64,
}

impl Av1Wish {
    fn of(tools: &Tools) -> Self {
        Self { coder: tools.coder, speed: tools.speed, quantizer: tools.quantizer, quality: tools.quality }
    }
}

const MANIFEST: &str = "made.json";

/// The manifest of a round, if its prepare step got as far.
pub fn manifest(work: &Path) -> Option<Manifest> {
    serde_json::from_slice(&fs::read(work.join(MANIFEST)).ok()?).ok()
}

/// What the examination found, beside what the next step makes of it.
const PROBED: &str = "probed.json";

/// Keeps what the examination found, so that nobody waits for a second one.
///
/// # Errors
/// If it cannot be written.
pub fn note_probed(bench: &Bench, probed: &Probed) -> Result<(), MediaTrouble> {
    let work = bench.tools.store.work(bench.job.media, bench.job.generation);
    private_folder(&work)?;
    let text = serde_json::to_vec(probed).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    // Not synced: when it is lost or cut off the file is examined again.
    Ok(fs::write(work.join(PROBED), text)?)
}

pub(super) fn probed_or_anew(
    bench: &Bench,
    known: Option<Probed>,
    original: &Path,
) -> Result<Probed, MediaTrouble> {
    let tools = &bench.tools;
    known.map_or_else(|| probe::probe(&tools.sandbox, &tools.limits, original, &bench.cancel), Ok)
}

pub(super) fn probed_before(work: &Path) -> Option<Probed> {
    serde_json::from_slice(&fs::read(work.join(PROBED)).ok()?).ok()
}

/// Makes everything that comes before AV1, in a folder beside its place, and moves it there whole.
pub fn prepare(
    bench: &Bench,
    (kind, facts, ending): (Kind, &Facts, &str),
    original: &Path,
) -> Result<Manifest, MediaTrouble> {
    let store = &bench.tools.store;
    let work = store.work(bench.job.media, bench.job.generation);
    let public = store.public(bench.job.media, bench.job.generation);
    if let Some(done) = manifest(&work).filter(|_| public.exists()) {
        return Ok(done);
    }
    // A folder of this worker's own: one that was taken for dead may still be writing in its own.
    let room = work.join(format!("prepare-{}", bench.worker));
    let staging = room.join("staging");
    remove_folder(&room)?;
    private_folder(&staging)?;
    let made = match kind {
        Kind::Video if facts.repeats => match previews::repeating(bench, original)? {
            Some((_room, film)) => moving(bench, &film, None, &staging, &room),
            None => return Err(still()),
        },
        Kind::Video | Kind::Audio => moving(bench, original, probed_before(&work), &staging, &room),
        _ => previews::make(bench, (facts, ending), original, &staging, &room.join("scratch")),
    };
    let made = made.map_err(|e| for_want_of_room(bench, e)).inspect_err(|_| drop(remove_folder(&room)))?;
    sync_tree(&staging)?;
    if let Some(above) = public.parent() {
        private_folder(above)?;
    }
    let lock = fs::File::create(work.join("prepare.lock"))?;
    lock.lock()?;
    if let Some(done) = manifest(&work).filter(|_| public.exists()) {
        remove_folder(&room)?;
        return Ok(done);
    }
    remove_folder(&public)?;
    fs::rename(&staging, &public)?;
    store.share(&public)?;
    remove_folder(&room)?;
    let text = serde_json::to_vec(&made).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    write_atomically(&work.join(MANIFEST), &text)?;
    Ok(made)
}

/// Free bytes below which a failure is put down to them.
const TIGHT: u64 = 16 << 20;

/// Programs that write do not always say that the disk was full: files of theirs may be cut off or missing. So
/// a failure on a full disk says nothing about the work. To be asked before anything is removed.
pub(super) fn for_want_of_room(bench: &Bench, error: MediaTrouble) -> MediaTrouble {
    let unclear = matches!(
        error,
        MediaTrouble::Failed(Failure::Internal { .. } | Failure::DecoderGaveUp { .. })
            | MediaTrouble::Rejected(_)
    );
    let tight = || bench.tools.store.free_bytes().is_ok_and(|free| free < TIGHT);
    if unclear && tight() { MediaTrouble::Failed(Failure::NoRoom) } else { error }
}

fn moving(
    bench: &Bench,
    original: &Path,
    probed: Option<Probed>,
    staging: &Path,
    room: &Path,
) -> Result<Manifest, MediaTrouble> {
    let tools = &bench.tools;
    let scratch = room.join("scratch");
    private_folder(&scratch)?;
    let kit = (&tools.sandbox, &tools.limits, &bench.cancel);
    let probed = probed_or_anew(bench, probed, original)?;
    let plan = tools.plan(probed.facts.duration_ms);
    let places = Places { public: staging, scratch: &scratch };
    let made = normalise(kit, original, &probed, &plan, places, |done, of| {
        bench.progress.set(done, of);
    })?;
    if let Some(stream) = probed.cover.filter(|_| probed.kind == Kind::Audio) {
        cover::take(kit, original, stream, &scratch)?;
    }
    let Finished { download: (name, bytes), poster, overview } = finish(kit, staging, &made, &scratch)?;
    let mut renditions: Vec<Rendition> = made.h264.iter().map(|s| rendition(s, Codec::H264)).collect();
    renditions.extend(made.sound.iter().map(|s| rendition(s, Codec::Aac)));
    renditions.extend(made.opus.iter().map(|s| rendition(s, Codec::Opus)));
    let plain = made.h264.last().or(made.sound.as_ref());
    let size = plain.and_then(|s| s.rung).map(|r| r.size);
    renditions.push(Rendition {
        name: name.to_owned(),
        codec: if made.h264.is_empty() { Codec::Aac } else { Codec::H264 },
        width: size.map_or(0, |s| s.width),
        height: size.map_or(0, |s| s.height),
        bytes,
        codecs: plain.map(|s| s.codecs.clone()).unwrap_or_default(),
    });
    let captions = subtitles_inside(bench, original, &probed, &scratch)?;
    let av1 = Some(Av1Wish::of(tools));
    let chapters = probed.chapters;
    Ok(Manifest { normalised: Some(made), renditions, poster, overview, captions, chapters, av1 })
}

/// Caption files of the subtitles inside a film. They lie beside the work like those that people add; what the
/// log does not come to name belongs to nothing and is found as that.
fn subtitles_inside(
    bench: &Bench,
    original: &Path,
    probed: &Probed,
    scratch: &Path,
) -> Result<Vec<Captions>, MediaTrouble> {
    let tools = &bench.tools;
    // What somebody took away does not come back when the work is made anew.
    if bench.job.generation > 1 {
        return Ok(vec![]);
    }
    let kit = (&tools.sandbox, &tools.limits, &bench.cancel);
    let mut all = vec![];
    for made in subtitles::extract(kit, original, &probed.subtitles, probed.facts.duration_ms, scratch)? {
        let sha256 = hex::encode(Sha256::digest(&made.file));
        let (language, sounds, cues) = (made.language, made.sounds, made.cues);
        let captions = Captions { language, sounds, sha256, bytes: made.file.len() as u64, cues };
        let path = tools.store.captions(bench.job.media).join(captions.file());
        write_atomically(&path, made.file.as_bytes())?;
        tools.store.share(&path)?;
        all.push(captions);
    }
    Ok(all)
}

pub(super) fn rendition(stream: &MadeStream, codec: Codec) -> Rendition {
    Rendition {
        name: stream.folder.clone(),
        codec,
        width: stream.rung.map_or(0, |r| r.size.width),
        height: stream.rung.map_or(0, |r| r.size.height),
        bytes: stream.bytes,
        codecs: stream.codecs.clone(),
    }
}

pub(super) fn still() -> MediaTrouble {
    MediaTrouble::internal("a moving picture does not move any more")
}

/// What an AV1 row works on.
struct Task {
    made: Normalised,
    rung: Rung,
    work: PathBuf,
    settings: EncodeSettings,
    quality: f64,
}

/// The steps after the first need what it left.
pub(super) fn missing() -> MediaTrouble {
    MediaTrouble::internal("the mezzanine is gone")
}

fn task(bench: &Bench) -> Result<Task, MediaTrouble> {
    let work = bench.tools.store.work(bench.job.media, bench.job.generation);
    let manifest = manifest(&work).ok_or_else(missing)?;
    let made = manifest.normalised.ok_or_else(missing)?;
    let rung = made.av1.iter().find(|r| r.lines == bench.job.rung).copied().ok_or_else(missing)?;
    let Av1Wish { coder, speed, quantizer, quality } =
        manifest.av1.unwrap_or_else(|| Av1Wish::of(&bench.tools));
    let settings = EncodeSettings {
        size: rung.size,
        rate: made.rate,
        colour: made.colour.clone(),
        speed,
        quantizer,
        group: group_frames(made.rate),
        coder,
    };
    Ok(Task { made, rung, work, settings, quality })
}

/// What encodes the AV1 of this round.
pub fn coder(bench: &Bench) -> Coder {
    let work = bench.tools.store.work(bench.job.media, bench.job.generation);
    manifest(&work).and_then(|m| m.av1).map_or(bench.tools.coder, |wish| wish.coder)
}

/// Where the quantiser stands that was found for a rung.
fn chosen_of(work: &Path, rung: &Rung) -> PathBuf {
    work.join(format!("quality-{}.json", rung.lines))
}

/// Whether the quantiser of a rung is searched before its segments are encoded.
pub fn wants_search(manifest: &Manifest) -> bool {
    let film = manifest.normalised.as_ref();
    let long = film.is_some_and(|made| !quality::samples(&made.segments).is_empty());
    long && manifest.av1.is_some_and(|wish| wish.quality > 0.0)
}

/// Finds the quantiser of a rung and writes it down for its segments, whose keys it is a part of.
pub fn search(bench: &Bench) -> Result<(), MediaTrouble> {
    let Task { made, rung, work, settings, quality: target } = task(bench)?;
    let mezzanine = work.join("mezzanine");
    let place = chosen_of(&work, &rung);
    let known: Option<Chosen> = fs::read(&place).ok().and_then(|text| serde_json::from_slice(&text).ok());
    if known
        .is_some_and(|k| quality::key_of(&settings, target, &made, &mezzanine).is_ok_and(|now| now == k.key))
    {
        return Ok(());
    }
    let room = work.join(format!("quality-{}-{}", rung.lines, bench.worker));
    private_folder(&room)?;
    let kit = (&bench.tools.sandbox, &bench.tools.limits, &bench.cancel);
    let found = quality::choose(kit, (&settings, target), &made, &mezzanine, &room, |done, of| {
        bench.progress.set(done, of);
    });
    remove_folder(&room)?;
    let found = found?;
    tracing::info!(media = %bench.job.media, rung = rung.lines, quantizer = found.quantizer, tried = ?found.tried, "the quantiser of a rung was found");
    let text = serde_json::to_vec(&found).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    Ok(write_atomically(&place, &text)?)
}

/// The key of a coded segment: whatever decides its bytes. With another encoder, other settings or another
/// mezzanine it is made anew.
fn segment_key(
    mezzanine: &[u8],
    settings: &EncodeSettings,
    version: &str,
    number: u32,
) -> Result<String, MediaTrouble> {
    let settings = serde_json::to_vec(settings).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(mezzanine));
    hash.update(Sha256::digest(settings));
    hash.update(Sha256::digest(version));
    hash.update(number.to_be_bytes());
    Ok(hex::encode(hash.finalize()))
}

/// What stands beside a finished segment, out of sight: its key, and the hash of its bytes.
fn note_of(work: &Path, rung: &Rung, number: usize) -> PathBuf {
    work.join(av1_folder(rung)).join(format!("{number:05}.key"))
}

/// Encodes one segment. Gives its length and hash.
pub fn encode(bench: &Bench) -> Result<(u64, String), MediaTrouble> {
    let Task { made, rung, work, mut settings, quality } = task(bench)?;
    if quality > 0.0
        && let Ok(text) = fs::read(chosen_of(&work, &rung))
    {
        let found: Chosen =
            serde_json::from_slice(&text).map_err(|e| MediaTrouble::internal(e.to_string()))?;
        settings.quantizer = found.quantizer;
    }
    let number = bench.job.segment as usize;
    let expected = made.segments.get(number).copied().unwrap_or(0);
    let public = bench.tools.store.public(bench.job.media, bench.job.generation);
    let place = public.join(av1_folder(&rung)).join(segment_name(number));
    let mezzanine = work.join("mezzanine").join(mezzanine_name(number));
    let version = format!("{}, {}", encoder_version(settings.coder), scaling::name());
    let key = segment_key(&fs::read(&mezzanine)?, &settings, &version, bench.job.segment)?;
    let note = note_of(&work, &rung, number);
    let told = |sha256: &str| format!("{key} {sha256}\n");
    if let Ok(bytes) = fs::read(&place) {
        // A worker that died between the file and its row. Only what was made of the same, in the same way, counts.
        let sha256 = hex::encode(Sha256::digest(&bytes));
        if fs::read_to_string(&note).is_ok_and(|n| n == told(&sha256)) {
            bench.progress.set(expected, expected);
            return Ok((bytes.len() as u64, sha256));
        }
    }
    bench.progress.set(0, expected);
    let tools = &bench.tools;
    let segment = encode_segment(&tools.sandbox, &tools.limits, &mezzanine, &settings, &bench.cancel, |n| {
        bench.progress.set(n, expected);
    })?;
    if segment.units.len() as u64 != expected {
        return Err(MediaTrouble::internal("a segment has another number of frames than the mezzanine"));
    }
    let bytes = av1_fragment(&segment, made.rate, bench.job.segment, made.first_frame(number))?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    // The note first: whoever is killed between the two leaves no finished segment that nobody believes.
    write_atomically(&note, told(&sha256).as_bytes())?;
    write_atomically(&place, &bytes)?;
    Ok((bytes.len() as u64, sha256))
}

/// Removes what is only needed while rungs are made.
pub fn clean_up(bench: &Bench) -> Result<(), MediaTrouble> {
    remove_folder(&bench.tools.store.work(bench.job.media, bench.job.generation))?;
    // Fails while another round still works there; then that one removes it.
    let _ = fs::remove_dir(bench.tools.store.media_work(bench.job.media));
    Ok(())
}

/// Notes every file of a finished round with its hash.
pub fn note_files(bench: &Bench) -> Result<MadeFiles, MediaTrouble> {
    let public = bench.tools.store.public(bench.job.media, bench.job.generation);
    let noted = made_files::note(&public)?;
    // Nobody fetches it, but all files of a round have the same mode.
    bench.tools.store.share(&public.join(made_files::NAME))?;
    Ok(noted)
}

/// Bytes delivered of a round.
pub fn delivered_bytes(bench: &Bench) -> u64 {
    folder_bytes(&bench.tools.store.public(bench.job.media, bench.job.generation))
}

pub(super) fn sync_tree(folder: &Path) -> Result<(), MediaTrouble> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            fs::File::open(entry.path())?.sync_all()?;
        }
    }
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::ladder::Size;

    #[test]
    fn the_key_of_a_segment_changes_with_all_that_decides_its_bytes() {
        let usual = EncodeSettings {
            size: Size { width: 640, height: 360 },
            rate: (24, 1),
            colour: crate::media::probe::Colour::default(),
            speed: 10,
            quantizer: 110,
            group: 144,
            coder: Coder::default(),
        };
        let key = |bytes: &[u8], settings: &EncodeSettings, version: &str, number| {
            segment_key(bytes, settings, version, number).unwrap()
        };
        let first = key(b"frames", &usual, "rav1e 0.8.1", 0);
        assert_eq!(first, key(b"frames", &usual, "rav1e 0.8.1", 0));
        let faster = EncodeSettings { speed: 9, ..usual.clone() };
        let finer = EncodeSettings { quantizer: 80, ..usual.clone() };
        for other in [
            key(b"others", &usual, "rav1e 0.8.1", 0),
            key(b"frames", &faster, "rav1e 0.8.1", 0),
            key(b"frames", &finer, "rav1e 0.8.1", 0),
            key(b"frames", &EncodeSettings { coder: Coder::SvtAv1, ..usual.clone() }, "rav1e 0.8.1", 0),
            key(b"frames", &usual, "rav1e 0.9.0", 0),
            key(b"frames", &usual, "rav1e 0.8.1", 1),
        ] {
            assert_ne!(first, other);
        }
    }
}
