//! Frames a second of our AV1 ladder against `ffmpeg -c:v librav1e` at the same speed level, on the
//! same clip, in the same run.
//!
//! `cargo run --release --example av1_speed -- CLIP [SECONDS] [SPEED] [QUANTISER]`
//!
//! Both get the same mezzanine segments. Ours: one thread and one tile a segment, as many segments as
//! processors side by side, in this process, as the worker does it. ffmpeg: the same segments one
//! after the other with all processors (tiles), which is what one would do without chunks; and side
//! by side with one thread each.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use kinora::media::av1::{EncodeSettings, encode_segment, encoder_version};
use kinora::media::fmp4::av1_fragment;
use kinora::media::ladder::{Rung, group_frames};
use kinora::media::normalise::{NormalisePlan, Normalised, mezzanine_name, normalise};
use kinora::media::package::{av1_folder, package_av1, segment_name, write_download, write_master};
use kinora::media::probe::probe;
use kinora::media::sandbox::{Cancel, Sandbox};
use kinora::media::store::write_atomically;
use kinora::media::{Limits, MediaTrouble};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let clip =
        PathBuf::from(args.first().ok_or("usage: av1_speed CLIP [SECONDS] [SPEED] [QUANTISER] [KEEP_IN]")?);
    let number = |i: usize, or: u32| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(or);
    let (seconds, speed, quantizer) = (number(1, 18), number(2, 10) as u8, number(3, 110) as u8);
    let scratch = tempfile::tempdir()?;
    let folder = args.get(4).map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    let (public, mezzanine) = (folder.join("public"), folder.join("mezzanine"));
    std::fs::create_dir_all(&public)?;
    std::fs::create_dir_all(&mezzanine)?;
    let cut = folder.join("cut.mkv");
    run(
        "ffmpeg",
        &["-v", "error", "-y", "-t", &seconds.to_string(), "-i", &text(&clip), "-c", "copy", &text(&cut)],
    )?;
    let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
    let kit = (&sandbox, &limits, &cancel);
    let started = Instant::now();
    let probed = probe(&sandbox, &limits, &cut, &cancel)?;
    let plan = NormalisePlan { h264: vec![360, 720], av1: vec![360, 720], loudness: 0 };
    let made = normalise(kit, &cut, &probed, &plan, &public, &mezzanine, |_, _| {})?;
    let cores = std::thread::available_parallelism()?.get();
    println!("{} | {} | {cores} processors", encoder_version(), first_line("ffmpeg", &["-version"])?);
    println!(
        "{} frames of {:?} a second in {} segments; speed {speed}, quantiser {quantizer}; normalising (H.264 360 + 720, sound, mezzanine) {:.1} frames/s",
        made.frames(),
        made.rate,
        made.segments.len(),
        made.frames() as f64 / started.elapsed().as_secs_f64()
    );
    let mut streams = vec![];
    for rung in &made.av1 {
        let settings = EncodeSettings {
            size: rung.size,
            rate: made.rate,
            colour: made.colour.clone(),
            speed,
            quantizer,
            group: group_frames(made.rate),
        };
        // Interleaved rounds: what else the machine does meets all of them alike.
        for round in 1..=2 {
            let (ours, bytes) = ours(kit, &made, &settings, *rung, &mezzanine, &public, cores)?;
            let (chunks, chunk_bytes) = theirs(&made, &settings, &mezzanine, &folder, cores, 1)?;
            let (tiles, tile_bytes) = theirs(&made, &settings, &mezzanine, &folder, 1, cores)?;
            println!(
                "{}p round {round}: kinora {ours:.2} frames/s ({bytes} bytes) | ffmpeg librav1e, {cores} segments side by side {chunks:.2} ({chunk_bytes} bytes) | ffmpeg librav1e, {cores} tiles {tiles:.2} ({tile_bytes} bytes)",
                rung.lines
            );
        }
        streams.push(package_av1(&public, &made, *rung)?);
    }
    write_master(&public, &made, &streams)?;
    write_download(kit, &public, &made, &folder)?;
    Ok(())
}

/// Our way; gives frames a second and bytes.
fn ours(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    made: &Normalised,
    settings: &EncodeSettings,
    rung: Rung,
    mezzanine: &Path,
    public: &Path,
    cores: usize,
) -> Fallible<(f64, u64)> {
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let started = Instant::now();
    let work = || -> Result<(), MediaTrouble> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= made.segments.len() {
                return Ok(());
            }
            let source = mezzanine.join(mezzanine_name(number));
            let segment = encode_segment(sandbox, limits, &source, settings, cancel, |_| {})?;
            let index = u32::try_from(number).unwrap_or(0);
            let fragment = av1_fragment(&segment, made.rate, index, made.first_frame(number))?;
            bytes.fetch_add(fragment.len() as u64, Ordering::Relaxed);
            write_atomically(&public.join(av1_folder(&rung)).join(segment_name(number)), &fragment)?;
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|t| t.join().unwrap_or_else(|_| Err(MediaTrouble::internal("panic"))))
    })?;
    Ok((made.frames() as f64 / started.elapsed().as_secs_f64(), bytes.into_inner()))
}

/// ffmpeg's way; gives frames a second and bytes.
fn theirs(
    made: &Normalised,
    settings: &EncodeSettings,
    mezzanine: &Path,
    folder: &Path,
    side_by_side: usize,
    tiles: usize,
) -> Fallible<(f64, u64)> {
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let started = Instant::now();
    let work = || -> Result<(), String> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= made.segments.len() {
                return Ok(());
            }
            let out = folder.join(format!("theirs-{number}.ivf"));
            let filter = format!(
                "scale={}:{}:flags=lanczos,format=yuv420p",
                settings.size.width, settings.size.height
            );
            run(
                "ffmpeg",
                &[
                    "-v",
                    "error",
                    "-y",
                    "-threads",
                    "1",
                    "-i",
                    &text(&mezzanine.join(mezzanine_name(number))),
                    "-vf",
                    &filter,
                    "-c:v",
                    "librav1e",
                    "-speed",
                    &settings.speed.to_string(),
                    "-qp",
                    &settings.quantizer.to_string(),
                    "-tiles",
                    &tiles.to_string(),
                    "-g",
                    &settings.group.to_string(),
                    "-threads",
                    &tiles.to_string(),
                    &text(&out),
                ],
            )
            .map_err(|e| e.to_string())?;
            bytes.fetch_add(std::fs::metadata(&out).map_err(|e| e.to_string())?.len(), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..side_by_side).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|t| t.join().unwrap_or_else(|_| Err("panic".into())))
    })?;
    Ok((made.frames() as f64 / started.elapsed().as_secs_f64(), bytes.into_inner()))
}

fn run(program: &str, args: &[&str]) -> Fallible<()> {
    let out = Command::new(program).args(args).output()?;
    if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned().into()) }
}

fn first_line(program: &str, args: &[&str]) -> Fallible<String> {
    let out = Command::new(program).args(args).output()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    Ok(text.lines().next().unwrap_or_default().split(" Copyright").next().unwrap_or_default().to_owned())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
