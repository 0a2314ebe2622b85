//! Which sizes are made of a source, and at which AV1 level.

use super::av1::colour_description;
use super::probe::Colour;

/// The pixel size of one rung; always even, never above the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A rung with its name number: the shorter side it was made for (720 for 1280×720 and 720×1280).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Rung {
    /// The number in its name.
    pub lines: u32,
    /// Its size.
    pub size: Size,
}

/// The rungs of `wanted` (shorter sides) that do not enlarge the source, ascending, and above them the
/// source's own size unless it is larger than all that is wanted: nobody gets less than was uploaded.
#[must_use]
pub fn rungs(source: Size, wanted: &[u32]) -> Vec<Rung> {
    let short = source.width.min(source.height).max(2);
    let highest = wanted.iter().copied().max().unwrap_or(short);
    let mut lines: Vec<u32> = wanted.iter().copied().filter(|w| *w >= 2 && *w <= short).collect();
    lines.sort_unstable();
    lines.dedup();
    // An odd line more than a rung would come out as the same size.
    if short < highest && short / 2 * 2 > lines.last().copied().unwrap_or(0) {
        lines.push(short);
    }
    lines.into_iter().map(|l| Rung { lines: l, size: scaled(source, l) }).collect()
}

/// The source scaled so that its shorter side is `lines`, both sides even.
fn scaled(source: Size, lines: u32) -> Size {
    let short = source.width.min(source.height).max(1);
    let scale = |side: u32| {
        let exact = u64::from(side) * u64::from(lines);
        let rounded = (exact + u64::from(short)) / u64::from(2 * short) * 2;
        u32::try_from(rounded).unwrap_or(2).max(2)
    };
    // Never above the source: an odd source loses a line instead of gaining one.
    let cap = |side: u32, of: u32| side.min((of / 2 * 2).max(2));
    Size { width: cap(scale(source.width), source.width), height: cap(scale(source.height), source.height) }
}

/// Limits of the AV1 levels: index, picture size, width, height, displayed pixels a second
/// (AV1 specification, annex A.3). Level X.Y has the index `(X - 2) * 4 + Y`.
const LEVELS: [(u8, u64, u32, u32, u64); 14] = [
    (0, 147_456, 2048, 1152, 4_423_680),
    (1, 278_784, 2816, 1584, 8_363_520),
    (4, 665_856, 4352, 2448, 19_975_680),
    (5, 1_065_024, 5504, 3096, 31_950_720),
    (8, 2_359_296, 6144, 3456, 70_778_880),
    (9, 2_359_296, 6144, 3456, 141_557_760),
    (12, 8_912_896, 8192, 4352, 267_386_880),
    (13, 8_912_896, 8192, 4352, 534_773_760),
    (14, 8_912_896, 8192, 4352, 1_069_547_520),
    (15, 8_912_896, 8192, 4352, 1_069_547_520),
    (16, 35_651_584, 16_384, 8704, 1_069_547_520),
    (17, 35_651_584, 16_384, 8704, 2_139_095_040),
    (18, 35_651_584, 16_384, 8704, 4_278_190_080),
    (19, 35_651_584, 16_384, 8704, 4_278_190_080),
];

/// The lowest AV1 level that allows this size at this rate; 31 (no constraint) beyond the table.
#[must_use]
pub fn av1_level(size: Size, rate: (u32, u32)) -> u8 {
    let picture = u64::from(size.width) * u64::from(size.height);
    let display = picture * u64::from(rate.0) / u64::from(rate.1.max(1));
    LEVELS
        .iter()
        .find(|(_, most, width, height, shown)| {
            picture <= *most && size.width <= *width && size.height <= *height && display <= *shown
        })
        .map_or(31, |l| l.0)
}

/// RFC 6381 string of an AV1 stream as we make it: profile 0, main tier, two digits each. Of high dynamic range
/// the optional part too (4:2:0, then primaries, transfer and matrix by their numbers), by which a browser knows.
#[must_use]
pub fn av1_codec_string(level: u8, colour: &Colour) -> String {
    let short = format!("av01.0.{level:02}M.{}", if colour.deep { "10" } else { "08" });
    match (colour.range(), colour_description(colour)) {
        (Some(_), Some(d)) => format!(
            "{short}.0.110.{:02}.{:02}.{:02}.{}",
            d.color_primaries as u8,
            d.transfer_characteristics as u8,
            d.matrix_coefficients as u8,
            u8::from(colour.full_range)
        ),
        _ => short,
    }
}

/// A usual frame rate near the one found: what is within 0.5 % of a standard rate takes it, slower
/// than 5 becomes 5, faster than 60 becomes 60.
#[must_use]
pub fn constant_rate(average: (u32, u32), nominal: (u32, u32)) -> (u32, u32) {
    const USUAL: [(u32, u32); 14] = [
        (5, 1),
        (8, 1),
        (10, 1),
        (12, 1),
        (15, 1),
        (20, 1),
        (24_000, 1001),
        (24, 1),
        (25, 1),
        (30_000, 1001),
        (30, 1),
        (48, 1),
        (50, 1),
        (60_000, 1001),
    ];
    let value = |r: (u32, u32)| f64::from(r.0) / f64::from(r.1.max(1));
    let found = if average.0 > 0 && average.1 > 0 { value(average) } else { value(nominal) };
    if !found.is_finite() || found <= 0.0 {
        return (25, 1);
    }
    let near = |r: &(u32, u32)| (value(*r) - found).abs() / found;
    if let Some(best) = USUAL.iter().filter(|r| near(r) < 0.005).min_by(|a, b| near(a).total_cmp(&near(b))) {
        return *best;
    }
    // Between two usual rates the faster one keeps every frame.
    USUAL.iter().find(|r| value(**r) > found).copied().unwrap_or((60, 1))
}

/// Frames of one closed group: six seconds, rounded up so that a group is never shorter.
#[must_use]
pub fn group_frames(rate: (u32, u32)) -> u32 {
    (6 * rate.0).div_ceil(rate.1.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn rungs_never_enlarge_and_are_even() {
        let of = |w, h, wanted: &[u32]| {
            rungs(size(w, h), wanted)
                .iter()
                .map(|r| (r.lines, r.size.width, r.size.height))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(1280, 720, &[360, 720, 1080]), [(360, 640, 360), (720, 1280, 720)]);
        assert_eq!(of(720, 1280, &[360, 720]), [(360, 360, 640), (720, 720, 1280)]);
        assert_eq!(of(720, 405, &[360, 720]), [(360, 640, 360), (405, 720, 404)]);
        assert_eq!(of(854, 480, &[360, 720, 1080]), [(360, 640, 360), (480, 854, 480)]);
        assert_eq!(of(1600, 900, &[360, 720, 1080]), [(360, 640, 360), (720, 1280, 720), (900, 1600, 900)]);
        assert_eq!(of(1600, 900, &[360, 720]), [(360, 640, 360), (720, 1280, 720)]);
        assert_eq!(of(640, 361, &[360, 720]), [(360, 638, 360)]);
        assert_eq!(of(3840, 2160, &[360, 720, 1080]).last(), Some(&(1080, 1920, 1080)));
        assert_eq!(of(640, 600, &[360, 720]), [(360, 384, 360), (600, 640, 600)]);
        assert_eq!(of(176, 143, &[360, 720]), [(143, 176, 142)]);
        assert_eq!(of(1, 1, &[360]), [(2, 2, 2)]);
        assert_eq!(of(1998, 1080, &[720]), [(720, 1332, 720)]);
    }

    #[test]
    fn levels_follow_the_table() {
        assert_eq!(av1_level(size(854, 480), (30, 1)), 4);
        assert_eq!(av1_level(size(640, 360), (24, 1)), 1);
        assert_eq!(av1_level(size(1280, 720), (24, 1)), 5);
        assert_eq!(av1_level(size(1280, 720), (60, 1)), 8);
        assert_eq!(av1_level(size(1920, 1080), (30, 1)), 8);
        assert_eq!(av1_level(size(3840, 2160), (60, 1)), 13);
        assert_eq!(av1_level(size(20_000, 100), (30, 1)), 31);
        let plain = Colour::default();
        assert_eq!(av1_codec_string(4, &plain), "av01.0.04M.08");
        let deep = Colour { deep: true, ..plain };
        assert_eq!(av1_codec_string(4, &deep), "av01.0.04M.10");
        let named = |transfer: &str| Colour {
            primaries: Some("bt2020".into()),
            transfer: Some(transfer.into()),
            matrix: Some("bt2020nc".into()),
            ..deep.clone()
        };
        assert_eq!(av1_codec_string(8, &named("smpte2084")), "av01.0.08M.10.0.110.09.16.09.0");
        assert_eq!(av1_codec_string(8, &named("arib-std-b67")), "av01.0.08M.10.0.110.09.18.09.0");
    }

    #[test]
    fn rates_are_usual_ones() {
        assert_eq!(constant_rate((24, 1), (24, 1)), (24, 1));
        assert_eq!(constant_rate((2_997, 100), (30, 1)), (30_000, 1001));
        assert_eq!(constant_rate((23_976, 1000), (24, 1)), (24_000, 1001));
        assert_eq!(constant_rate((271, 10), (90_000, 1)), (30_000, 1001));
        assert_eq!(constant_rate((1, 5), (1, 5)), (5, 1));
        assert_eq!(constant_rate((120, 1), (120, 1)), (60, 1));
        assert_eq!(constant_rate((0, 0), (0, 0)), (25, 1));
        assert_eq!(group_frames((24_000, 1001)), 144);
        assert_eq!(group_frames((25, 1)), 150);
    }

    proptest::proptest! {
        #[test]
        fn every_source_has_at_least_one_rung(w in 1_u32..9000, h in 1_u32..9000) {
            let made = rungs(size(w, h), &[240, 360, 720, 1080]);
            proptest::prop_assert!(!made.is_empty());
            let finest = made.iter().map(|r| r.size.width.min(r.size.height)).max();
            proptest::prop_assert_eq!(finest, Some((w.min(h).min(1080) / 2 * 2).max(2)));
            for r in made {
                proptest::prop_assert!(r.size.width % 2 == 0 && r.size.height % 2 == 0);
                proptest::prop_assert!(r.size.width <= w.max(2) && r.size.height <= h.max(2));
            }
        }
    }
}
