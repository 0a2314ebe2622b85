//! SVT-AV1 through ffmpeg, in the sandbox: some ten times as fast as rav1e at the same size, for studios that want
//! AV1 sooner. It gets the same mezzanine segments and gives the same kind of segments.

use super::encode::{EncodeSettings, Segment, without_delimiter};
use crate::media::sandbox::{Cancel, Confinement, Sandbox};
use crate::media::{Limits, MediaTrouble};
use std::io::Read;
use std::sync::OnceLock;
use std::time::Duration;

/// What encodes it here: the name of ffmpeg's version, with its own encoder inside; `None` if ffmpeg has none.
#[must_use]
pub fn version() -> Option<&'static str> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    let look = || {
        let ask = |word: &'static str| {
            // Nothing foreign is read.
            let sandbox = Sandbox::with(Confinement::LimitsOnly);
            let mut job = sandbox.job("ffmpeg", &Limits::default(), Duration::from_secs(20));
            job.args(["-hide_banner", word]);
            let mut said = vec![];
            job.run(&Cancel::default(), |line| said.push(line.to_owned())).ok()?;
            Some(said)
        };
        let there = ask("-encoders")?.iter().any(|l| l.split_whitespace().nth(1) == Some("libsvtav1"));
        let first = ask("-version")?.into_iter().next()?;
        let name = first.split(" Copyright").next()?.trim_start_matches("ffmpeg version ").to_owned();
        there.then(|| format!("SVT-AV1 of ffmpeg {name}"))
    };
    FOUND.get_or_init(look).as_deref()
}

/// ffmpeg's words for the encoder, behind those for the input and the filter.
pub(super) fn words(settings: &EncodeSettings) -> Vec<String> {
    // rav1e's quantisers are indexes into the same table, of which this scale takes every fourth.
    let crf = (settings.quantizer / 4).clamp(1, 63).to_string();
    let (preset, group) = (settings.speed.min(12).to_string(), settings.group.to_string());
    let mut words: Vec<String> =
        ["-c:v", "libsvtav1", "-preset", &preset, "-crf", &crf, "-g", &group, "-svtav1-params", "lp=1"]
            .map(String::from)
            .to_vec();
    let colour = &settings.colour;
    for (word, value) in [
        ("-color_primaries", &colour.primaries),
        ("-color_trc", &colour.transfer),
        ("-colorspace", &colour.matrix),
    ] {
        if let Some(value) = value {
            words.extend([word.to_owned(), value.clone()]);
        }
    }
    words.extend(["-fps_mode", "passthrough", "-f", "ivf", "pipe:1"].map(String::from));
    words
}

/// Reads the coded frames from an IVF stream. `progress` hears the number of them after each.
pub(super) fn read(
    mut pipe: impl Read,
    cancel: &Cancel,
    progress: &mut impl FnMut(u64),
) -> Result<Segment, MediaTrouble> {
    /// No frame of a rung is larger.
    const MOST: u32 = 64 << 20;
    let broken = || MediaTrouble::internal("encoder: its stream is broken");
    let mut head = [0_u8; 32];
    pipe.read_exact(&mut head).map_err(|_| broken())?;
    if &head[..4] != b"DKIF" {
        return Err(broken());
    }
    let mut segment = Segment::default();
    loop {
        if cancel.is_cancelled() {
            return Err(MediaTrouble::Cancelled);
        }
        let mut frame = [0_u8; 12];
        match pipe.read(&mut frame[..1])? {
            0 => break,
            _ => pipe.read_exact(&mut frame[1..]).map_err(|_| broken())?,
        }
        let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]);
        if length > MOST {
            return Err(broken());
        }
        let mut unit = vec![0; length as usize];
        pipe.read_exact(&mut unit).map_err(|_| broken())?;
        let unit = without_delimiter(&unit);
        // A sequence header stands before key frames and nowhere else.
        let key = unit.first().is_some_and(|first| (first >> 3) & 15 == 1);
        segment.units.push((unit, key));
        progress(segment.units.len() as u64);
    }
    if segment.units.first().is_some_and(|(_, key)| *key) { Ok(segment) } else { Err(broken()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_and_a_broken_one_noticed() {
        let mut stream = b"DKIF\0\0\x20\0AV01".to_vec();
        stream.extend([0; 20]);
        for unit in [&[0x12, 0, 0x0a, 1, 7][..], &[0x12, 0, 0x32, 1, 9]] {
            stream.extend(u32::try_from(unit.len()).unwrap().to_le_bytes());
            stream.extend([0; 8]);
            stream.extend(unit);
        }
        let mut heard = vec![];
        let read_all =
            |bytes: &[u8], heard: &mut Vec<u64>| read(bytes, &Cancel::default(), &mut |n| heard.push(n));
        let segment = read_all(&stream, &mut heard).unwrap();
        assert_eq!(segment.units, [(vec![0x0a, 1, 7], true), (vec![0x32, 1, 9], false)]);
        assert_eq!(heard, [1, 2]);
        for cut in [10, 32, 40, stream.len() - 1] {
            assert!(read_all(&stream[..cut], &mut vec![]).is_err(), "{cut}");
        }
        let cancel = Cancel::default();
        cancel.cancel();
        assert!(matches!(read(stream.as_slice(), &cancel, &mut |_| {}), Err(MediaTrouble::Cancelled)));
    }
}
