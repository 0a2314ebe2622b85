//! The other AV1 encoder, with the real ffmpeg; where that has none of it there is nothing to test.

use super::av1::{Coder, encoder_version, svt};
use super::package::package_av1;
use super::testing::{clip, ffprobe};
use super::tests::Bench;

#[test]
fn svt_av1_makes_the_same_kind_of_segments() {
    if svt::version().is_none() {
        println!("not run: this ffmpeg has no SVT-AV1");
        return;
    }
    let mut bench = Bench::new();
    bench.coder = Coder::SvtAv1;
    let source = clip(bench.path("").as_path(), "clip.mp4", 7.0, "320x180", "24");
    let made = bench.normalise(&source, &[180], &[180]);
    assert_eq!(made.segments, [144, 24]);
    bench.encode(&made, 0);
    let stream = package_av1(&bench.path("public"), &made, made.av1[0]).unwrap();
    let list = bench.path("public/av1-180/index.m3u8");
    let words =
        ["-count_frames", "-select_streams", "v:0", "-show_entries", "stream=level,nb_read_frames", "-of"];
    let told = ffprobe(&[&words[..], &["csv=p=0", list.to_str().unwrap()]].concat());
    let told = told.lines().next().unwrap();
    // The codec string says the level that the stream has.
    let level: u8 = told.split(',').next().unwrap().parse().unwrap();
    assert_eq!(stream.codecs, format!("av01.0.{level:02}M.08"));
    assert!(told.ends_with(",168"), "{told}");
    assert!(encoder_version(Coder::SvtAv1).contains("SVT-AV1"));
    assert!(encoder_version(Coder::Rav1e).contains("rav1e"));
}
