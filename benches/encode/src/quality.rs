//! How near a coded clip is to what it was made of.

use crate::tools::{Fallible, run, text, words};
use std::path::Path;

/// Quality over the whole clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// SSIM over all planes, in decibels.
    pub ssim_db: f64,
    /// VMAF, 0 to 100, if there is an ffmpeg that measures it.
    pub vmaf: Option<f64>,
}

/// Compares frame by frame, by number and not by time.
pub fn compare(coded: &Path, raw: &Path, vmaf_ffmpeg: Option<&str>) -> Fallible<Quality> {
    let measure = |ffmpeg: &str, filter: &str| -> Fallible<String> {
        let mut line = words("-nostdin -hide_banner -nostats -i");
        line.extend([text(coded), "-i".into(), text(raw), "-lavfi".into()]);
        line.push(format!(
            "[0:v:0]format=yuv420p,settb=1/1000,setpts=N[o];[1:v:0]format=yuv420p,settb=1/1000,setpts=N[r];[o][r]{filter}:shortest=1"
        ));
        line.extend(words("-f null -"));
        run(ffmpeg, &line)
    };
    let said = measure("ffmpeg", "ssim=stats_file=-")?;
    let ssim = overall_ssim(&said).ok_or("ffmpeg gave no SSIM")?;
    let vmaf = match vmaf_ffmpeg {
        Some(ffmpeg) => {
            let said = measure(ffmpeg, "libvmaf=n_threads=2")?;
            Some(overall_vmaf(&said).ok_or("ffmpeg gave no VMAF score")?)
        }
        None => None,
    };
    Ok(Quality { ssim_db: -10.0 * (1.0 - ssim.clamp(0.0, 0.999_999)).log10(), vmaf })
}

/// The mean of the frames, from lines such as `n:1 Y:0.98 U:0.99 V:0.99 All:0.98 (17.6)`.
fn overall_ssim(said: &str) -> Option<f64> {
    let frames: Vec<f64> = said
        .lines()
        .filter(|line| line.starts_with("n:"))
        .filter_map(|line| line.split_whitespace().find_map(|w| w.strip_prefix("All:"))?.parse().ok())
        .collect();
    (!frames.is_empty()).then(|| frames.iter().sum::<f64>() / frames.len() as f64)
}

/// The figure in a line such as `[Parsed_libvmaf_4 @ 0x1] VMAF score: 95.123456`.
fn overall_vmaf(said: &str) -> Option<f64> {
    said.lines().rev().find_map(|line| line.split_once("VMAF score: ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ffmpeg_says_is_read() {
        let said = "n:1 Y:0.98 U:0.99 V:0.99 All:0.98 (17.6)\nn:2 Y:0.9 U:1 V:1 All:0.96 (14)\n[x @ 0x1] SSIM Y:0.9 All:0.1 (1)";
        assert!((overall_ssim(said).unwrap() - 0.97).abs() < 1e-9);
        assert_eq!(overall_ssim("nothing"), None);
        assert_eq!(overall_vmaf("[Parsed_libvmaf_4 @ 0x1] VMAF score: 95.25\n"), Some(95.25));
        assert_eq!(overall_vmaf("no score"), None);
    }
}
