//! The small pictures of a film and its still, with the real ffmpeg.

use super::normalise::Normalised;
use super::sandbox::Cancel;
use super::testing::ffmpeg;
use super::tests::Bench;
use super::{overview, poster};
use crate::domain::media::Storyboard;
use std::fs;
use std::path::Path;

/// Brightness of the small pictures of a storyboard, in order.
fn brightness(public: &Path, board: &Storyboard) -> Vec<u32> {
    let sheet = image::open(public.join("storyboard-01.jpg")).unwrap().to_luma8();
    let mean = |n: u32| {
        let (x, y) = (n % board.columns * board.width, n / board.columns * board.height);
        let one = image::imageops::crop_imm(&sheet, x, y, board.width, board.height).to_image();
        one.pixels().map(|p| u32::from(p[0])).sum::<u32>() / one.pixels().len() as u32
    };
    (0..board.count).map(mean).collect()
}

#[test]
fn the_pass_makes_the_small_pictures_and_the_still_is_one_of_them() {
    let bench = Bench::new();
    let source = bench.path("film.mp4");
    // Black, then something, then white: four seconds each.
    let graph = "color=black:s=320x180:r=24:d=4[a];testsrc2=s=320x180:r=24:d=4[b];color=white:s=320x180:r=24:d=4[c];\
                 [a][b][c]concat=n=3,format=yuv420p";
    ffmpeg(&["-filter_complex", graph, "-c:v", "libx264", "-bf", "2", source.to_str().unwrap()]);
    let mut made = bench.normalise(&source, &[90, 180], &[90]);
    assert_eq!(made.pictures_ms, 2_000);
    let (public, scratch) = (bench.path("public"), bench.path("scratch"));
    fs::create_dir_all(&scratch).unwrap();
    let tools = (&bench.sandbox, &bench.limits, &Cancel::default());
    let of_the_pass = fs::read(public.join("storyboard-01.jpg")).unwrap();
    let board =
        |made: &Normalised| overview::make(tools, &public, made, &scratch).unwrap().storyboard.unwrap();
    let first = board(&made);
    assert_eq!((first.count, first.interval_ms, first.width, first.height), (6, 2_000, 160, 90));
    assert_eq!(fs::read(public.join("storyboard-01.jpg")).unwrap(), of_the_pass, "taken as they are");
    let seen = brightness(&public, &first);
    assert!(seen[..2].iter().all(|b| *b < 20) && seen[4..].iter().all(|b| *b > 235), "{seen:?}");
    assert!(seen[2..4].iter().all(|b| (40..220).contains(b)), "{seen:?}");
    // As the pass wrote it, or cut out of what plays.
    assert_eq!(made.looks, [0, 1, 2, 3, 4, 5]);
    let stills = [bench.path("pass"), scratch.clone()].map(|room| {
        let still = poster::choose(tools, &public, &made, Some(&first), &room).unwrap().unwrap();
        assert_eq!((still.width(), still.height()), (320, 180), "the still is there in full");
        let still = still.to_rgb8();
        let colours: std::collections::HashSet<_> = still.pixels().map(|p| p.0.map(|c| c / 32)).collect();
        assert!(colours.len() > 8, "neither black nor white: {}", colours.len());
        still
    });
    let apart: u64 = stills[0].iter().zip(stills[1].iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    assert!(apart / (stills[0].len() as u64) < 8, "the same frame in the same colours: {apart}");
    // A file that was wrong about its length: the pictures are made anew, of what plays.
    made.pictures_ms = 6_000;
    let again = board(&made);
    assert_eq!(again, first);
    let anew = brightness(&public, &again);
    assert!(seen.iter().zip(&anew).all(|(a, b)| a.abs_diff(*b) < 12), "{seen:?} {anew:?}");
}
