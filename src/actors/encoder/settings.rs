//! What the encoder works with: folders, programs, limits and wishes of the configuration.

use crate::actors::Services;
use crate::config::{Av1, Config};
use crate::media::Limits;
use crate::media::av1::{Coder, svt};
use crate::media::files::Files;
use crate::media::normalise::NormalisePlan;
use crate::media::sandbox::Sandbox;
use crate::media::store::MediaStore;

/// Tools of one worker. Cheap enough to clone.
#[derive(Clone, Debug)]
pub struct Tools {
    /// Files that are being made.
    pub store: MediaStore,
    /// Files wherever they lie.
    pub files: Files,
    /// Helper programs.
    pub sandbox: Sandbox,
    /// Limits.
    pub limits: Limits,
    /// AV1 rungs wanted; empty for none.
    pub av1_rungs: Vec<u32>,
    /// Loudness to which sound is brought, in LUFS; 0: it stays as it is.
    pub loudness: i8,
    /// What encodes AV1.
    pub coder: Coder,
    /// rav1e's speed.
    pub speed: u8,
    /// rav1e's quantiser.
    pub quantizer: u8,
    /// Quality for which the quantiser is searched; 0: it stays as it is.
    pub quality: f64,
    /// Longest film that gets AV1, in milliseconds.
    pub av1_longest_ms: u64,
}

/// The encoder that the configuration names, as far as it is there.
fn coder(wanted: Av1) -> Coder {
    if wanted != Av1::SvtAv1 {
        return Coder::Rav1e;
    }
    if svt::version().is_none() {
        tracing::warn!("ffmpeg has no SVT-AV1; rav1e encodes instead");
        return Coder::Rav1e;
    }
    Coder::SvtAv1
}

/// Sizes of the H.264 rungs: one for phones and slow lines, one for most screens, one for large ones.
const H264_RUNGS: [u32; 3] = [360, 720, 1080];

impl Tools {
    /// The tools of an instance; tries once whether bubblewrap works here.
    #[must_use]
    pub fn new(cx: &Services) -> Self {
        let config = &cx.config;
        let sandbox = Sandbox::detect().with_niceness(config.media.niceness);
        let confinement = sandbox.confinement();
        if !confinement.is_whole() {
            tracing::warn!(confinement = confinement.words(), "helper programs are not wholly confined");
        }
        Self {
            store: cx.files.local().clone(),
            files: cx.files.clone(),
            sandbox,
            limits: limits(config),
            av1_rungs: if config.media.av1 == Av1::None { vec![] } else { config.media.av1_rungs.clone() },
            loudness: config.media.loudness,
            coder: coder(config.media.av1),
            speed: config.media.av1_speed.min(10),
            quantizer: config.media.av1_quantizer,
            quality: config.media.av1_quality,
            av1_longest_ms: config.media.av1_longest_seconds * 1000,
        }
    }

    /// Which sizes are made of a film of this length.
    #[must_use]
    pub fn plan(&self, duration_ms: u64) -> NormalisePlan {
        let av1 = if duration_ms > self.av1_longest_ms { vec![] } else { self.av1_rungs.clone() };
        // Players that switch between codecs want the same sizes in both.
        let mut h264 = H264_RUNGS.to_vec();
        h264.extend(av1.iter().filter(|r| **r <= 1080));
        h264.sort_unstable();
        h264.dedup();
        NormalisePlan { h264, av1, loudness: self.loudness }
    }
}

/// The limits of the configuration for the media room.
#[must_use]
pub fn limits(config: &Config) -> Limits {
    Limits {
        upload_bytes: config.limits.upload_bytes,
        megapixels: config.limits.pixels / 1_000_000,
        minutes: config.limits.duration_seconds.div_ceil(60),
        side: config.limits.side,
        streams: config.limits.streams,
        frame_rate: config.limits.frames_per_second,
        memory_mib: config.limits.helper_memory_bytes >> 20,
        file_mib: config.limits.helper_file_bytes >> 20,
        probe_seconds: config.limits.helper_seconds,
        document_pages: config.previews.document_pages,
        text_kib: config.previews.text_kib,
        model_mib: config.previews.model_mib,
        model_triangles: config.previews.model_triangles,
        archive_entries: config.previews.archive_entries,
        archive_read_mib: config.previews.archive_read_mib,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_what_holds() {
        let mut config = Config::default();
        // Nobody has to set what has always been so.
        let usual = limits(&config);
        let fixed = |l: &Limits| (l.side, l.streams, l.frame_rate, l.memory_mib, l.file_mib, l.probe_seconds);
        assert_eq!(fixed(&usual), fixed(&Limits::default()));
        let wanted = &mut config.limits;
        (wanted.side, wanted.streams, wanted.frames_per_second) = (4096, 8, 60);
        (wanted.helper_memory_bytes, wanted.helper_file_bytes, wanted.helper_seconds) =
            (1 << 30, 2 << 30, 30);
        assert_eq!(fixed(&limits(&config)), (4096, 8, 60, 1024, 2048, 30));
        assert_eq!(config.limits.problem(), None);
        config.limits.helper_memory_bytes = 1 << 20;
        let (name, words) = config.limits.problem().expect("too little for any program");
        assert!(name == "limits.helper_memory_bytes" && words.contains("at least 268435456"), "{words}");
        config.limits.helper_memory_bytes = 256 << 20;
        assert_eq!(config.limits.problem(), None, "the edge is allowed");
        config.limits.streams = 0;
        assert!(config.limits.problem().is_some());
    }
}
