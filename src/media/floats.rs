//! Pictures whose numbers are light itself, of which a screen shows only a part: float maps, as which ffmpeg gives
//! OpenEXR ([`super::exr`]), and Radiance, which is read here. One is white. What is not brighter than that stays exactly as it is;
//! where something is, the brighter tones move together until the brightest is white.

use super::screen::to_srgb;
use super::{Limits, MediaTrouble};
use crate::domain::media::Rejection;
use image::{Rgb32FImage, RgbImage};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Up to here nothing moves, however bright the picture gets.
const KNEE: f32 = 0.3;
/// Light above this counts as this: a sun, or a damaged number.
const BRIGHTEST: f32 = 1000.0;
/// Longest line of a header.
const HEADER_LINE: u64 = 4096;
/// Most lines of a header.
const HEADER_LINES: u32 = 1000;

/// A line of pixels from the top is handed on with its number.
pub(super) type Painter<'a> = &'a mut dyn FnMut(u32, &[[f32; 3]]);

pub(super) fn unreadable() -> MediaTrouble {
    let found = "the picture is damaged or too large".into();
    MediaTrouble::Rejected(Rejection::Unreadable { found })
}

fn cut(error: io::Error) -> MediaTrouble {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => unreadable(),
        _ => error.into(),
    }
}

fn check((width, height): (u32, u32), limits: &Limits) -> Result<(), MediaTrouble> {
    if width == 0 || height == 0 {
        return Err(unreadable());
    }
    if u64::from(width) * u64::from(height) > limits.pixels() {
        return Err(MediaTrouble::Rejected(Rejection::TooManyPixels {
            width: width.into(),
            height: height.into(),
            limit_megapixels: limits.megapixels,
        }));
    }
    Ok(())
}

/// Decodes a Radiance picture.
pub(super) fn radiance(file: &Path, limits: &Limits) -> Result<RgbImage, MediaTrouble> {
    shown(|paint| rgbe(BufReader::new(File::open(file)?), limits, paint))
}

/// A picture of light that was decoded elsewhere (TIFF).
pub(super) fn of_light(picture: &Rgb32FImage) -> RgbImage {
    let brightest = picture.iter().fold(0.0_f32, |most, c| most.max(light(*c)));
    let curve = Curve::up_to(brightest);
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        image::Rgb(curve.shown(picture.get_pixel(x, y).0))
    })
}

/// Goes through the lines twice: to find the brightest, and to paint.
pub(super) fn shown(
    lines: impl Fn(Painter<'_>) -> Result<(u32, u32), MediaTrouble>,
) -> Result<RgbImage, MediaTrouble> {
    let mut brightest = 0.0_f32;
    let (width, height) = lines(&mut |_, line| {
        brightest = line.iter().flatten().fold(brightest, |most, c| most.max(light(*c)));
    })?;
    let curve = Curve::up_to(brightest);
    let mut picture = RgbImage::new(width, height);
    lines(&mut |y, line| {
        for (x, pixel) in (0..width).zip(line) {
            picture.put_pixel(x, y, image::Rgb(curve.shown(*pixel)));
        }
    })?;
    Ok(picture)
}

/// Nothing below zero, nothing that is no number.
fn light(number: f32) -> f32 {
    if number.is_nan() { 0.0 } else { number.clamp(0.0, BRIGHTEST) }
}

/// Straight up to the knee, and from there smoothly to one at the peak: the curve `mobius` of ffmpeg's `tonemap`.
struct Curve {
    peak: f32,
    a: f32,
    b: f32,
}

impl Curve {
    fn up_to(peak: f32) -> Self {
        let a = -KNEE * KNEE * (peak - 1.0) / (KNEE * KNEE - 2.0 * KNEE + peak);
        let b = (KNEE * KNEE - 2.0 * KNEE * peak + peak) / (peak - 1.0).max(1e-6);
        Self { peak, a, b }
    }

    fn shown(&self, pixel: [f32; 3]) -> [u8; 3] {
        let rgb = pixel.map(light);
        let most = rgb.into_iter().fold(0.0, f32::max);
        // By the brightest of the three, so that the hue stays.
        let scale = if self.peak <= 1.0 || most <= KNEE { 1.0 } else { self.moved(most) / most };
        rgb.map(|c| to_srgb((c * scale).min(1.0)))
    }

    fn moved(&self, light: f32) -> f32 {
        let Self { a, b, .. } = *self;
        (b * b + 2.0 * b * KNEE + KNEE * KNEE) / (b - a) * (light + a) / (light + b)
    }
}

/// One line of a header, without its end.
fn header_line(source: &mut impl BufRead) -> io::Result<String> {
    let mut line = vec![];
    source.by_ref().take(HEADER_LINE).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::InvalidData.into());
    }
    String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Portable float map: three words, then lines from the bottom.
pub(super) fn pfm(
    mut source: impl BufRead,
    limits: &Limits,
    paint: Painter<'_>,
) -> Result<(u32, u32), MediaTrouble> {
    let channels = match header_line(&mut source).map_err(cut)?.trim() {
        "PF" => 3,
        "Pf" => 1,
        _ => return Err(unreadable()),
    };
    let size = header_line(&mut source).map_err(cut)?;
    let size = size.trim().split_once(' ').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (width, height): (u32, u32) = size.ok_or_else(unreadable)?;
    check((width, height), limits)?;
    let little = header_line(&mut source).map_err(cut)?.trim().starts_with('-');
    let mut bytes = vec![0; width as usize * channels * 4];
    let mut line = vec![[0.0; 3]; width as usize];
    for y in (0..height).rev() {
        source.read_exact(&mut bytes).map_err(cut)?;
        let mut numbers = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| if little { f32::from_le_bytes(*b) } else { f32::from_be_bytes(*b) });
        for pixel in &mut line {
            if channels == 3 {
                *pixel = std::array::from_fn(|_| numbers.next().unwrap_or(0.0));
            } else {
                *pixel = [numbers.next().unwrap_or(0.0); 3];
            }
        }
        paint(y, &line);
    }
    Ok((width, height))
}

/// Radiance: lines of words, an empty one, the size, then four bytes a pixel, packed by line.
fn rgbe(mut source: impl BufRead, limits: &Limits, paint: Painter<'_>) -> Result<(u32, u32), MediaTrouble> {
    let mut exposure = 1.0_f32;
    for n in 0.. {
        let line = header_line(&mut source).map_err(cut)?;
        match line.trim().split_once('=') {
            // Light of other primaries would need other numbers; nobody writes it.
            Some(("FORMAT", form)) if form.trim() != "32-bit_rle_rgbe" => return Err(unreadable()),
            Some(("EXPOSURE", by)) => exposure *= by.trim().parse::<f32>().map_err(|_| unreadable())?,
            _ => {}
        }
        if line.trim().is_empty() {
            break;
        }
        if n > HEADER_LINES {
            return Err(unreadable());
        }
    }
    if !exposure.is_normal() {
        return Err(unreadable());
    }
    let size = header_line(&mut source).map_err(cut)?;
    let words: Vec<&str> = size.split_whitespace().collect();
    let [vertical @ ("-Y" | "+Y"), height, sideways @ ("+X" | "-X"), width] = words[..] else {
        return Err(unreadable());
    };
    let number = |word: &str| word.parse::<u32>().map_err(|_| unreadable());
    let (width, height) = (number(width)?, number(height)?);
    check((width, height), limits)?;
    let mut packed = vec![[0_u8; 4]; width as usize];
    let mut line = vec![[0.0; 3]; width as usize];
    for n in 0..height {
        unpack(&mut source, &mut packed).map_err(cut)?;
        for (pixel, [r, g, b, power]) in line.iter_mut().zip(&packed) {
            let scale = if *power == 0 { 0.0 } else { (f32::from(*power) - 136.0).exp2() / exposure };
            *pixel = [r, g, b].map(|c| f32::from(*c) * scale);
        }
        if sideways == "-X" {
            line.reverse();
        }
        paint(if vertical == "-Y" { n } else { height - 1 - n }, &line);
    }
    Ok((width, height))
}

/// One line: each of its four bytes packed for itself, or as plain pixels with repetitions, as of old.
fn unpack(source: &mut impl Read, line: &mut [[u8; 4]]) -> io::Result<()> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let mut first = [0; 4];
    source.read_exact(&mut first)?;
    let told = usize::from(first[2]) << 8 | usize::from(first[3]);
    if first[0] != 2 || first[1] != 2 || told != line.len() || !(8..0x8000).contains(&line.len()) {
        return unpack_plain(source, first, line);
    }
    for channel in 0..4 {
        let mut x = 0;
        while x < line.len() {
            let mut count = [0];
            source.read_exact(&mut count)?;
            let (repeated, count) = match count[0] {
                0 => return Err(damaged()),
                count @ ..=128 => (false, usize::from(count)),
                count => (true, usize::from(count & 127)),
            };
            let mut bytes = [0; 128];
            let read = if repeated { 1 } else { count };
            source.read_exact(&mut bytes[..read])?;
            let part = line.get_mut(x..x + count).ok_or_else(damaged)?;
            for (n, pixel) in part.iter_mut().enumerate() {
                pixel[channel] = bytes[if repeated { 0 } else { n }];
            }
            x += count;
        }
    }
    Ok(())
}

fn unpack_plain(source: &mut impl Read, first: [u8; 4], line: &mut [[u8; 4]]) -> io::Result<()> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let (mut pixel, mut x, mut shift) = (first, 0_usize, 0_u32);
    loop {
        if let [1, 1, 1, count] = pixel {
            // The last pixel again; one such mark after another counts higher bits.
            let last = *x.checked_sub(1).and_then(|i| line.get(i)).ok_or_else(damaged)?;
            let count = usize::from(count).checked_shl(shift).ok_or_else(damaged)?;
            let part = line.get_mut(x..x.saturating_add(count)).ok_or_else(damaged)?;
            part.fill(last);
            x += count;
            shift += 8;
        } else {
            *line.get_mut(x).ok_or_else(damaged)? = pixel;
            x += 1;
            shift = 0;
        }
        if x == line.len() {
            return Ok(());
        }
        source.read_exact(&mut pixel)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"#?RADIANCE\n# made here\nFORMAT=32-bit_rle_rgbe\n\n";

    fn read(head: &[u8], size: &str, pixels: &[u8]) -> Result<RgbImage, MediaTrouble> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.hdr");
        std::fs::write(&file, [head, size.as_bytes(), b"\n", pixels].concat()).unwrap();
        radiance(&file, &Limits::default())
    }

    fn first_of(picture: &RgbImage) -> Vec<u8> {
        picture.pixels().map(|p| p.0[0]).collect()
    }

    #[test]
    fn what_a_screen_shows_stays_and_what_is_brighter_moves_together() {
        // A half, a quarter and a tenth of white: exactly those of sRGB.
        let dim = [[128, 128, 128, 128], [128, 128, 128, 127], [205, 205, 205, 125]].concat();
        assert_eq!(first_of(&read(HEAD, "-Y 1 +X 3", &dim).unwrap()), [188, 137, 89]);
        // With a light of eight times white in it the dark one still stays, and the bright ones are told apart.
        let bright = [dim.as_slice(), &[128, 128, 128, 129], &[128, 128, 128, 132]].concat();
        let shown = first_of(&read(HEAD, "-Y 1 +X 5", &bright).unwrap());
        assert_eq!((shown[1], shown[2], shown[4]), (137, 89, 255), "{shown:?}");
        assert!(shown[0] > 137 && shown[0] < 188 && shown[3] > shown[0] && shown[3] < 245, "{shown:?}");
        // The exposure that was multiplied in is taken out again.
        let head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\nEXPOSURE=2\n\n";
        assert_eq!(first_of(&read(head, "-Y 1 +X 1", &[128, 128, 128, 129]).unwrap()), [188]);
        // Hues stay: red that is far too bright is red.
        assert_eq!(read(HEAD, "-Y 1 +X 1", &[128, 0, 0, 136]).unwrap().get_pixel(0, 0).0, [255, 0, 0]);
    }

    #[test]
    fn lines_are_unpacked_in_both_ways_and_in_all_directions() {
        let mut packed = vec![2, 2, 0, 8];
        for _ in 0..3 {
            packed.extend([128 + 5, 128, 3, 64, 32, 16]);
        }
        packed.extend([128 + 8, 129]);
        let line = first_of(&read(HEAD, "-Y 1 +X 8", &packed).unwrap());
        assert_eq!(line[..5], [255; 5]);
        assert_eq!(line[5..], [188, 137, 99]);
        let plain = [[128, 128, 128, 129], [1, 1, 1, 2], [128, 128, 128, 128]].concat();
        assert_eq!(first_of(&read(HEAD, "-Y 1 +X 4", &plain).unwrap()), [255, 255, 255, 188]);
        assert_eq!(first_of(&read(HEAD, "-Y 1 -X 4", &plain).unwrap()), [188, 255, 255, 255]);
        let two = [[128, 128, 128, 129], [128, 128, 128, 128]].concat();
        assert_eq!(first_of(&read(HEAD, "+Y 2 +X 1", &two).unwrap()), [188, 255]);
    }

    #[test]
    fn damaged_endless_and_huge_ones_are_refused() {
        let pixel = [128, 128, 128, 129];
        for (head, size, pixels) in [
            (HEAD, "-Y 1 +X 2", &pixel[..]),
            (HEAD, "-Y 0 +X 1", &pixel),
            (HEAD, "-Y one +X 1", &pixel),
            (HEAD, "+X 1 -Y 1", &pixel),
            (HEAD, "-Y 1 +X 4", &[1, 1, 1, 9]),
            (HEAD, "-Y 1 +X 8", &[2, 2, 0, 8, 128 + 9, 1]),
            (HEAD, "-Y 1 +X 8", &[2, 2, 0, 8, 0, 1]),
            (b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n", "-Y 1 +X 1", &pixel),
            (b"#?RADIANCE\nEXPOSURE=0\n\n", "-Y 1 +X 1", &pixel),
            (b"#?RADIANCE\n", "", &[b'\n'; 3]),
        ] {
            let refused = read(head, size, pixels);
            assert!(matches!(refused, Err(MediaTrouble::Rejected(_))), "{size}: {refused:?}");
        }
        let huge = read(HEAD, "-Y 100000 +X 100000", &pixel);
        assert!(matches!(huge, Err(MediaTrouble::Rejected(Rejection::TooManyPixels { .. }))), "{huge:?}");
        let endless = [b"#?RADIANCE\n".as_slice(), &b"a=b\n".repeat(5000)].concat();
        assert!(matches!(read(&endless, "-Y 1 +X 1", &pixel), Err(MediaTrouble::Rejected(_))));
    }

    #[test]
    fn so_is_a_tiff_of_numbers_with_a_point() {
        let light =
            Rgb32FImage::from_fn(4, 1, |x, _| image::Rgb([[0.1, 0.25, 0.5, f32::NAN][x as usize]; 3]));
        let mut file = io::Cursor::new(vec![]);
        image::DynamicImage::from(light.clone()).write_to(&mut file, image::ImageFormat::Tiff).unwrap();
        file.set_position(0);
        let (picture, _) = crate::media::pictures::decode_from(file, &Limits::default()).unwrap();
        assert_eq!(first_of(&picture.to_rgb8()), [89, 137, 188, 0]);
    }
}
