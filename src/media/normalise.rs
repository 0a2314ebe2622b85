//! The pass for which people wait: foreign bytes become H.264 that plays at once, the sound, and small pictures of
//! the whole. What every later step works on is made after it ([`super::mezzanine`]).

use super::fmp4::{fragment_facts, h264_codec_string};
use super::ladder::{Rung, Size, group_frames, rungs};
use super::playlist::{self, Entry};
use super::probe::{Colour, Probed, guarded_input};
use super::sandbox::{Cancel, Sandbox};
use super::smaller::h264_folder;
use super::{Limits, MediaTrouble, overview};
use crate::domain::media::{Failure, Kind};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which sizes are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalisePlan {
    /// Shorter sides of the H.264 rungs.
    pub h264: Vec<u32>,
    /// Shorter sides of the AV1 rungs; empty when no AV1 will be made.
    pub av1: Vec<u32>,
    /// Loudness to which sound is brought, in LUFS (EBU R 128); 0: it stays as it is.
    pub loudness: i8,
}

/// One made stream of segments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeStream {
    /// Its folder.
    pub folder: String,
    /// Its rung; `None` for sound.
    pub rung: Option<Rung>,
    /// RFC 6381 string.
    pub codecs: String,
    /// Bytes of all its files.
    pub bytes: u64,
    /// Highest bits a second of any segment.
    pub peak: u64,
    /// Bits a second over all.
    pub average: u64,
}

/// What the pass made; kept as a file beside the mezzanine for the steps after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalised {
    /// Constant frame rate of every moving rendition.
    pub rate: (u32, u32),
    /// Frames of each segment, in order; empty for sound.
    pub segments: Vec<u64>,
    /// H.264 streams, ascending.
    pub h264: Vec<MadeStream>,
    /// Smaller H.264 rungs to make of the mezzanine, ascending: nobody waits for them.
    #[serde(default)]
    pub smaller: Vec<Rung>,
    /// Sound as AAC, which plays everywhere, if there is any.
    pub sound: Option<MadeStream>,
    /// The same as Opus, which goes with AV1 and is smaller.
    #[serde(default)]
    pub opus: Option<MadeStream>,
    /// AV1 rungs to make of the mezzanine, ascending.
    pub av1: Vec<Rung>,
    /// Colour description of the mezzanine.
    pub colour: Colour,
    /// Exact length in milliseconds.
    pub duration_ms: u64,
    /// Milliseconds between the small pictures of the whole that the pass made, by the length it was told; 0: none.
    #[serde(default)]
    pub pictures_ms: u64,
    /// Which of them it also wrote in full, for the still.
    #[serde(default)]
    pub looks: Vec<u32>,
}

/// Where the pass puts what it makes; all of them exist and are empty.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// What is delivered.
    pub public: &'a Path,
    /// What is gone when the first rendition plays.
    pub scratch: &'a Path,
}

impl Normalised {
    /// Frames of each moving rendition.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.segments.iter().sum()
    }

    /// The frame with which segment `number` begins.
    #[must_use]
    pub fn first_frame(&self, number: usize) -> u64 {
        self.segments.iter().take(number).sum()
    }
}

/// Runs the pass. `progress` hears (frames done, frames expected).
///
/// # Errors
/// A failure with its reason, or cancellation.
pub fn normalise(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    source: &Path,
    probed: &Probed,
    plan: &NormalisePlan,
    Places { public, scratch }: Places<'_>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Normalised, MediaTrouble> {
    let video = probed.kind == Kind::Video;
    let mut h264 = if video { rungs(probed.shown, &plan.h264) } else { vec![] };
    let av1 = if video { rungs(probed.shown, &plan.av1) } else { vec![] };
    let av1 = if plan.av1.is_empty() { vec![] } else { av1 };
    // A mezzanine of ten bits is not tone mapped: of that no H.264 can be made.
    let later = !av1.is_empty() && !probed.colour.deep;
    let largest = h264.split_off(if later { h264.len().saturating_sub(1) } else { 0 });
    let (smaller, h264) = (h264, largest);
    let sound = probed.facts.audio_codec.is_some();
    for rung in &h264 {
        std::fs::create_dir_all(public.join(h264_folder(rung)))?;
    }
    if sound {
        std::fs::create_dir_all(public.join(SOUND))?;
        std::fs::create_dir_all(public.join(OPUS))?;
    }
    let mut job = sandbox.job("ffmpeg", limits, limits.normalise_time(probed.facts.duration_ms));
    job.at_leisure();
    let input = job.reads(source)?;
    let out = job.writes(public)?;
    let looks = job.writes(scratch)?;
    job.args(reading(&input, limits));
    if video {
        job.args(["-filter_complex".to_owned(), filter_graph(probed, &h264, &av1)]);
        job.args(overview::sheets_output("board", &out));
        job.args(overview::looks_output(probed.facts.duration_ms, &looks));
        for (n, rung) in h264.iter().enumerate() {
            job.args(h264_output(
                &format!("v{n}"),
                rung,
                probed.rate,
                &format!("{out}/{}", h264_folder(rung)),
                Effort::Hurried,
            ));
        }
    }
    if sound {
        job.args(sound_output(&AAC_CODER, plan.loudness, &format!("{out}/{SOUND}")));
        job.args(sound_output(&OPUS_CODER, plan.loudness, &format!("{out}/{OPUS}")));
    }
    let expected = expected_frames(probed);
    job.run(cancel, |line| {
        let done = match line.split_once('=') {
            Some(("frame", n)) if video => n.trim().parse().ok(),
            Some(("out_time_us", n)) if !video => n.trim().parse::<u64>().ok().map(|us| us / 40_000),
            _ => None,
        };
        if let Some(done) = done {
            progress(done, expected.max(done));
        }
    })?;
    collect(probed, (&h264, smaller, av1), sound, public)
}

/// How ffmpeg is told to read an original, and to say how far it is.
pub(super) fn reading(input: &str, limits: &Limits) -> Vec<String> {
    let mut args =
        ["-nostdin", "-v", "error", "-nostats", "-progress", "pipe:1", "-y"].map(String::from).to_vec();
    // A damaged track costs what is damaged, not the whole work; one with nothing in it is found when it is collected.
    args.extend(["-max_error_rate", "1"].map(String::from));
    args.extend(guarded_input(limits));
    args.extend(["-t".to_owned(), (limits.minutes * 60).to_string(), "-i".into(), format!("file:{input}")]);
    args
}

fn expected_frames(probed: &Probed) -> u64 {
    let (n, d) = probed.rate;
    probed.facts.duration_ms * u64::from(n) / (1000 * u64::from(d.max(1)))
}

/// One chain to frames that play everywhere, then one branch for each output. The size is that of the largest of all
/// rungs, so that the mezzanine is made of the same frames.
fn filter_graph(probed: &Probed, h264: &[Rung], av1: &[Rung]) -> String {
    let top = h264.iter().chain(av1).map(|r| r.size).max_by_key(|s| s.width * s.height);
    let top = top.unwrap_or(Size { width: 2, height: 2 });
    let mut chain = format!("[0:V:0]{}", upright(probed, top));
    chain.push_str(&format!(",split={}", h264.len() + 1));
    for n in 0..h264.len() {
        chain.push_str(&format!("[s{n}]"));
    }
    let plays = h264.last().map_or(top, |r| r.size);
    chain.push_str("[sboard];");
    let shape = (top.width, top.height);
    chain.push_str(&overview::filters(probed.facts.duration_ms, shape, (plays.width, plays.height)));
    for (n, rung) in h264.iter().enumerate() {
        chain.push_str(&format!(";[s{n}]scale={}:{}:flags=bicubic[v{n}]", rung.size.width, rung.size.height));
    }
    chain
}

/// The filters to a constant rate and upright, square, even, 8-bit 4:2:0 frames without high dynamic range. `scale` to
/// a fixed size also swallows changes of size in the middle.
pub(super) fn upright(probed: &Probed, Size { width: w, height: h }: Size) -> String {
    let (n, d) = probed.rate;
    let mut chain = format!("fps={n}/{d}:start_time=0,");
    if probed.hdr {
        chain.push_str(&format!(
            "zscale=w={w}:h={h}:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,"
        ));
    } else if probed.rgb {
        chain.push_str(&format!("scale={w}:{h}:flags=bicubic:out_color_matrix=bt709:out_range=tv,"));
    } else {
        chain.push_str(&format!("scale={w}:{h}:flags=bicubic:out_range=tv,"));
    }
    chain.push_str("format=yuv420p,setsar=1");
    chain
}

/// Fixed closed groups of six seconds. No B frames: their delay would shift the picture against the
/// sound by two frames in players that ignore edit lists.
pub(super) fn fixed_groups(rate: (u32, u32)) -> Vec<String> {
    let group = group_frames(rate).to_string();
    ["-bf", "0", "-g", &group, "-keyint_min", &group, "-sc_threshold", "0", "-flags", "+cgop"]
        .map(String::from)
        .to_vec()
}

pub(super) fn clean() -> Vec<String> {
    ["-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"].map(String::from).to_vec()
}

/// Every key frame begins a segment: five seconds is below any group, and cuts happen at keys only.
fn hls(folder: &str) -> Vec<String> {
    [
        "-f",
        "hls",
        "-hls_time",
        "5",
        "-hls_playlist_type",
        "vod",
        "-hls_segment_type",
        "fmp4",
        "-hls_segment_filename",
    ]
    .map(String::from)
    .into_iter()
    .chain([format!("{folder}/%05d.m4s"), format!("{folder}/index.m3u8")])
    .collect()
}

/// How much an encode by x264 may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Somebody waits for the work to play: a third less time for about nine hundredths more bits.
    Hurried,
    /// Nobody waits.
    Usual,
}

pub(super) fn h264_output(
    label: &str,
    rung: &Rung,
    rate: (u32, u32),
    folder: &str,
    effort: Effort,
) -> Vec<String> {
    // A ceiling on the bit rate keeps noise and grain from making a rung unplayable on slow lines.
    let ceiling = u64::from(rung.size.width) * u64::from(rung.size.height) * 5 / 1000 + 300;
    let mut args = vec!["-map".to_owned(), format!("[{label}]")];
    let preset = if effort == Effort::Hurried { "superfast" } else { "veryfast" };
    args.extend(["-c:v", "libx264", "-preset", preset, "-profile:v", "high", "-crf", "23"].map(String::from));
    if effort == Effort::Hurried {
        // Without them the same factor takes half as many bits again.
        args.extend(["-mbtree", "1", "-rc-lookahead", "10", "-weightp", "1"].map(String::from));
    }
    args.extend(["-maxrate".into(), format!("{ceiling}k"), "-bufsize".into(), format!("{}k", 2 * ceiling)]);
    args.extend(fixed_groups(rate));
    args.extend(clean());
    args.extend(hls(folder));
    args
}

/// Folder of the sound as AAC.
const SOUND: &str = "audio";
/// Folder of the sound as Opus.
const OPUS: &str = "audio-opus";
const AAC_CODER: [&str; 4] = ["-c:a", "aac", "-b:a", "128k"];
const OPUS_CODER: [&str; 4] = ["-c:a", "libopus", "-b:a", "96k"];

fn sound_output(coder: &[&str], loudness: i8, folder: &str) -> Vec<String> {
    let mut filter = String::from("aresample=async=1:first_pts=0");
    if loudness != 0 {
        filter.push_str(&format!(",loudnorm=I={loudness}:TP=-1.5:LRA=11"));
    }
    let mut args = ["-map", "0:a:0", "-ac", "2", "-ar", "48000"].to_vec();
    args.extend(coder);
    let mut args: Vec<String> = args.into_iter().map(String::from).collect();
    args.extend(["-af".into(), filter]);
    args.extend(clean());
    args.extend(hls(folder));
    args
}

/// Reads back what was made; nothing is believed that is not counted.
fn collect(
    probed: &Probed,
    (h264, smaller, av1): (&[Rung], Vec<Rung>, Vec<Rung>),
    sound: bool,
    public: &Path,
) -> Result<Normalised, MediaTrouble> {
    let nothing =
        || MediaTrouble::Failed(Failure::DecoderGaveUp { detail: "no frame could be decoded".into() });
    let mut made = Normalised {
        rate: probed.rate,
        segments: vec![],
        h264: vec![],
        smaller,
        sound: None,
        opus: None,
        av1,
        colour: delivered_colour(probed),
        duration_ms: 0,
        pictures_ms: if h264.is_empty() { 0 } else { overview::interval(probed.facts.duration_ms).0 },
        looks: if h264.is_empty() { vec![] } else { overview::looks(probed.facts.duration_ms) },
    };
    for rung in h264 {
        let folder = h264_folder(rung);
        let (stream, frames) = video_stream(&public.join(&folder), &folder, *rung, probed.rate)?;
        if frames.is_empty() {
            return Err(nothing());
        }
        if !made.segments.is_empty() && made.segments != frames {
            return Err(MediaTrouble::internal("rungs differ in their frames"));
        }
        made.segments = frames;
        made.h264.push(stream);
    }
    let video_ms = made.frames() * 1000 * u64::from(made.rate.1) / u64::from(made.rate.0.max(1));
    let mut sound_ms = 0;
    if sound && let Some((stream, ms)) = sound_stream(public, SOUND, "mp4a.40.2")? {
        made.sound = Some(stream);
        sound_ms = ms;
        made.opus = sound_stream(public, OPUS, "opus")?.map(|(stream, _)| stream);
    }
    if made.opus.is_none() {
        super::store::remove_folder(&public.join(OPUS))?;
    }
    if made.h264.is_empty() && made.sound.is_none() {
        return Err(nothing());
    }
    made.duration_ms = video_ms.max(sound_ms);
    Ok(made)
}

/// The colours of the mezzanine. Only ten bits hold what is of high dynamic range; with eight it was tone mapped.
fn delivered_colour(probed: &Probed) -> Colour {
    let bt709 = || Some("bt709".to_owned());
    let own = Colour { full_range: false, ..probed.colour.clone() };
    match (probed.hdr, probed.colour.deep) {
        (true, true) if probed.rgb => Colour { matrix: Some("bt2020nc".into()), ..own },
        (true, false) => {
            Colour { primaries: bt709(), transfer: bt709(), matrix: bt709(), ..Colour::default() }
        }
        (false, deep) if probed.rgb => {
            Colour { primaries: bt709(), transfer: bt709(), matrix: bt709(), deep, ..Colour::default() }
        }
        _ => own,
    }
}

/// Reads an H.264 stream back, and writes its playlist as ours. Gives the frames of each segment, too.
pub(super) fn video_stream(
    path: &Path,
    folder: &str,
    rung: Rung,
    rate: (u32, u32),
) -> Result<(MadeStream, Vec<u64>), MediaTrouble> {
    let listed = playlist::entries(&std::fs::read_to_string(path.join("index.m3u8"))?);
    let init = std::fs::read(path.join("init.mp4"))?;
    let mut frames = vec![];
    let mut entries = vec![];
    let mut sizes = vec![];
    for entry in &listed {
        let bytes = std::fs::read(path.join(&entry.file))?;
        let count = fragment_facts(&bytes)?.frames;
        frames.push(count);
        sizes.push(bytes.len() as u64);
        let seconds = count as f64 * f64::from(rate.1) / f64::from(rate.0.max(1));
        entries.push(Entry { seconds, file: entry.file.clone() });
    }
    let codecs = h264_codec_string(&init)?;
    let index = playlist::media(&entries);
    std::fs::write(path.join("index.m3u8"), &index)?;
    let (peak, average) = bit_rates(&entries, &sizes);
    let bytes = sizes.iter().sum::<u64>() + (init.len() + index.len()) as u64;
    Ok((MadeStream { folder: folder.into(), rung: Some(rung), codecs, bytes, peak, average }, frames))
}

fn sound_stream(
    public: &Path,
    folder: &str,
    codecs: &str,
) -> Result<Option<(MadeStream, u64)>, MediaTrouble> {
    let path = public.join(folder);
    // A sound track without a single decodable packet leaves no playlist: the film is then silent.
    let Ok(text) = std::fs::read_to_string(path.join("index.m3u8")) else { return Ok(None) };
    let entries = playlist::entries(&text);
    let sizes = entries
        .iter()
        .map(|e| std::fs::metadata(path.join(&e.file)).map(|m| m.len()))
        .collect::<Result<Vec<_>, _>>()?;
    if entries.is_empty() {
        return Ok(None);
    }
    std::fs::write(path.join("index.m3u8"), playlist::media(&entries))?;
    let (peak, average) = bit_rates(&entries, &sizes);
    let seconds: f64 = entries.iter().map(|e| e.seconds).sum();
    let stream = MadeStream {
        folder: folder.into(),
        rung: None,
        codecs: codecs.into(),
        bytes: sizes.iter().sum(),
        peak,
        average,
    };
    Ok(Some((stream, (seconds * 1000.0).round() as u64)))
}

/// Peak and average bits a second. A last segment of a few frames says nothing about the peak.
pub(super) fn bit_rates(entries: &[Entry], bytes: &[u64]) -> (u64, u64) {
    let seconds: f64 = entries.iter().map(|e| e.seconds).sum();
    let total: u64 = bytes.iter().sum();
    let average = (total as f64 * 8.0 / seconds.max(0.001)).round() as u64;
    let peak = entries
        .iter()
        .zip(bytes)
        .filter(|(e, _)| e.seconds >= 1.0 || entries.len() == 1)
        .map(|(e, b)| (*b as f64 * 8.0 / e.seconds.max(0.001)).round() as u64)
        .max()
        .unwrap_or(average);
    (peak.max(average), average)
}
