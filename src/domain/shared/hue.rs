//! The hue of a picture: the light in which a film's pages stand.

/// Colours with less chroma than this (in OKLab) are grey to the eye and have no say.
const GREY: f32 = 0.03;
/// Parts of the circle that are compared.
const PARTS: usize = 36;
/// The share of all pixels whose colour must be in it, at full chroma, before a picture counts as coloured.
const COLOURED: f32 = 0.002;

/// The hue (0–359, as in `oklch`) that most of the colour of these sRGB pixels has; none for grey pictures.
///
/// Hues are weighed by chroma, so that a small strong light counts more than a large pale sky, and gathered in
/// parts of the circle; the answer is the mean of the heaviest part and its neighbours.
#[must_use]
pub fn hue_of(pixels: impl Iterator<Item = [u8; 3]>) -> Option<u16> {
    let mut parts = [(0.0_f32, 0.0_f32, 0.0_f32); PARTS];
    let mut count = 0.0_f32;
    for pixel in pixels {
        count += 1.0;
        let (a, b) = chroma(pixel);
        let strength = a.hypot(b);
        if strength >= GREY {
            let part = (b.atan2(a).rem_euclid(std::f32::consts::TAU) / std::f32::consts::TAU * PARTS as f32)
                as usize;
            let part = &mut parts[part % PARTS];
            *part = (part.0 + strength, part.1 + a, part.2 + b);
        }
    }
    let around = |i: usize| [i + PARTS - 1, i, i + 1].map(|n| parts[n % PARTS]);
    let weight = |i: usize| around(i).iter().map(|p| p.0).sum::<f32>();
    let best = (0..PARTS).max_by(|i, j| weight(*i).total_cmp(&weight(*j)))?;
    if count == 0.0 || weight(best) / count < COLOURED {
        return None;
    }
    let (a, b) = around(best).iter().fold((0.0, 0.0), |(a, b), p| (a + p.1, b + p.2));
    let degrees = b.atan2(a).to_degrees().rem_euclid(360.0).round();
    // A whole number from 0 to 360: the last one is the first.
    Some(degrees as u16 % 360)
}

/// The hue of a colour written `#rrggbb`; none for greys and other texts.
#[must_use]
pub fn hue_of_colour(colour: &str) -> Option<u16> {
    let digits = colour.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii())?;
    let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    hue_of(std::iter::once([part(0)?, part(2)?, part(4)?]))
}

/// The two colour axes of OKLab (Björn Ottosson, 2020) of an sRGB colour.
fn chroma([r, g, b]: [u8; 3]) -> (f32, f32) {
    let linear = |c: u8| {
        let c = f32::from(c) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    let (r, g, b) = (linear(r), linear(g), linear(b));
    let l = (0.412_221_47 * r + 0.536_332_54 * g + 0.051_445_993 * b).cbrt();
    let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    (
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(colours: &[([u8; 3], usize)]) -> Option<u16> {
        hue_of(colours.iter().flat_map(|(c, n)| std::iter::repeat_n(*c, *n)))
    }

    #[test]
    fn hues_are_those_of_oklch() {
        // As browsers give them for pure colours.
        for (colour, hue) in
            [("#ff0000", 29), ("#00ff00", 142), ("#0000ff", 264), ("#ffff00", 110), ("#00ffff", 195)]
        {
            assert_eq!(hue_of_colour(colour), Some(hue), "{colour}");
        }
        for grey in ["#000000", "#808080", "#ffffff", "#828080", "red", "#ff00", "#gg0000", "#é00000"] {
            assert_eq!(hue_of_colour(grey), None, "{grey}");
        }
    }

    #[test]
    fn a_strong_light_counts_more_than_a_pale_sky() {
        assert_eq!(of(&[([255, 0, 0], 20), ([128, 128, 128], 980)]), Some(29));
        assert_eq!(of(&[([0, 0, 255], 30), ([190, 205, 190], 100)]), Some(264));
        assert_eq!(of(&[([255, 0, 0], 1), ([10, 10, 10], 9_999)]), None, "one pixel makes no light");
        assert_eq!(of(&[]), None);
    }

    proptest::proptest! {
        #[test]
        fn every_picture_has_a_hue_of_the_circle_or_none(pixels: Vec<[u8; 3]>) {
            proptest::prop_assert!(hue_of(pixels.into_iter()).is_none_or(|hue| hue < 360));
        }
    }
}
