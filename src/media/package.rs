//! From finished segments to what a player opens: the AV1 playlist, the master playlist with both
//! codecs, and one plain MP4 for download and as the last resort.

use super::fmp4::{Av1Track, av1_init, level, sequence_header};
use super::ladder::{Rung, av1_codec_string};
use super::normalise::{MadeStream, Normalised, bit_rates};
use super::playlist::{self, Entry, Sound, Sounds, Variant};
use super::sandbox::{Cancel, Sandbox};
use super::store::write_atomically;
use super::{Limits, MediaTrouble};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Name of an AV1 segment.
#[must_use]
pub fn segment_name(number: usize) -> String {
    format!("{number:05}.m4s")
}

/// Name of the folder of an AV1 rung.
#[must_use]
pub fn av1_folder(rung: &Rung) -> String {
    format!("av1-{}", rung.lines)
}

/// Writes `init.mp4` and `index.m3u8` beside the finished segments of one AV1 rung.
///
/// # Errors
/// If a segment is missing or no segment.
pub fn package_av1(public: &Path, made: &Normalised, rung: Rung) -> Result<MadeStream, MediaTrouble> {
    let folder = av1_folder(&rung);
    let path = public.join(&folder);
    let first = std::fs::read(path.join(segment_name(0)))?;
    let track = Av1Track { size: rung.size, rate: made.rate, colour: made.colour.clone() };
    let header = sequence_header(&first)?;
    let init = av1_init(&track, &header)?;
    let mut entries = vec![];
    let mut sizes = vec![];
    for (number, frames) in made.segments.iter().enumerate() {
        let file = segment_name(number);
        sizes.push(std::fs::metadata(path.join(&file))?.len());
        let seconds = *frames as f64 * f64::from(made.rate.1) / f64::from(made.rate.0.max(1));
        entries.push(Entry { seconds, file });
    }
    let index = playlist::media(&entries);
    write_atomically(&path.join("init.mp4"), &init)?;
    write_atomically(&path.join("index.m3u8"), index.as_bytes())?;
    let (peak, average) = bit_rates(&entries, &sizes);
    Ok(MadeStream {
        folder,
        rung: Some(rung),
        codecs: av1_codec_string(level(&track, &header), &made.colour),
        bytes: sizes.iter().sum::<u64>() + (init.len() + index.len()) as u64,
        peak,
        average,
    })
}

/// Writes the master playlist over the H.264 streams and those AV1 streams that are complete.
///
/// # Errors
/// If it cannot be written.
pub fn write_master(public: &Path, made: &Normalised, av1: &[MadeStream]) -> Result<(), MediaTrouble> {
    let variants: Vec<Variant> = made
        .h264
        .iter()
        .chain(av1)
        .filter_map(|s| {
            Some(Variant {
                folder: s.folder.clone(),
                size: s.rung?.size,
                rate: made.rate,
                codecs: s.codecs.clone(),
                // H.264 is always tone mapped.
                range: made.colour.range().filter(|_| s.codecs.starts_with("av01")),
                peak: s.peak,
                average: s.average,
            })
        })
        .collect();
    let sound = |stream: &Option<MadeStream>| {
        stream.as_ref().map(|s| Sound {
            folder: s.folder.clone(),
            codecs: s.codecs.clone(),
            peak: s.peak,
            average: s.average,
        })
    };
    let sounds = Sounds { aac: sound(&made.sound), opus: sound(&made.opus) };
    let text = if variants.is_empty() {
        playlist::master_of_sound(&sounds)
    } else {
        playlist::master(&variants, &sounds)
    };
    Ok(write_atomically(&public.join("master.m3u8"), text.as_bytes())?)
}

/// Name of the plain file for download.
pub const DOWNLOAD_VIDEO: &str = "download.mp4";
/// Name of the plain sound file for download.
pub const DOWNLOAD_AUDIO: &str = "download.m4a";

/// Writes the plain MP4: the best H.264 stream and the sound, copied, with the index in front.
/// Gives its name and length.
///
/// # Errors
/// If ffmpeg cannot join what it wrote before.
pub fn write_download(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    public: &Path,
    made: &Normalised,
    scratch: &Path,
) -> Result<(&'static str, u64), MediaTrouble> {
    let name = if made.h264.is_empty() { DOWNLOAD_AUDIO } else { DOWNLOAD_VIDEO };
    let mut parts = vec![];
    for stream in made.h264.last().into_iter().chain(&made.sound) {
        let joined = scratch.join(format!("{}.joined.mp4", stream.folder));
        join_stream(&public.join(&stream.folder), &joined, None)?;
        parts.push(joined);
    }
    let result = scratch.join(name);
    let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(made.duration_ms));
    job.args(["-nostdin", "-v", "error", "-y"]);
    let out = job.writes(scratch)?;
    for part in &parts {
        let input = job.reads(part)?;
        job.args(["-protocol_whitelist".to_owned(), "file,pipe".into(), "-f".into(), "mp4".into()]);
        job.args(["-i".to_owned(), format!("file:{input}")]);
    }
    for n in 0..parts.len() {
        job.args(["-map".to_owned(), n.to_string()]);
    }
    job.args(["-c", "copy", "-map_metadata", "-1", "-movflags", "+faststart", "-f", "mp4"]);
    job.args([format!("{out}/{name}")]);
    job.run(cancel, |_| {})?;
    for part in parts {
        std::fs::remove_file(part)?;
    }
    let bytes = std::fs::metadata(&result)?.len();
    std::fs::File::open(&result)?.sync_all()?;
    std::fs::rename(&result, public.join(name))?;
    Ok((name, bytes))
}

/// An initialisation file and its fragments behind one another are themselves a playable MP4.
/// `only` picks one fragment.
///
/// # Errors
/// If files are missing.
pub fn join_stream(folder: &Path, target: &Path, only: Option<usize>) -> Result<(), MediaTrouble> {
    let mut out = std::io::BufWriter::new(std::fs::File::create(target)?);
    std::io::copy(&mut std::fs::File::open(folder.join("init.mp4"))?, &mut out)?;
    let entries = playlist::entries(&std::fs::read_to_string(folder.join("index.m3u8"))?);
    for (number, entry) in entries.iter().enumerate() {
        if only.is_none_or(|n| n == number) {
            std::io::copy(&mut std::fs::File::open(folder.join(&entry.file))?, &mut out)?;
        }
    }
    out.flush()?;
    Ok(())
}

/// How long a single still may take to be cut out.
pub(super) const STILL_TIME: Duration = Duration::from_secs(60);
