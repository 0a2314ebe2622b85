//! How the mezzanine comes to the size of a rung. zimg does it in half the processor time of ffmpeg's own scaler, and
//! every segment of a small rung pays for it. Lanczos: a bicubic one took two percent more bits for the same picture.

use crate::media::ladder::Size;
use crate::media::sandbox::{Cancel, Confinement, Sandbox};
use crate::media::{Limits, MediaTrouble};
use std::sync::OnceLock;
use std::time::Duration;

/// The filter of ffmpeg that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scaler {
    Zimg,
    Own,
}

fn scaler() -> Scaler {
    static FOUND: OnceLock<Scaler> = OnceLock::new();
    let look = || -> Result<Scaler, MediaTrouble> {
        // Nothing foreign is read.
        let mut job =
            Sandbox::with(Confinement::LimitsOnly).job("ffmpeg", &Limits::default(), Duration::from_secs(20));
        job.args(["-hide_banner", "-h", "filter=zscale"]);
        let mut there = false;
        job.run(&Cancel::default(), |line| there |= line.starts_with("Filter zscale"))?;
        Ok(if there { Scaler::Zimg } else { Scaler::Own })
    };
    *FOUND.get_or_init(|| look().unwrap_or(Scaler::Own))
}

/// A part of the key of finished work: another scaler makes other frames.
#[must_use]
pub fn name() -> &'static str {
    match scaler() {
        Scaler::Zimg => "zimg lanczos",
        Scaler::Own => "swscale lanczos",
    }
}

/// The filter to a size and a form of samples.
#[must_use]
pub fn filter(size: Size, pixels: &str) -> String {
    words(scaler(), size, pixels)
}

fn words(scaler: Scaler, Size { width, height }: Size, pixels: &str) -> String {
    match scaler {
        Scaler::Zimg => format!("zscale=w={width}:h={height}:filter=lanczos,format={pixels}"),
        Scaler::Own => format!("scale={width}:{height}:flags=lanczos,format={pixels}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::ffmpeg;

    #[test]
    fn both_scalers_make_the_same_picture_but_for_rounding() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size { width: 214, height: 120 };
        let mut made = vec![];
        for scaler in [Scaler::Own, Scaler::Zimg] {
            if scaler == Scaler::Zimg && super::scaler() == Scaler::Own {
                return;
            }
            let place = folder.path().join("one.yuv");
            let graph = words(scaler, size, "yuv420p");
            ffmpeg(&[
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=320x180:rate=24,format=yuv420p",
                "-frames:v",
                "1",
                "-vf",
                &graph,
                "-f",
                "rawvideo",
                place.to_str().unwrap(),
            ]);
            made.push(std::fs::read(place).unwrap());
        }
        assert_eq!(made[0].len(), 214 * 120 * 3 / 2);
        let apart: u64 = made[0].iter().zip(&made[1]).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        assert!(apart / (made[0].len() as u64) < 3, "{apart}");
        assert!(!name().is_empty());
    }
}
