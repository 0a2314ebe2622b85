//! Settings of the processing of works.

use super::Limits;
use serde::{Deserialize, Serialize};

/// Which AV1 encoder runs after the first rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Av1 {
    /// None: H.264 only.
    None,
    /// The rav1e crate in process.
    Rav1e,
    /// SVT-AV1 through ffmpeg.
    #[serde(rename = "svt-av1")]
    SvtAv1,
}

/// Media processing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Chunks encoded at once; 0: as many as processors.
    pub workers: usize,
    /// How far what encodes stands back for everything else on the machine: 0 (not at all) to 19 (it takes only what
    /// nobody else wants, so that pages stay quick); short helper programs stand back by 10 at most.
    pub niceness: u8,
    /// Loudness to which sound is brought, in LUFS (EBU R 128), from -30 to -5, such as -16 for speech; 0: it stays as
    /// it is.
    pub loudness: i8,
    /// AV1 encoder: `rav1e` (built in), `svt-av1` (through an ffmpeg that has it, some ten times as fast) or `none`.
    pub av1: Av1,
    /// Speed of rav1e, 0 (slow) to 10 (fast); with `svt-av1` its preset.
    pub av1_speed: u8,
    /// Quality that AV1 is to reach, as SSIM against what it is made of, from 0.8 to 0.995: the quantiser of each
    /// rendition is found by encoding a few frames at a few quantisers. 0: `av1_quantizer` as it is.
    pub av1_quality: f64,
    /// Quantiser of rav1e, 0 to 255: of films that are too short for samples (15 seconds), and where the search begins.
    pub av1_quantizer: u8,
    /// Heights of the AV1 renditions; none above the source is made.
    pub av1_rungs: Vec<u32>,
    /// Longest video that gets AV1, in seconds.
    pub av1_longest_seconds: u64,
    /// Whether files may be fetched from addresses of this machine and of private networks; else from public ones only.
    pub fetch_private: bool,
    /// Seconds that fetching a file from an address may take.
    pub fetch_seconds: u64,
    /// Seconds without any sign of life (a frame, processor time of the step or of its helper program) after
    /// which a piece of work is stopped and tried again; at least 2.
    pub stuck_seconds: u64,
}

impl Media {
    /// What of these settings makes no sense, with the name of the setting.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if self.niceness > 19 {
            return Some(("media.niceness", format!("is 0 to 19; it is {}", self.niceness)));
        }
        let quality = self.av1_quality;
        if quality != 0.0 && !(0.8..=0.995).contains(&quality) {
            return Some(("media.av1_quality", format!("is 0, or 0.8 to 0.995; it is {quality}")));
        }
        if self.loudness != 0 && !(-30..=-5).contains(&self.loudness) {
            return Some(("media.loudness", format!("is 0, or -30 to -5; it is {}", self.loudness)));
        }
        if self.av1_speed > 10 {
            return Some(("media.av1_speed", format!("is 0 to 10; it is {}", self.av1_speed)));
        }
        if self.fetch_seconds == 0 {
            return Some(("media.fetch_seconds", "is at least 1".into()));
        }
        None
    }
}

impl Limits {
    /// What of the limits makes no sense, with the name of the setting.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let (low, high) = (self.free_disk_bytes, self.free_disk_again_bytes);
        if high != 0 && high < low {
            let words = format!("is 0, or at least limits.free_disk_bytes ({low}); it is {high}");
            return Some(("limits.free_disk_again_bytes", words));
        }
        if self.kinds.is_empty() {
            return Some(("limits.kinds", "names at least one kind of works".into()));
        }
        for (name, value, least) in [
            ("limits.side", self.side, 16),
            ("limits.streams", self.streams, 1),
            ("limits.frames_per_second", self.frames_per_second, 1),
            ("limits.helper_memory_bytes", self.helper_memory_bytes, 256 << 20),
            ("limits.helper_file_bytes", self.helper_file_bytes, 1 << 20),
            ("limits.helper_seconds", self.helper_seconds, 1),
            ("limits.aggregate_idle_seconds", self.aggregate_idle_seconds, 1),
        ] {
            if value < least {
                return Some((name, format!("is at least {least}; it is {value}")));
            }
        }
        None
    }
}

impl Default for Media {
    fn default() -> Self {
        Self {
            workers: 0,
            niceness: 19,
            loudness: 0,
            av1: Av1::Rav1e,
            av1_speed: 10,
            av1_quality: 0.975,
            av1_quantizer: 110,
            av1_rungs: vec![360, 720],
            av1_longest_seconds: 3600,
            fetch_private: false,
            fetch_seconds: 3600,
            stuck_seconds: 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_named_at_their_edges() {
        let with = |change: fn(&mut Media)| {
            let mut media = Media::default();
            change(&mut media);
            media.problem().map(|(setting, _)| setting)
        };
        assert_eq!(with(|_| {}), None);
        for fine in [
            |m: &mut Media| m.niceness = 19,
            |m: &mut Media| m.niceness = 0,
            |m: &mut Media| m.av1_quality = 0.0,
            |m: &mut Media| m.av1_quality = 0.8,
            |m: &mut Media| m.av1_quality = 0.995,
            |m: &mut Media| m.loudness = -30,
            |m: &mut Media| m.loudness = -5,
            |m: &mut Media| m.av1_speed = 10,
            |m: &mut Media| m.fetch_seconds = 1,
        ] {
            assert_eq!(with(fine), None);
        }
        assert_eq!(with(|m| m.niceness = 20), Some("media.niceness"));
        assert_eq!(with(|m| m.av1_quality = 0.7999), Some("media.av1_quality"));
        assert_eq!(with(|m| m.av1_quality = 0.9951), Some("media.av1_quality"));
        assert_eq!(with(|m| m.av1_quality = f64::NAN), Some("media.av1_quality"));
        assert_eq!(with(|m| m.loudness = -31), Some("media.loudness"));
        assert_eq!(with(|m| m.loudness = -4), Some("media.loudness"));
        assert_eq!(with(|m| m.loudness = 1), Some("media.loudness"));
        assert_eq!(with(|m| m.av1_speed = 11), Some("media.av1_speed"));
        assert_eq!(with(|m| m.fetch_seconds = 0), Some("media.fetch_seconds"));
        let mut limits = Limits { free_disk_bytes: 10, free_disk_again_bytes: 10, ..Limits::default() };
        assert_eq!(limits.problem(), None);
        limits.free_disk_again_bytes = 9;
        assert_eq!(limits.problem().map(|p| p.0), Some("limits.free_disk_again_bytes"));
        limits.free_disk_again_bytes = 0;
        assert_eq!(limits.problem(), None);
        limits.kinds.clear();
        assert_eq!(limits.problem().map(|p| p.0), Some("limits.kinds"));
    }
}
