//! One mezzanine segment in, one coded segment out. rav1e is deterministic: the same segment with
//! the same settings gives the same bytes, so a repeated job does no harm.

use super::{Y4mReader, Y4mTrouble, apart, colour_description, ivf, scaling, svt};
use crate::media::ladder::{Size, av1_level};
use crate::media::probe::Colour;
use crate::media::sandbox::{Cancel, Sandbox};
use crate::media::{Limits, MediaTrouble};
use kinora_av1_engine::rav1e::prelude::{ChromaSampling, EncoderConfig, PixelRange, Rational};
use kinora_av1_engine::{Engine, Step};
use nix::fcntl::{FcntlArg, fcntl};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// What encodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Coder {
    /// The rav1e crate in process.
    #[default]
    Rav1e,
    /// SVT-AV1 through ffmpeg.
    SvtAv1,
}

impl Coder {
    fn is_usual(&self) -> bool {
        *self == Self::Rav1e
    }
}

/// Everything that decides the bytes of a coded segment, beside its input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EncodeSettings {
    /// Size of the rung.
    pub size: Size,
    /// Frames a second.
    pub rate: (u32, u32),
    /// Colour description to carry.
    pub colour: Colour,
    /// rav1e's speed, 0 (slow) to 10.
    pub speed: u8,
    /// Base quantiser, 0 to 255; rav1e has no constant-quality mode of its own.
    pub quantizer: u8,
    /// Longest distance between key frames.
    pub group: u32,
    /// What encodes; its scales of speed and quantiser are rav1e's, also where another one takes them.
    #[serde(default, skip_serializing_if = "Coder::is_usual")]
    pub coder: Coder,
}

/// A coded segment: one temporal unit per frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Temporal units in order, without temporal delimiters, and whether each is a key frame.
    pub units: Vec<(Vec<u8>, bool)>,
}

/// Name and version of the encoder, part of the key of finished work.
#[must_use]
pub fn encoder_version(coder: Coder) -> String {
    match coder {
        Coder::Rav1e => format!("rav1e {}", kinora_av1_engine::rav1e::version::full()),
        Coder::SvtAv1 => svt::version().unwrap_or("SVT-AV1").to_owned(),
    }
}

impl EncodeSettings {
    /// ffmpeg's name of the form of the samples.
    #[must_use]
    pub fn pixels(&self) -> &'static str {
        if self.colour.deep { "yuv420p10le" } else { "yuv420p" }
    }

    /// The settings in rav1e's words, and its number of threads.
    #[must_use]
    pub fn rav1e_config(&self) -> (EncoderConfig, usize) {
        let mut encoder = EncoderConfig::with_speed_preset(self.speed);
        encoder.width = self.size.width as usize;
        encoder.height = self.size.height as usize;
        encoder.time_base = Rational { num: u64::from(self.rate.1), den: u64::from(self.rate.0) };
        encoder.bit_depth = if self.colour.deep { 10 } else { 8 };
        encoder.chroma_sampling = ChromaSampling::Cs420;
        encoder.pixel_range = if self.colour.full_range { PixelRange::Full } else { PixelRange::Limited };
        encoder.color_description = colour_description(&self.colour);
        (encoder.mastering_display, encoder.content_light) = self.colour.light.for_rav1e();
        encoder.level_idx = Some(av1_level(self.size, self.rate));
        encoder.set_key_frame_interval(12, u64::from(self.group.max(12)));
        encoder.quantizer = usize::from(self.quantizer);
        // One thread and one tile: as many segments as cores run side by side instead, which is
        // faster and costs no bits.
        encoder.tiles = if self.size.height.min(self.size.width) > 720 { 4 } else { 1 };
        let threads = if self.size.height.min(self.size.width) > 720 { 2 } else { 1 };
        (encoder, threads)
    }
}

/// Decodes a mezzanine segment in the sandbox and encodes it.
///
/// `progress` hears the number of finished frames after each of them.
///
/// # Errors
/// A failure, or [`MediaTrouble::Cancelled`] soon after somebody asked to stop.
pub fn encode_segment(
    sandbox: &Sandbox,
    limits: &Limits,
    mezzanine: &Path,
    settings: &EncodeSettings,
    cancel: &Cancel,
    progress: impl FnMut(u64),
) -> Result<Segment, MediaTrouble> {
    encode_frames((sandbox, limits, cancel), mezzanine, settings, None, progress)
}

/// The same for its first frames only.
pub(super) fn encode_frames(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    mezzanine: &Path,
    settings: &EncodeSettings,
    most: Option<u64>,
    mut progress: impl FnMut(u64),
) -> Result<Segment, MediaTrouble> {
    // rav1e at its slowest stays far above one frame in 20 s; no segment has more than 400 frames.
    let time = Duration::from_secs(3 * 3600);
    let apart = apart::program().filter(|_| settings.coder == Coder::Rav1e);
    let mut job = match apart {
        Some(program) => sandbox.encoder_job(program, limits, time)?,
        None => sandbox.job("ffmpeg", limits, time),
    };
    job.at_leisure();
    let input = job.reads(mezzanine)?;
    if apart.is_some() {
        job.args(apart::words(settings)?);
    }
    job.args([
        "-nostdin",
        "-v",
        "error",
        "-protocol_whitelist",
        "file,pipe",
        "-f",
        "matroska",
        "-threads",
        "1",
        "-filter_threads",
        "1",
    ]);
    job.args(["-i".to_owned(), format!("file:{input}"), "-map".into(), "0:v:0".into(), "-vf".into()]);
    job.args([scaling::filter(settings.size, settings.pixels())]);
    if let Some(most) = most {
        job.args(["-frames:v".to_owned(), most.to_string()]);
    }
    match settings.coder {
        Coder::Rav1e => {
            job.args(["-fps_mode", "passthrough", "-strict", "-1", "-f", "yuv4mpegpipe", "pipe:1"]);
        }
        Coder::SvtAv1 => {
            job.args(svt::words(settings));
        }
    }
    let mut running = job.start(cancel)?;
    let Some(pipe) = running.stdout() else { return Err(MediaTrouble::internal("no pipe")) };
    widen(&pipe);
    let segment = if settings.coder == Coder::SvtAv1 || apart.is_some() {
        ivf::read(pipe, cancel, &mut progress)
    } else {
        let mut segment = Segment::default();
        encode_stream(pipe, settings, cancel, &mut |unit, key| {
            segment.units.push((unit, key));
            progress(segment.units.len() as u64);
            Ok(())
        })
        .map(|()| segment)
    };
    match segment {
        Ok(segment) => {
            running.finish()?;
            Ok(segment)
        }
        // What the decoder says explains a broken pipe better than the pipe does.
        Err(MediaTrouble::Cancelled) => Err(MediaTrouble::Cancelled),
        Err(e) => {
            running.finish()?;
            Err(e)
        }
    }
}

/// A pipe that holds a frame: with the usual 64 KiB, decoder and encoder take turns ten times for each.
pub(super) fn widen(pipe: &impl AsFd) {
    // Where that is not allowed the pipe stays as it is.
    let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(1 << 20));
}

/// Raw frames in, coded ones out: `coded` gets each temporal unit and whether it is a key frame.
pub(super) fn encode_stream(
    pipe: impl Read,
    settings: &EncodeSettings,
    cancel: &Cancel,
    coded: &mut impl FnMut(Vec<u8>, bool) -> Result<(), MediaTrouble>,
) -> Result<(), MediaTrouble> {
    let trouble = |e: Y4mTrouble| MediaTrouble::internal(e.to_string());
    let mut frames = Y4mReader::open(pipe).map_err(trouble)?;
    if (frames.width, frames.height) != (settings.size.width as usize, settings.size.height as usize) {
        return Err(MediaTrouble::internal("decoded size differs from the rung"));
    }
    if frames.deep != settings.colour.deep {
        return Err(MediaTrouble::internal("decoded depth differs from the rung"));
    }
    let (config, threads) = settings.rav1e_config();
    let failed = |e: String| MediaTrouble::internal(format!("encoder: {e}"));
    let mut engine = Engine::new(config, threads).map_err(failed)?;
    let bytes = if frames.deep { 2 } else { 1 };
    let (width, half) = (frames.width * bytes, frames.width.div_ceil(2) * bytes);
    let (mut sent_all, mut none) = (false, true);
    loop {
        if cancel.is_cancelled() {
            return Err(MediaTrouble::Cancelled);
        }
        match engine.receive().map_err(failed)? {
            Step::Unit(data, key) => {
                coded(without_delimiter(&data), key)?;
                none = false;
            }
            Step::Again => {}
            Step::More if sent_all => {
                return Err(MediaTrouble::internal("the encoder wants more than there is"));
            }
            Step::More => match frames.next_frame().map_err(trouble)? {
                Some([y, u, v]) => engine.send([(y, width), (u, half), (v, half)], false).map_err(failed)?,
                None => {
                    engine.flush();
                    sent_all = true;
                }
            },
            Step::End => break,
        }
    }
    if none { Err(MediaTrouble::internal("a segment without frames")) } else { Ok(()) }
}

/// ISO files carry no temporal delimiters (AV1-ISOBMFF 2.4): strips the leading one.
pub(super) fn without_delimiter(unit: &[u8]) -> Vec<u8> {
    match unit {
        [first, 0, rest @ ..] if (first >> 3) & 15 == 2 => rest.to_vec(),
        _ => unit.to_vec(),
    }
}
