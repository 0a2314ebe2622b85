//! What ffprobe says about a file, inside the sandbox and before anything is decoded.

use super::light::{self, Light};
use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::subtitles::{self, Described, TextTrack};
use super::{Limits, MediaTrouble};
use crate::domain::media::{Chapter, Facts, Failure, Kind, Rejection};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// Containers that may be opened. None of them refers to other files or to the network: no
/// playlist, concat, SDP or picture-sequence demuxer.
pub(super) const DEMUXERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,ogg,wav,w64,mp3,\
flac,aac,flv,asf,mxf,aiff,caf,amr,ivf,dv,h264,hevc,ac3,eac3";

/// Options that every run of ffmpeg and ffprobe on foreign bytes begins with.
pub(super) fn guarded_input(limits: &Limits) -> Vec<String> {
    ["-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS, "-max_pixels"]
        .map(String::from)
        .into_iter()
        .chain([limits.pixels().to_string()])
        .collect()
}

/// Colour description as names of ffmpeg, copied through to every rendition.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Colour {
    /// Primaries, such as `bt709`.
    pub primaries: Option<String>,
    /// Transfer function, such as `smpte2084`.
    pub transfer: Option<String>,
    /// Matrix, such as `bt709`.
    pub matrix: Option<String>,
    /// Whether samples use the full range.
    pub full_range: bool,
    /// Whether samples have ten bits; else they have eight.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deep: bool,
    /// The light that was meant, of high dynamic range.
    #[serde(default, skip_serializing_if = "Light::is_unknown")]
    pub light: Light,
}

impl Colour {
    /// Whether it is of high dynamic range: PQ (HDR10) or HLG, as HLS names them.
    #[must_use]
    pub fn range(&self) -> Option<&'static str> {
        match self.transfer.as_deref() {
            Some("smpte2084") => Some("PQ"),
            Some("arib-std-b67") => Some("HLG"),
            _ => None,
        }
    }
}

/// What is needed to normalise an accepted file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Probed {
    /// What it is.
    pub kind: Kind,
    /// What goes into the log.
    pub facts: Facts,
    /// Size as shown: rotation and pixel shape applied.
    pub shown: super::ladder::Size,
    /// Colour description found.
    pub colour: Colour,
    /// Whether the pictures are RGB or of unusual subsampling and need a matrix of ours.
    pub rgb: bool,
    /// Whether it is high dynamic range and has to be tone mapped.
    pub hdr: bool,
    /// Constant frame rate to normalise to.
    pub rate: (u32, u32),
    /// Subtitles of text.
    pub subtitles: Vec<TextTrack>,
    /// Chapters that the file names.
    pub chapters: Vec<Chapter>,
    /// The stream that is the cover of a sound.
    pub cover: Option<u32>,
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    chapters: Vec<super::chapters::Told>,
}

#[derive(Deserialize, Default)]
struct Format {
    #[serde(default)]
    format_name: String,
    duration: Option<String>,
}

#[derive(Deserialize, Default)]
struct Stream {
    #[serde(default)]
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    codec_tag_string: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    duration: Option<String>,
    nb_frames: Option<String>,
    pix_fmt: Option<String>,
    color_range: Option<String>,
    color_space: Option<String>,
    color_transfer: Option<String>,
    color_primaries: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Deserialize, Default)]
struct Tags {
    language: Option<String>,
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: i64,
    #[serde(default)]
    hearing_impaired: i64,
}

#[derive(Deserialize, Default)]
struct SideData {
    #[serde(default)]
    side_data_type: String,
    rotation: Option<f64>,
    #[serde(flatten)]
    light: light::Told,
}

/// Examines a file that the sniffer took for a film or a sound.
///
/// # Errors
/// A rejection with its sentence, or a failure of the examination itself.
pub fn probe(
    sandbox: &Sandbox,
    limits: &Limits,
    file: &Path,
    cancel: &Cancel,
) -> Result<Probed, MediaTrouble> {
    let time = Duration::from_secs(limits.probe_seconds);
    let mut job = sandbox.job("ffprobe", limits, time);
    let input = job.reads(file)?;
    job.args(["-v", "error", "-print_format", "json", "-show_format", "-show_streams", "-show_chapters"]);
    job.args(["-threads", "1"]);
    job.args(guarded_input(limits)).args(["-i".to_owned(), format!("file:{input}")]);
    let mut text = String::new();
    let outcome = job.run(cancel, |line| {
        if text.len() < 4 << 20 {
            text.push_str(line);
            text.push('\n');
        }
    });
    match outcome {
        Ok(()) => {}
        Err(SandboxError::Exit { code: Some(_), message }) => {
            return Err(MediaTrouble::Rejected(unreadable(&message, limits)));
        }
        // Killed by its limits on processor time or memory.
        Err(SandboxError::Exit { code: None, .. }) => {
            return Err(MediaTrouble::Rejected(Rejection::ProbeExhausted));
        }
        Err(other) => return Err(other.into()),
    }
    if super::iso::is_encrypted(file)? {
        return Err(MediaTrouble::Rejected(Rejection::Encrypted));
    }
    let report: Report = serde_json::from_str(&text).map_err(|_| {
        MediaTrouble::Failed(Failure::Internal { detail: "the examiner's report cannot be read".into() })
    })?;
    let mut probed = judge(&report, limits).map_err(MediaTrouble::Rejected)?;
    if probed.hdr && probed.colour.light.is_unknown() {
        probed.colour.light = light::of_first_frame(sandbox, limits, file, cancel)?;
    }
    refuse_gaps(sandbox, limits, file, &probed, cancel)?;
    if probed.kind == Kind::Audio
        && probed.facts.duration_ms == 0
        && packets(sandbox, limits, file, ("a:0", Some("%+#1")), cancel)?.is_none_or(|n| n == 0)
    {
        return Err(MediaTrouble::Rejected(Rejection::Unreadable {
            found: "there is no sound in it".into(),
        }));
    }
    Ok(probed)
}

/// How many packets a stream has, within this part of it; `None` if that is unknown.
fn packets(
    sandbox: &Sandbox,
    limits: &Limits,
    file: &Path,
    (stream, within): (&str, Option<&str>),
    cancel: &Cancel,
) -> Result<Option<u64>, MediaTrouble> {
    let mut job = sandbox.job("ffprobe", limits, Duration::from_secs(limits.probe_seconds));
    let input = job.reads(file)?;
    job.args(["-v", "error", "-count_packets", "-select_streams", stream]);
    job.args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]);
    if let Some(within) = within {
        job.args(["-read_intervals", within]);
    }
    job.args(guarded_input(limits)).args(["-i".to_owned(), format!("file:{input}")]);
    let mut count = None;
    job.run(cancel, |line| count = line.trim().trim_end_matches(',').parse::<u64>().ok())?;
    Ok(count)
}

/// A few frames spread over hours: making the rate constant would fill the gaps with copies. Files
/// without a frame count are counted when they are suspiciously small for their length.
fn refuse_gaps(
    sandbox: &Sandbox,
    limits: &Limits,
    file: &Path,
    probed: &Probed,
    cancel: &Cancel,
) -> Result<(), MediaTrouble> {
    let seconds = probed.facts.duration_ms / 1000;
    if probed.kind != Kind::Video || seconds < 120 || std::fs::metadata(file)?.len() / seconds > 2000 {
        return Ok(());
    }
    match packets(sandbox, limits, file, ("V:0", None), cancel)? {
        Some(n) if n >= seconds / 30 => Ok(()),
        _ => Err(MediaTrouble::Rejected(Rejection::BrokenTimes)),
    }
}

/// Width and height in what ffmpeg says when a frame has more pixels than it was allowed.
pub(super) fn size_refused(lower: &str) -> Option<(u64, u64)> {
    let (size, _) = lower.split_once("picture size ")?.1.split_once(' ')?;
    let (width, height) = size.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// Words without the names and addresses of parts of ffmpeg, such as `[mp2 @ 0x55d0]`.
fn for_people(message: &str) -> String {
    let mut words = String::new();
    for (n, part) in message.split('[').enumerate() {
        let rest = part.split_once("] ").filter(|(inside, _)| n > 0 && inside.contains(" @ 0x"));
        match rest {
            Some((_, rest)) => words.push_str(rest),
            None if n > 0 => {
                words.push('[');
                words.push_str(part);
            }
            None => words.push_str(part),
        }
    }
    words.chars().take(120).collect()
}

fn unreadable(message: &str, limits: &Limits) -> Rejection {
    let lower = message.to_lowercase();
    if let Some((width, height)) = size_refused(&lower) {
        return Rejection::TooManyPixels { width, height, limit_megapixels: limits.megapixels };
    }
    if lower.contains("moov atom not found") || lower.contains("ebml header parsing failed") {
        Rejection::Truncated
    } else if lower.contains("not on whitelist") {
        Rejection::Playlist
    } else if lower.contains("encrypt") {
        Rejection::Encrypted
    } else if lower.contains("could not seek to") {
        // A part says how long it is, and there is less of the file.
        Rejection::Unreadable { found: "it is cut off or damaged".into() }
    } else if lower.contains("invalid data") || lower.contains("end of file") || message.is_empty() {
        Rejection::Unreadable { found: "no known video or sound format".into() }
    } else {
        Rejection::Unreadable { found: for_people(message) }
    }
}

fn judge(report: &Report, limits: &Limits) -> Result<Probed, Rejection> {
    let streams = report.streams.len() as u64;
    if streams > limits.streams {
        return Err(Rejection::TooManyStreams { streams, limit: limits.streams });
    }
    let encrypted = |s: &Stream| {
        matches!(s.codec_tag_string.as_deref(), Some("encv" | "enca"))
            || s.side_data_list.iter().any(|d| d.side_data_type.to_lowercase().contains("encryption"))
    };
    if report.streams.iter().any(encrypted) {
        return Err(Rejection::Encrypted);
    }
    let is = |s: &Stream, kind: &str| s.codec_type.as_deref() == Some(kind);
    let video = report.streams.iter().find(|s| is(s, "video") && s.disposition.attached_pic == 0);
    let audio = report.streams.iter().find(|s| is(s, "audio"));
    if video.is_none() && audio.is_none() {
        return Err(Rejection::NothingToPlay);
    }
    let duration_ms = [
        report.format.duration.as_deref(),
        video.and_then(|v| v.duration.as_deref()),
        audio.and_then(|a| a.duration.as_deref()),
    ]
    .into_iter()
    .flatten()
    .filter_map(|d| d.parse::<f64>().ok())
    .filter(|d| d.is_finite() && *d > 0.0)
    .fold(0.0_f64, f64::max)
        * 1000.0;
    let duration_ms = duration_ms.round() as u64;
    let minutes = duration_ms / 60_000;
    if minutes >= limits.minutes {
        return Err(Rejection::TooLong { minutes, limit_minutes: limits.minutes });
    }
    let found: Vec<&Stream> = report.streams.iter().filter(|s| is(s, "subtitle")).collect();
    let described = |s: &&Stream| {
        subtitles::track(Described {
            stream: s.index,
            codec: s.codec_name.as_deref().unwrap_or_default(),
            language: s.tags.language.as_deref(),
            sounds: s.disposition.hearing_impaired != 0,
        })
    };
    let texts: Vec<TextTrack> = found.iter().filter_map(described).collect();
    let mut probed = Probed {
        kind: if video.is_some() { Kind::Video } else { Kind::Audio },
        facts: Facts {
            format: report.format.format_name.clone(),
            duration_ms,
            audio_codec: audio.and_then(|a| a.codec_name.clone()),
            frame_rate: (0, 1),
            picture_subtitles: u32::try_from(found.len() - texts.len()).unwrap_or(0),
            ..Facts::default()
        },
        shown: super::ladder::Size { width: 0, height: 0 },
        colour: Colour::default(),
        rgb: false,
        hdr: false,
        rate: (25, 1),
        subtitles: texts,
        chapters: super::chapters::read(&report.chapters, duration_ms),
        cover: report
            .streams
            .iter()
            .find(|s| is(s, "video") && s.disposition.attached_pic != 0)
            .map(|s| s.index),
    };
    if let Some(video) = video {
        judge_video(video, limits, &mut probed)?;
    }
    Ok(probed)
}

fn judge_video(video: &Stream, limits: &Limits, probed: &mut Probed) -> Result<(), Rejection> {
    let width = u64::try_from(video.width.unwrap_or(0)).unwrap_or(0);
    let height = u64::try_from(video.height.unwrap_or(0)).unwrap_or(0);
    if width == 0 || height == 0 {
        return Err(Rejection::Truncated);
    }
    if width * height > limits.pixels() || width > limits.side || height > limits.side {
        return Err(Rejection::TooManyPixels { width, height, limit_megapixels: limits.megapixels });
    }
    let average = fraction(video.avg_frame_rate.as_deref());
    let nominal = fraction(video.r_frame_rate.as_deref());
    let per_second = f64::from(average.0) / f64::from(average.1.max(1));
    if per_second > limits.frame_rate as f64 {
        return Err(Rejection::FrameRateTooHigh {
            rate: per_second.round() as u64,
            limit: limits.frame_rate,
        });
    }
    // A few frames spread over hours: the constant rate would fill the gap with copies.
    let frames: Option<u64> = video.nb_frames.as_deref().and_then(|n| n.parse().ok());
    let seconds = probed.facts.duration_ms as f64 / 1000.0;
    let sparse = frames.is_some_and(|n| n > 0 && seconds > 120.0 && (n as f64) < seconds / 30.0);
    if sparse || (average.0 > 0 && per_second < 1.0 / 30.0 && seconds > 120.0) {
        return Err(Rejection::BrokenTimes);
    }
    let rotation = video.side_data_list.iter().find_map(|d| d.rotation).unwrap_or(0.0);
    let turned = ((rotation.abs() / 90.0).round() as i64) % 2 == 1;
    let shape = fraction(video.sample_aspect_ratio.as_deref().map(|s| s.replace(':', "/")).as_deref());
    let wide =
        if shape.0 > 0 && shape.1 > 0 { width * u64::from(shape.0) / u64::from(shape.1) } else { width };
    let wide = wide.clamp(width / 4, width * 4).max(1);
    let (w, h) = if turned { (height, wide) } else { (wide, height) };
    probed.shown =
        super::ladder::Size { width: u32::try_from(w).unwrap_or(2), height: u32::try_from(h).unwrap_or(2) };
    probed.rate = super::ladder::constant_rate(average, nominal);
    let pixels = video.pix_fmt.as_deref().unwrap_or_default();
    probed.rgb =
        ["rgb", "bgr", "gbr", "pal8", "argb", "abgr", "0rgb", "0bgr"].iter().any(|p| pixels.starts_with(p));
    probed.colour = Colour {
        primaries: video.color_primaries.clone(),
        transfer: video.color_transfer.clone(),
        matrix: video.color_space.clone(),
        full_range: video.color_range.as_deref() == Some("pc") || pixels.starts_with("yuvj"),
        deep: is_deep(pixels),
        light: Light::of(video.side_data_list.iter().map(|d| &d.light)),
    };
    probed.hdr = probed.colour.range().is_some();
    probed.facts.width = probed.shown.width;
    probed.facts.height = probed.shown.height;
    probed.facts.frame_rate = average;
    probed.facts.video_codec = video.codec_name.clone();
    Ok(())
}

/// Whether samples of this form have more than eight bits.
fn is_deep(pixels: &str) -> bool {
    let form = pixels.strip_suffix("le").or_else(|| pixels.strip_suffix("be")).unwrap_or_default();
    ["10", "12", "14", "16", "48", "64"].iter().any(|bits| form.ends_with(bits))
}

fn fraction(text: Option<&str>) -> (u32, u32) {
    let parse = || {
        let (n, d) = text?.split_once('/')?;
        Some((n.parse().ok()?, d.parse().ok()?))
    };
    match parse() {
        Some((n, d)) if d > 0 => (n, d),
        _ => (0, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_examiner_says_is_told_in_words_for_people() {
        let limits = Limits { megapixels: 40, ..Limits::default() };
        let said =
            "[IMGUTILS @ 0x7ffc3dafde90] Picture size 8000x6000 exceeds specified max pixel count 40000000";
        let refused = Rejection::TooManyPixels { width: 8000, height: 6000, limit_megapixels: 40 };
        assert_eq!(unreadable(said, &limits), refused);
        assert_eq!(unreadable("moov atom not found", &limits), Rejection::Truncated);
        let said = "[mp3 @ 0x5] Invalid frame size (192): Could not seek to 48215.; file Invalid argument";
        let found = "it is cut off or damaged".to_owned();
        assert_eq!(unreadable(said, &limits), Rejection::Unreadable { found });
        let said = "[mov @ 0x55] stream 0 [odd], [a @ 0x1] contradictory";
        let found = "stream 0 [odd], contradictory".to_owned();
        assert_eq!(unreadable(said, &limits), Rejection::Unreadable { found });
    }

    #[test]
    fn the_depth_of_samples_is_in_the_name_of_their_form() {
        for deep in
            ["yuv420p10le", "yuv422p10be", "p010le", "yuv444p12le", "rgb48le", "gray16le", "x2rgb10le"]
        {
            assert!(is_deep(deep), "{deep}");
        }
        for plain in ["yuv420p", "yuvj420p", "nv12", "nv16", "rgb24", "rgb565le", "gray", ""] {
            assert!(!is_deep(plain), "{plain}");
        }
    }
}
