//! Clips for the tests of this room, made by the installed ffmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs ffmpeg with these words and panics with its output if it fails.
pub fn ffmpeg(words: &[&str]) {
    let out = Command::new("ffmpeg").args(["-v", "error", "-nostdin", "-y"]).args(words).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

/// Asks ffprobe; gives its output without the final line end.
pub fn ffprobe(words: &[&str]) -> String {
    let out = Command::new("ffprobe").args(["-v", "error"]).args(words).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim_end().to_owned()
}

/// A moving test picture with a tone.
pub fn clip(folder: &Path, name: &str, seconds: f64, size: &str, rate: &str) -> PathBuf {
    let path = folder.join(name);
    let picture = format!("testsrc2=size={size}:rate={rate}:duration={seconds}");
    let tone = format!("sine=frequency=440:duration={seconds}");
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        &picture,
        "-f",
        "lavfi",
        "-i",
        &tone,
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-shortest",
        path.to_str().unwrap(),
    ]);
    path
}
