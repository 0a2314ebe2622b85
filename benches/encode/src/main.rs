//! How fast our AV1 is and how many bits it takes at equal quality, beside other encoders on the same
//! clips, on the same machine, in the same run; and how soon a clip can be watched.
//!
//! `cargo run --release -p kinora-encode-bench -- --clip FILE [--clip FILE] [--lines 480,720] [--seconds 12]
//! [--rounds 5] [--speed 10] [--quantizers 70,110,150,190] [--ffmpeg PATH] [--vmaf-ffmpeg PATH] [--alone]`
//!
//! All encoders get the same frames: the mezzanine segments of six seconds, scaled to the rung. Ours
//! read them as a worker does, each in a sandboxed process of its own with its decoder; "bare" is rav1e
//! alone on the same segments, from memory to memory; the others get them raw from a file. Speeds are
//! measured at the second quality, in rounds in which everybody has a turn; ratios are the median of
//! those of each round.
//! Quality is measured once for each of the four qualities: all encoders here give the same bytes for
//! the same frames, but for those with threads that share a bit rate, which none of these modes has.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod bd_rate;
mod clip;
mod ours;
mod peers;
mod quality;
mod table;
mod tools;

use clap::Parser;
use clip::{Kit, Prepared};
use kinora::media::av1::{Coder, EncodeSettings, apart, encoder_version};
use kinora::media::ladder::{Rung, group_frames};
use peers::POINTS;
use quality::{Quality, compare};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use table::{Contender, Goal};
use tools::{Fallible, median, run, timed, words};

#[derive(Parser)]
#[command(about = "Speed and bits at equal quality of our AV1 beside other encoders.")]
struct Args {
    /// A clip; may be given more than once.
    #[arg(long, required = true)]
    clip: Vec<PathBuf>,
    /// Sizes, by their number of lines, as far as the clip has them; of a smaller clip its own.
    #[arg(long, value_delimiter = ',', default_value = "480,720")]
    lines: Vec<u32>,
    /// How much of each clip; a shorter one is repeated. Two processors want at least two segments of six seconds.
    #[arg(long, default_value_t = 12.0)]
    seconds: f64,
    /// Rounds in which speed is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Speed of rav1e, 0 to 10.
    #[arg(long, default_value_t = 10)]
    speed: u8,
    /// Four quantisers of rav1e, from fine to coarse.
    #[arg(long, value_delimiter = ',', default_value = "70,110,150,190")]
    quantizers: Vec<u8>,
    /// The ffmpeg whose encoders are measured.
    #[arg(long, default_value = "ffmpeg")]
    ffmpeg: String,
    /// An ffmpeg with libvmaf, such as the one in PyPI's `imageio-ffmpeg`.
    #[arg(long)]
    vmaf_ffmpeg: Option<String>,
    /// Speed of our own ways only: no other encoders, and no quality.
    #[arg(long)]
    alone: bool,
}

/// The rungs of a studio as it is delivered, with which the first playable rendition is timed.
const USUAL_RUNGS: [u32; 2] = [360, 720];
/// At which of the qualities speed is measured.
const SPEED_POINT: usize = 1;

fn main() -> Fallible<ExitCode> {
    // As in the studio, a process of its own encodes each segment: this program once more.
    if let Some(ended) = apart::asked() {
        return Ok(ended);
    }
    apart::by_program(std::env::current_exe()?);
    let args = Args::parse();
    let quantizers: [u8; POINTS] =
        args.quantizers.clone().try_into().map_err(|_| format!("{POINTS} quantisers are needed"))?;
    let kit = Kit::new();
    let cores = std::thread::available_parallelism()?.get();
    let version = run(&args.ffmpeg, &words("-version"))?;
    println!(
        "{} | {} | {cores} processors | {} seconds, {} rounds, speed {}",
        encoder_version(Coder::Rav1e),
        version.lines().next().unwrap_or_default().split(" Copyright").next().unwrap_or_default(),
        args.seconds,
        args.rounds,
        args.speed
    );
    let mut goals = vec![];
    for clip in &args.clip {
        one_clip(&args, quantizers, &kit, cores, clip, &mut goals)?;
    }
    println!("\n{}", table::goals(&goals));
    Ok(ExitCode::SUCCESS)
}

fn one_clip(
    args: &Args,
    quantizers: [u8; POINTS],
    kit: &Kit,
    cores: usize,
    clip: &Path,
    goals: &mut Vec<Goal>,
) -> Fallible<()> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let name = clip.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let cut = clip::cut(clip, args.seconds, folder)?;
    let (mut shares, mut steps) = (vec![], vec![]);
    for _ in 0..args.rounds.max(1) {
        let one = clip::prepare(kit, &cut, &USUAL_RUNGS, folder)?;
        shares.push(one.playable * 1000.0 / one.made.duration_ms.max(1) as f64);
        steps = one.steps;
    }
    let steps: Vec<String> = steps.iter().map(|(name, seconds)| format!("{name} {seconds:.2}")).collect();
    let prepared = clip::prepare(kit, &cut, &args.lines, folder)?;
    let made = &prepared.made;
    println!(
        "\n{name}: {} frames of {}/{} a second in {} segments; first playable after {:.3} of its length (the last time, in seconds: {})",
        made.frames(),
        made.rate.0,
        made.rate.1,
        made.segments.len(),
        median(&shares),
        steps.join(", ")
    );
    let highest = made.h264.last().and_then(|s| s.rung).map_or(0, |r| r.lines);
    if highest >= 720 {
        let what = format!("{name}, first playable at {highest} lines, share of its length");
        goals.push(Goal::most(what, median(&shares), 0.35));
    }
    for rung in made.av1.clone() {
        one_rung(args, quantizers, kit, cores, (&name, &prepared, rung, folder), goals)?;
    }
    Ok(())
}

fn one_rung(
    args: &Args,
    quantizers: [u8; POINTS],
    kit: &Kit,
    cores: usize,
    (name, prepared, rung, folder): (&str, &Prepared, Rung, &Path),
    goals: &mut Vec<Goal>,
) -> Fallible<()> {
    let made = &prepared.made;
    let settings = |point: usize| EncodeSettings {
        size: rung.size,
        rate: made.rate,
        colour: made.colour.clone(),
        speed: args.speed,
        quantizer: quantizers[point],
        group: group_frames(made.rate),
        coder: Coder::Rav1e,
    };
    let raw = clip::reference(prepared, rung, folder)?;
    let out = folder.join("out");
    std::fs::create_dir_all(&out)?;
    let others = if args.alone {
        vec![]
    } else {
        peers::all(&args.ffmpeg, args.speed, quantizers.map(u32::from), group_frames(made.rate), cores)?
    };
    let frames = made.frames();
    let mut chunks = Contender::new("Kinora, segments side by side");
    let mut serial = Contender::new("Kinora, segments one after the other");
    let mut whole = Contender::new("rav1e, one context, 2 threads, same key frames");
    let mut bare = Contender::new("rav1e alone, same segments side by side");
    let mut rest: Vec<Contender> = others.iter().map(|p| Contender::new(&p.name)).collect();
    let raw_chunks = ours::chunks_of(&raw, &made.segments, (rung.size.width, rung.size.height))?;
    for _ in 0..args.rounds.max(1) {
        let now = settings(SPEED_POINT);
        let (side, seconds) = timed(|| ours::pipeline(kit, prepared, &now, cores, &out))?;
        chunks.took(frames, seconds);
        let (one, seconds) = timed(|| ours::pipeline(kit, prepared, &now, 1, &out))?;
        serial.took(frames, seconds);
        let (_, seconds) = timed(|| ours::unchunked(prepared, &now, rung, 2, folder))?;
        whole.took(frames, seconds);
        let (alone, seconds) = timed(|| ours::bare(&raw_chunks, &now, cores))?;
        bare.took(frames, seconds);
        if ours::bytes(&side) != ours::bytes(&one) || ours::bytes(&side) != ours::bytes(&alone) {
            return Err("the same segments came out differently".into());
        }
        for (peer, contender) in others.iter().zip(&mut rest) {
            let file = folder.join("peer");
            let (_, seconds) = timed(|| peer.encode(&args.ffmpeg, &raw, SPEED_POINT, frames, &file))?;
            contender.took(frames, seconds);
        }
    }
    drop(raw_chunks);
    let judge = |file: &Path| -> Fallible<Quality> { compare(file, &raw, args.vmaf_ffmpeg.as_deref()) };
    let (coded, mut same_keys) = (folder.join("coded"), true);
    for point in 0..if args.alone { 0 } else { POINTS } {
        let now = settings(point);
        let side = ours::pipeline(kit, prepared, &now, cores, &out)?;
        ours::write_ivf(&side, &now, &coded)?;
        chunks.reached(ours::bytes(&side), judge(&coded)?);
        let one = ours::unchunked(prepared, &now, rung, 2, folder)?;
        ours::write_ivf(&one, &now, &coded)?;
        whole.reached(ours::bytes(&one), judge(&coded)?);
        same_keys &= ours::keys(&side) == ours::keys(&one);
        for (peer, contender) in others.iter().zip(&mut rest) {
            let bytes = peer.encode(&args.ffmpeg, &raw, point, frames, &coded)?;
            contender.reached(bytes, judge(&coded)?);
        }
    }
    serial.same_as(&chunks);
    bare.same_as(&chunks);
    let at = format!("{name} at {} lines", rung.lines);
    goals.push(Goal::least(format!("{at}: × one context with 2 threads"), chunks.times(&whole), 1.3));
    goals.push(Goal::least(format!("{at}: × the same one after the other"), chunks.times(&serial), 1.45));
    goals.push(Goal::most(format!("{at}: overhead over rav1e alone, %"), chunks.overhead(&bare), 10.0));
    for (which, found) in chunks.more_bits_than(&whole) {
        goals.push(Goal::most(format!("{at}: more bits than one context ({which}), %"), found, 1.0));
    }
    let mut all = vec![chunks, serial, whole, bare];
    all.extend(rest);
    println!("\n{at} ({} × {}):\n{}", rung.size.width, rung.size.height, table::contenders(&all));
    if !same_keys {
        println!("The one context chose other key frames than the segments, beside those that it was told.");
    }
    Ok(())
}
