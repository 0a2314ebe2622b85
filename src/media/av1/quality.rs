//! The quantiser for a quality: rav1e knows quantisers only, and the same one looks well on a drawing and coarse
//! on a street at night. A few frames of a few segments are encoded at a few quantisers, compared with what they
//! were made of, and the coarsest quantiser that still reaches the quality is taken for the whole rung.

use super::encode::{EncodeSettings, Segment, encode_frames};
use super::{encoder_version, package_sample, scaling};
use crate::media::mezzanine::mezzanine_name;
use crate::media::normalise::Normalised;
use crate::media::sandbox::{Cancel, Sandbox};
use crate::media::{Limits, MediaTrouble};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;

/// Quantisers that are tried at most.
pub const PROBES: usize = 3;
/// Segments that samples are taken of at most.
const SAMPLES: usize = 3;
/// One frame in so many is encoded for each try, so that all tries together cost a twentieth of the rung at most.
const SHARE: u64 = 60;
/// Most frames of one try.
const MOST_FRAMES: u64 = 72;
/// Fewest frames of a film that is probed: of a shorter one the samples would be most of the work.
pub const FEWEST_FRAMES: u64 = 360;
/// The finest and the coarsest quantiser that may come out.
pub const RANGE: (u8, u8) = (50, 190);

/// What was found for a rung, and from what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// Whatever decides it: settings, encoder, quality wanted, and the frames.
    pub key: String,
    /// The quantiser taken.
    pub quantizer: u8,
    /// What was tried: quantiser and quality reached.
    pub tried: Vec<(u8, f64)>,
}

/// Quality as decibels, which quantisers move nearly evenly.
fn decibels(ssim: f64) -> f64 {
    -10.0 * (1.0 - ssim.clamp(0.0, 0.999_999)).log10()
}

/// Finds the quantiser for a quality (SSIM, 0 to 1) by at most [`PROBES`] measurements, beginning at `first`.
///
/// # Errors
/// What a measurement says.
pub fn search<E>(
    target: f64,
    first: u8,
    mut measure: impl FnMut(u8) -> Result<f64, E>,
) -> Result<(u8, Vec<(u8, f64)>), E> {
    let within = |q: f64| q.clamp(f64::from(RANGE.0), f64::from(RANGE.1)).floor() as u8;
    let wanted = decibels(target);
    let mut tried: Vec<(u8, f64)> = vec![];
    let mut next = within(f64::from(first));
    for _ in 0..PROBES {
        let reached = measure(next)?;
        tried.push((next, reached));
        let guess = guess(&tried, wanted).map_or(next, within);
        // Nearer than that nobody sees.
        if tried.iter().any(|(q, _)| q.abs_diff(guess) <= 2) {
            return Ok((guess, tried));
        }
        next = guess;
    }
    let last = guess(&tried, wanted).map_or(first, within);
    Ok((last, tried))
}

/// Where the line through the two measurements nearest to the quality meets it; with one, a usual slope.
fn guess(tried: &[(u8, f64)], wanted: f64) -> Option<f64> {
    /// Decibels that a step of the quantiser costs, as measured on drawings and on streets.
    const USUAL: f64 = 0.065;
    let mut near: Vec<(f64, f64)> = tried.iter().map(|(q, s)| (f64::from(*q), decibels(*s))).collect();
    near.sort_by(|a, b| (a.1 - wanted).abs().total_cmp(&(b.1 - wanted).abs()));
    let (q, db) = *near.first()?;
    let slope = near.get(1).map(|(other, at)| (db - at) / (other - q)).filter(|s| s.is_finite() && *s > 0.01);
    Some(q + (db - wanted) / slope.unwrap_or(USUAL))
}

/// Which segments samples are taken of, and how many frames of each; none for a film that is too short.
#[must_use]
pub fn samples(segments: &[u64]) -> Vec<(usize, u64)> {
    let total: u64 = segments.iter().sum();
    if total < FEWEST_FRAMES {
        return vec![];
    }
    let count = SAMPLES.min(segments.len());
    let each = ((total / SHARE).min(MOST_FRAMES) / count as u64).max(2);
    // From the middle of each part: beginnings and ends are often black.
    (0..count)
        .map(|n| (2 * n + 1) * segments.len() / (2 * count))
        .map(|n| (n, each.min(segments[n])))
        .collect()
}

/// What decides the outcome.
///
/// # Errors
/// If a segment cannot be read.
pub fn key_of(
    settings: &EncodeSettings,
    target: f64,
    made: &Normalised,
    mezzanine: &Path,
) -> Result<String, MediaTrouble> {
    let mut hash = Sha256::new();
    let words = serde_json::to_vec(settings).map_err(|e| MediaTrouble::internal(e.to_string()))?;
    hash.update(Sha256::digest(words));
    hash.update(Sha256::digest(encoder_version(settings.coder)));
    hash.update(Sha256::digest(scaling::name()));
    hash.update(target.to_bits().to_be_bytes());
    for (number, frames) in samples(&made.segments) {
        hash.update(Sha256::digest(std::fs::read(mezzanine.join(mezzanine_name(number)))?));
        hash.update(frames.to_be_bytes());
    }
    Ok(hex::encode(hash.finalize()))
}

/// Finds the quantiser for a rung. `settings` names the one to begin with, which stays for films that are too
/// short. `progress` hears the frames done, of `PROBES` times those of all samples.
///
/// # Errors
/// A failure, or cancellation.
pub fn choose(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    (settings, target): (&EncodeSettings, f64),
    made: &Normalised,
    mezzanine: &Path,
    scratch: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<Chosen, MediaTrouble> {
    let key = key_of(settings, target, made, mezzanine)?;
    let samples = samples(&made.segments);
    let of = samples.iter().map(|(_, frames)| frames).sum::<u64>() * PROBES as u64;
    if samples.is_empty() {
        return Ok(Chosen { key, quantizer: settings.quantizer, tried: vec![] });
    }
    let mut done = 0;
    let (quantizer, tried) = search(target, settings.quantizer, |quantizer| {
        let settings = EncodeSettings { quantizer, ..settings.clone() };
        let (mut sum, mut count) = (0.0, 0_u64);
        for (number, frames) in &samples {
            let source = mezzanine.join(mezzanine_name(*number));
            let kit = (sandbox, limits, cancel);
            let coded = encode_frames(kit, &source, &settings, Some(*frames), |n| progress(done + n, of))?;
            done += coded.units.len() as u64;
            let reached = compare(kit, &coded, &settings, &source, scratch)?;
            sum += reached.iter().sum::<f64>();
            count += reached.len() as u64;
        }
        if count == 0 {
            Err(MediaTrouble::internal("no sample could be compared"))
        } else {
            Ok(sum / count as f64)
        }
    })?;
    Ok(Chosen { key, quantizer, tried })
}

/// SSIM of each frame of a coded sample against the segment that it was made of.
fn compare(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    coded: &Segment,
    settings: &EncodeSettings,
    source: &Path,
    scratch: &Path,
) -> Result<Vec<f64>, MediaTrouble> {
    let sample = scratch.join("sample.mp4");
    std::fs::write(&sample, package_sample(coded, settings)?)?;
    let mut job = sandbox.job("ffmpeg", limits, Duration::from_secs(600));
    job.at_leisure();
    let (ours, theirs) = (job.reads(&sample)?, job.reads(source)?);
    let (size, pixels) = (settings.size, settings.pixels());
    job.args(["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]);
    job.args(["-f", "mp4", "-i"]).args([format!("file:{ours}")]);
    job.args(["-protocol_whitelist", "file,pipe", "-f", "matroska", "-i"]).args([format!("file:{theirs}")]);
    // By number, not by time: the two count time in different units.
    let scaled = scaling::filter(size, pixels);
    let graph = format!(
        "[1:v:0]{scaled},settb=1/1000,setpts=N[r];[0:v:0]format={pixels},settb=1/1000,setpts=N[o];[o][r]ssim=stats_file=-:shortest=1"
    );
    job.args(["-lavfi".to_owned(), graph, "-f".into(), "null".into(), "-".into()]);
    let mut found = vec![];
    job.run(cancel, |line| found.extend(overall(line)))?;
    std::fs::remove_file(&sample)?;
    found.truncate(coded.units.len());
    Ok(found)
}

/// The figure over all planes in a line such as `n:1 Y:0.98 U:0.99 V:0.99 All:0.98 (17.6)`.
fn overall(line: &str) -> Option<f64> {
    line.split_whitespace().find_map(|word| word.strip_prefix("All:"))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::av1::Coder;
    use crate::media::ladder::{Rung, Size};
    use crate::media::probe::Colour;
    use crate::media::testing::ffmpeg;

    /// A film whose quality falls evenly, by decibels, with the quantiser.
    fn film(at_110: f64, slope: f64) -> impl Fn(u8) -> Result<f64, ()> {
        move |q| Ok(1.0 - 10_f64.powf(-(at_110 - slope * (f64::from(q) - 110.0)) / 10.0))
    }

    #[test]
    fn the_search_ends_at_the_quality_within_its_bound() {
        for (at_110, slope) in [(16.6, 0.065), (14.3, 0.055), (18.9, 0.07), (15.3, 0.05), (20.0, 0.1)] {
            let film = film(at_110, slope);
            let (found, tried) = search(0.975, 110, &film).unwrap();
            assert!(tried.len() <= PROBES, "{tried:?}");
            let reached = film(found).unwrap();
            let at_an_end = found == RANGE.0 || found == RANGE.1;
            assert!(
                (decibels(reached) - decibels(0.975)).abs() < 0.4 || at_an_end,
                "{found} {reached} {tried:?}"
            );
        }
        // What cannot be reached, or is reached by anything, ends at the ends.
        assert_eq!(search(0.999, 110, film(12.0, 0.05)).unwrap().0, RANGE.0);
        assert_eq!(search(0.9, 110, film(40.0, 0.05)).unwrap().0, RANGE.1);
        assert_eq!(search(0.975, 110, |_| Err::<f64, _>("broken")), Err("broken"));
    }

    #[test]
    fn samples_are_few_and_none_of_short_films() {
        assert_eq!(samples(&[144, 144, 70]), vec![]);
        assert_eq!(samples(&[144; 10]), [(1, 8), (5, 8), (8, 8)]);
        let long = samples(&[144; 1000]);
        assert_eq!(long.iter().map(|(_, n)| n).sum::<u64>(), MOST_FRAMES);
        let total = 144 * 10;
        let cost = samples(&[144; 10]).iter().map(|(_, n)| n).sum::<u64>() * PROBES as u64;
        assert!(cost * 20 <= total, "a twentieth at most: {cost} of {total}");
        assert_eq!(overall("n:1 Y:0.98 U:0.99 V:0.99 All:0.984 (17.9)"), Some(0.984));
        assert_eq!(overall("something else"), None);
    }

    #[test]
    fn noise_gets_a_finer_quantiser_than_a_drawing() {
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let mut found = vec![];
        for picture in ["smptebars=size=160x90:rate=24", "testsrc2=size=160x90:rate=24,noise=alls=24:allf=t"]
        {
            let folder = tempfile::tempdir().unwrap();
            let source = folder.path().join(mezzanine_name(0));
            let words = ["-f", "lavfi", "-i", picture, "-frames:v", "360", "-c:v", "libx264", "-crf", "10"];
            ffmpeg(&[&words[..], &["-pix_fmt", "yuv420p", source.to_str().unwrap()]].concat());
            let size = Size { width: 160, height: 90 };
            let settings = EncodeSettings {
                size,
                rate: (24, 1),
                colour: Colour::default(),
                speed: 10,
                quantizer: 110,
                group: 144,
                coder: Coder::default(),
            };
            let made = Normalised {
                rate: (24, 1),
                segments: vec![360],
                h264: vec![],
                smaller: vec![],
                sound: None,
                opus: None,
                av1: vec![Rung { lines: 90, size }],
                colour: Colour::default(),
                duration_ms: 15_000,
                pictures_ms: 0,
                looks: vec![],
            };
            let mut heard = (0, 0);
            let kit = (&sandbox, &limits, &cancel);
            let chosen = choose(kit, (&settings, 0.975), &made, folder.path(), folder.path(), |n, of| {
                heard = (n, of);
            })
            .unwrap();
            assert!(!chosen.tried.is_empty() && heard.0 > 0 && heard.0 <= heard.1, "{chosen:?} {heard:?}");
            assert!(chosen.tried.iter().all(|(_, ssim)| (0.0..=1.0).contains(ssim)), "{chosen:?}");
            let other = EncodeSettings { speed: 9, ..settings.clone() };
            assert_ne!(chosen.key, key_of(&other, 0.975, &made, folder.path()).unwrap());
            assert_ne!(chosen.key, key_of(&settings, 0.97, &made, folder.path()).unwrap());
            found.push(chosen.quantizer);
        }
        assert!(found[0] > found[1], "{found:?}");
    }
}
