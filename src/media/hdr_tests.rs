//! Films of ten bits and of high dynamic range, with the real ffmpeg.

use super::package::{package_av1, write_master};
use super::testing::{ffmpeg, ffprobe};
use super::tests::Bench;
use std::fs;
use std::path::{Path, PathBuf};

/// A moving picture in HEVC as HDR10 or HLG cameras write it.
fn bright(bench: &Bench, name: &str, params: &str) -> PathBuf {
    let path = bench.path(name);
    let params = format!("log-level=none:colorprim=bt2020:colormatrix=bt2020nc:{params}");
    let picture = "testsrc2=size=160x90:rate=24:duration=1,format=yuv420p10le";
    let words = ["-f", "lavfi", "-i", picture, "-c:v", "libx265", "-preset", "ultrafast", "-crf", "12"];
    ffmpeg(&[&words[..], &["-tag:v", "hvc1", "-x265-params", &params, path.to_str().unwrap()]].concat());
    path
}

const HDR10: &str = "transfer=smpte2084:hdr10=1:repeat-headers=1:max-cll=1000,400:\
master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)";

fn told(file: &Path) -> String {
    let entries = "stream=codec_name,pix_fmt,color_transfer,color_primaries,color_space";
    // Of a playlist it says everything twice, once for the programme.
    let words =
        ["-select_streams", "v:0", "-show_entries", entries, "-of", "csv=p=0", file.to_str().unwrap()];
    ffprobe(&words).lines().next().unwrap_or_default().to_owned()
}

/// How alike two films are, as SSIM over all planes of ten bits.
fn alike(one: &Path, other: &Path) -> f64 {
    let out = std::process::Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-nostats", "-i", one.to_str().unwrap()])
        .args(["-i", other.to_str().unwrap(), "-lavfi"])
        .arg("[0:v]format=yuv420p10le,settb=1/1000,setpts=N[a];[1:v]format=yuv420p10le,settb=1/1000,setpts=N[b];[a][b]ssim")
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let (_, rest) = said.split_once(" All:").unwrap_or_else(|| panic!("{said}"));
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn high_dynamic_range_stays_in_av1_and_is_tone_mapped_in_h264() {
    let bench = Bench::new();
    let source = bright(&bench, "hdr10.mp4", HDR10);
    let probed = bench.examine(&source).unwrap();
    assert!(probed.hdr && probed.colour.deep);
    assert_eq!(probed.colour.light.content, Some((1000, 400)), "from the first frame");
    let made = bench.normalise(&source, &[90], &[90]);
    assert_eq!((made.colour.range(), made.colour.deep, made.colour.full_range), (Some("PQ"), true, false));
    bench.encode(&made, 0);
    let public = bench.path("public");
    let stream = package_av1(&public, &made, made.av1[0]).unwrap();
    assert_eq!(stream.codecs, "av01.0.00M.10.0.110.09.16.09.0");
    write_master(&public, &made, &[stream]).unwrap();
    let master = fs::read_to_string(public.join("master.m3u8")).unwrap();
    assert!(master.contains("CODECS=\"av01.0.00M.10.0.110.09.16.09.0\",VIDEO-RANGE=PQ"), "{master}");
    let av1 = public.join("av1-90/index.m3u8");
    assert_eq!(told(&av1), "av1,yuv420p10le,bt2020nc,smpte2084,bt2020");
    let frame = ffprobe(&[
        "-read_intervals",
        "%+#1",
        "-show_frames",
        "-select_streams",
        "v:0",
        av1.to_str().unwrap(),
    ]);
    assert!(frame.contains("max_content=1000") && frame.contains("max_average=400"), "{frame}");
    assert!(frame.contains("Mastering display metadata"), "{frame}");
    let ssim = alike(&av1, &source);
    assert!(ssim > 0.9, "the light is as it was: {ssim}");
    let h264 = public.join("h264-90/index.m3u8");
    assert_eq!(told(&h264), "h264,yuv420p,bt709,bt709,bt709");
    assert!(alike(&h264, &source) < ssim, "another range of light");
}

#[test]
fn hlg_is_named_and_without_av1_everything_is_tone_mapped() {
    let bench = Bench::new();
    let source = bright(&bench, "hlg.mp4", "transfer=arib-std-b67");
    let made = bench.normalise(&source, &[90], &[90]);
    assert_eq!((made.colour.range(), made.colour.light.is_unknown()), (Some("HLG"), true));
    let deep = ffprobe(&[
        "-show_entries",
        "stream=pix_fmt",
        "-of",
        "csv=p=0",
        bench.path("mezzanine/00000.mkv").to_str().unwrap(),
    ]);
    assert_eq!(deep, "yuv420p10le");
    let made = bench.normalise(&source, &[90], &[]);
    assert_eq!(made.h264.len(), 1);
    assert_eq!(told(&bench.path("public/h264-90/index.m3u8")), "h264,yuv420p,bt709,bt709,bt709");
}

#[test]
fn ten_bits_of_usual_light_stay_ten_bits() {
    let bench = Bench::new();
    let source = bench.path("deep.mkv");
    let picture = "testsrc2=size=160x91:rate=24:duration=1,format=yuv422p10le";
    ffmpeg(&["-f", "lavfi", "-i", picture, "-c:v", "ffv1", source.to_str().unwrap()]);
    let made = bench.normalise(&source, &[90], &[60]);
    assert_eq!((made.colour.range(), made.colour.deep), (None, true));
    bench.encode(&made, 0);
    let public = bench.path("public");
    let stream = package_av1(&public, &made, made.av1[0]).unwrap();
    assert_eq!(stream.codecs, "av01.0.00M.10");
    let av1 = told(&public.join("av1-60/index.m3u8"));
    assert!(av1.starts_with("av1,yuv420p10le"), "{av1}");
    let h264 = told(&public.join("h264-90/index.m3u8"));
    assert!(h264.starts_with("h264,yuv420p,"), "{h264}");
}
