//! Stills as a usual screen shows them: what was made for a wider range of light (PQ and HLG, ITU-R BT.2100) is
//! tone mapped, what was made for more colours (BT.2020, Display P3, any ICC profile) is brought to those of sRGB.
//! Nothing that is delivered carries a profile, so the numbers themselves have to be right.

use super::{floats, iso};
use image::{DynamicImage, RgbImage, RgbaImage};
use moxcms::{CicpColorPrimaries, ColorProfile, DataColorSpace, Layout, TransferCharacteristics};
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Transfer of SMPTE ST 2084, by its number in ITU-T H.273.
const PQ: u16 = 16;
/// Transfer of hybrid log-gamma.
const HLG: u16 = 18;
/// Primaries of BT.2020.
const BT2020: u16 = 9;
/// Primaries of Display P3.
const P3: u16 = 12;
/// Light that counts as one, in candela per square metre, as for the pictures of films.
const UNIT: f32 = 100.0;
/// How bright a picture is taken to get that does not say it, as for films.
const USUAL_PEAK: f32 = 1000.0;
/// Largest ICC profile that is read; those of printers have a megabyte.
const PROFILE: usize = 4 << 20;
/// Chunks that a PNG may have before its picture.
const CHUNKS: u32 = 1000;

/// Steps of a colour by which a profile is tried.
const STEPS: [u8; 5] = [0, 64, 128, 192, 255];

type Matrix = [[f32; 3]; 3];

/// From BT.2020 to BT.709, whose primaries are those of sRGB (BT.2087).
const FROM_2020: Matrix = [
    [1.660_491, -0.587_641, -0.072_85],
    [-0.124_55, 1.132_9, -0.008_349],
    [-0.018_151, -0.100_579, 1.118_73],
];
/// From Display P3.
const FROM_P3: Matrix =
    [[1.224_94, -0.224_94, 0.0], [-0.042_057, 1.042_057, 0.0], [-0.019_638, -0.078_636, 1.098_274]];

/// What the numbers of a still mean (ITU-T H.273).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Colour primaries.
    pub primaries: u16,
    /// Transfer characteristics.
    pub transfer: u16,
    /// The brightest pixel, in candela per square metre, if it is told.
    pub brightest: Option<u16>,
}

impl Signal {
    /// Whether it is of high dynamic range.
    #[must_use]
    pub fn is_bright(&self) -> bool {
        matches!(self.transfer, PQ | HLG)
    }
}

/// The number of colour primaries that ffmpeg calls by this name.
pub(super) fn primaries_named(name: &str) -> Option<u16> {
    Some(match name {
        "bt709" => 1,
        "bt2020" => BT2020,
        "smpte432" => P3,
        _ => return None,
    })
}

/// The number of a transfer that ffmpeg calls by this name.
pub(super) fn transfer_named(name: &str) -> Option<u16> {
    Some(match name {
        "bt709" => 1,
        "iec61966-2-1" => 13,
        "smpte2084" => PQ,
        "arib-std-b67" => HLG,
        _ => return None,
    })
}

/// What both together say. Light of a high dynamic range says that without its colours too, which are then the usual
/// ones of such pictures.
pub(super) fn of_names(primaries: Option<u16>, transfer: Option<u16>) -> Option<Signal> {
    let signal = Signal { primaries: primaries.unwrap_or(BT2020), transfer: transfer?, brightest: None };
    (primaries.is_some() || signal.is_bright()).then_some(signal)
}

/// What a PNG says in `cICP` and `cLLI`, if it is one and says it. The source is where it was afterwards.
///
/// # Errors
/// If it cannot be read.
pub(super) fn of_png(source: &mut (impl Read + Seek)) -> io::Result<Option<Signal>> {
    let begin = source.stream_position()?;
    let found = look_into_png(source);
    source.seek(SeekFrom::Start(begin))?;
    match found {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        found => found,
    }
}

fn look_into_png(source: &mut (impl Read + Seek)) -> io::Result<Option<Signal>> {
    let mut mark = [0; 8];
    source.read_exact(&mut mark)?;
    if mark != *b"\x89PNG\r\n\x1a\n" {
        return Ok(None);
    }
    let (mut signal, mut brightest) = (None, None);
    for _ in 0..CHUNKS {
        let mut head = [0; 8];
        source.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let mut rest = i64::from(length) + 4;
        match (&head[4..], length) {
            (b"IDAT" | b"IEND", _) => break,
            (b"cICP", 4) => {
                let mut said = [0; 4];
                source.read_exact(&mut said)?;
                rest -= 4;
                signal = Some((u16::from(said[0]), u16::from(said[1])));
            }
            (b"cLLI", 8) => {
                let mut said = [0; 8];
                source.read_exact(&mut said)?;
                rest -= 8;
                let most = u32::from_be_bytes([said[0], said[1], said[2], said[3]]) / 10_000;
                brightest = u16::try_from(most).ok().filter(|most| *most > 0);
            }
            _ => {}
        }
        source.seek(SeekFrom::Current(rest))?;
    }
    Ok(signal.map(|(primaries, transfer)| Signal { primaries, transfer, brightest }))
}

/// What a HEIF file (HEIC, AVIF) says of its main picture, from the beginning of the file.
#[must_use]
pub(super) fn of_heif(head: &[u8]) -> Option<Signal> {
    let meta = inside(head, b"meta")?.get(4..)?;
    let main = main_item(inside(meta, b"pitm")?)?;
    let (boxes, of_items) =
        (inside(inside(meta, b"iprp")?, b"ipco")?, inside(inside(meta, b"iprp")?, b"ipma")?);
    let mut properties: Vec<(&[u8; 4], &[u8])> = vec![];
    let mut rest = boxes;
    while let Some((kind, body, after)) = iso::first(rest) {
        properties.push((kind, body));
        rest = after;
    }
    let (mut told, mut brightest) = (None, None);
    for index in properties_of(of_items, main)? {
        let number =
            |body: &[u8], at: usize| Some(u16::from_be_bytes(body.get(at..at + 2)?.try_into().ok()?));
        match index.checked_sub(1).and_then(|i| properties.get(i)) {
            Some((b"colr", body)) if body.starts_with(b"nclx") => told = number(body, 4).zip(number(body, 6)),
            Some((b"clli", body)) => brightest = number(body, 0).filter(|most| *most > 0),
            _ => {}
        }
    }
    told.map(|(primaries, transfer)| Signal { primaries, transfer, brightest })
}

/// The content of the first box of this kind.
fn inside<'a>(mut boxes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    while let Some((found, body, after)) = iso::first(boxes) {
        if found == kind {
            return Some(body);
        }
        boxes = after;
    }
    None
}

fn main_item(pitm: &[u8]) -> Option<u32> {
    match *pitm {
        [0, _, _, _, a, b, ..] => Some(u32::from_be_bytes([0, 0, a, b])),
        [_, _, _, _, a, b, c, d, ..] => Some(u32::from_be_bytes([a, b, c, d])),
        _ => None,
    }
}

/// The numbers, from 1, of the properties of one item.
fn properties_of(ipma: &[u8], item: u32) -> Option<Vec<usize>> {
    let (version, wide) = (*ipma.first()?, ipma.get(3)? & 1 == 1);
    let count = u32::from_be_bytes(ipma.get(4..8)?.try_into().ok()?);
    let mut at = 8;
    let mut take = |bytes: usize| {
        let number = ipma.get(at..at + bytes)?.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b));
        at += bytes;
        Some(number)
    };
    for _ in 0..count {
        let id = take(if version < 1 { 2 } else { 4 })?;
        let mut found = vec![];
        for _ in 0..take(1)? {
            let index = if wide { take(2)? & 0x7fff } else { take(1)? & 0x7f };
            found.push(index as usize);
        }
        if id == item {
            return Some(found);
        }
    }
    None
}

/// The picture in sRGB, by what its file says of it and, if that says nothing of its light, by its ICC profile.
#[must_use]
pub(super) fn to_screen(picture: DynamicImage, told: Option<Signal>, profile: Option<&[u8]>) -> DynamicImage {
    let picture = match picture {
        // Numbers with a point are light itself, whatever profile lies beside them.
        DynamicImage::ImageRgb32F(light) => return floats::of_light(&light).into(),
        DynamicImage::ImageRgba32F(_) => return floats::of_light(&picture.into_rgb32f()).into(),
        picture => picture,
    };
    if let Some(signal) = told.filter(Signal::is_bright) {
        return by_signal(picture, signal);
    }
    // Parsers of others meet bytes of strangers: what makes one give up must not take the worker along.
    let read = |bytes: &[u8]| catch_unwind(|| ColorProfile::new_from_slice(bytes).ok()).ok().flatten();
    match profile.filter(|bytes| bytes.len() <= PROFILE).and_then(read) {
        Some(profile) => match of_profile(&profile) {
            Some(signal) => by_signal(picture, signal),
            None => by_profile(picture, &profile),
        },
        None => match told {
            Some(signal) => by_signal(picture, signal),
            None => picture,
        },
    }
}

/// Profiles of high dynamic range say so by numbers too; their tables would only cut the light off.
fn of_profile(profile: &ColorProfile) -> Option<Signal> {
    let told = profile.cicp?;
    let transfer = match told.transfer_characteristics {
        TransferCharacteristics::Smpte2084 => PQ,
        TransferCharacteristics::Hlg => HLG,
        _ => return None,
    };
    let primaries = match told.color_primaries {
        CicpColorPrimaries::Smpte432 => P3,
        CicpColorPrimaries::Bt709 => 1,
        _ => BT2020,
    };
    Some(Signal { primaries, transfer, brightest: None })
}

fn by_profile(picture: DynamicImage, profile: &ColorProfile) -> DynamicImage {
    if profile.color_space != DataColorSpace::Rgb || !picture.color().has_color() {
        return picture;
    }
    let alpha = picture.color().has_alpha();
    let layout = if alpha { Layout::Rgba } else { Layout::Rgb };
    let made = catch_unwind(AssertUnwindSafe(|| {
        profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), layout, Default::default()).ok()
    }));
    let Ok(Some(way)) = made else { return picture };
    let changed = |from: &[u8]| {
        let mut to = vec![0; from.len()];
        way.transform(from, &mut to).is_ok().then_some(to)
    };
    // Most profiles are that of sRGB itself: then nothing is touched.
    let colours = (0..125).map(|n| [STEPS[n % 5], STEPS[n / 5 % 5], STEPS[n / 25], 255]);
    let samples: Vec<u8> = colours.flat_map(|c| c.into_iter().take(if alpha { 4 } else { 3 })).collect();
    let Some(shown) = changed(&samples) else { return picture };
    if samples.iter().zip(&shown).all(|(a, b)| a.abs_diff(*b) <= 1) {
        return picture;
    }
    let (width, height) = (picture.width(), picture.height());
    if alpha {
        let from = picture.into_rgba8();
        changed(from.as_raw()).and_then(|to| RgbaImage::from_raw(width, height, to)).unwrap_or(from).into()
    } else {
        let from = picture.into_rgb8();
        changed(from.as_raw()).and_then(|to| RgbImage::from_raw(width, height, to)).unwrap_or(from).into()
    }
}

fn by_signal(picture: DynamicImage, signal: Signal) -> DynamicImage {
    let Some(way) = Way::of(signal) else { return picture };
    if picture.color().has_alpha() {
        let from = picture.into_rgba16();
        let mut to = RgbaImage::new(from.width(), from.height());
        for (p, shown) in from.pixels().zip(to.pixels_mut()) {
            let [r, g, b, a] = p.0;
            let [r, g, b] = way.shown([r, g, b]);
            shown.0 = [r, g, b, u8::try_from(a >> 8).unwrap_or(u8::MAX)];
        }
        to.into()
    } else {
        let from = picture.into_rgb16();
        let mut to = RgbImage::new(from.width(), from.height());
        for (p, shown) in from.pixels().zip(to.pixels_mut()) {
            shown.0 = way.shown(p.0);
        }
        to.into()
    }
}

/// The way from the numbers of a file to those of a screen.
struct Way {
    /// Linear light of each number.
    light: Vec<f32>,
    matrix: Option<&'static Matrix>,
    /// For hybrid log-gamma: light of the scene becomes light of a display.
    scene: bool,
    /// The brightest light, where the range has to become smaller.
    peak: Option<f32>,
    /// sRGB for each sixteenth bit of linear light.
    codes: Vec<u8>,
}

impl Way {
    /// `None` if the numbers are right as they are.
    fn of(signal: Signal) -> Option<Self> {
        let matrix = match signal.primaries {
            BT2020 => Some(&FROM_2020),
            P3 => Some(&FROM_P3),
            // Not specified: what is of high dynamic range is then BT.2100.
            2 if signal.is_bright() => Some(&FROM_2020),
            _ => None,
        };
        if matrix.is_none() && !signal.is_bright() {
            return None;
        }
        let curve = match signal.transfer {
            PQ => pq,
            HLG => hlg,
            _ => from_srgb,
        };
        let share = |n: u16| f32::from(n) / f32::from(u16::MAX);
        let brightest = signal.brightest.map_or(USUAL_PEAK, f32::from);
        Some(Self {
            light: (0..=u16::MAX).map(|n| curve(share(n))).collect(),
            matrix,
            scene: signal.transfer == HLG,
            peak: signal.is_bright().then_some((brightest / UNIT).max(1.0)),
            codes: (0..=u16::MAX).map(|n| to_srgb(share(n))).collect(),
        })
    }

    fn shown(&self, numbers: [u16; 3]) -> [u8; 3] {
        let mut rgb = numbers.map(|n| self.light[usize::from(n)]);
        if self.scene {
            // The luminance of the scene, to the power of the system's gamma of 1.2 less one (BT.2100).
            let luminance = 0.2627 * rgb[0] + 0.6780 * rgb[1] + 0.0593 * rgb[2];
            let gain = USUAL_PEAK / UNIT * luminance.powf(0.2);
            rgb = rgb.map(|c| c * gain);
        }
        if let Some(matrix) = self.matrix {
            rgb = matrix.map(|row| row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]);
        }
        if let Some(peak) = self.peak {
            // By the brightest of the three, so that the hue stays.
            let most = rgb.into_iter().fold(1e-6, f32::max);
            let scale = hable(most) / hable(peak) / most;
            rgb = rgb.map(|c| c * scale);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to sixteen bits"
        )]
        let code = |light: f32| self.codes[(light.clamp(0.0, 1.0) * 65_535.0).round() as usize];
        rgb.map(code)
    }
}

/// SMPTE ST 2084, in units of light.
fn pq(number: f32) -> f32 {
    const M1: f64 = 2610.0 / 16_384.0;
    const M2: f64 = 2523.0 / 32.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 128.0;
    const C3: f64 = 2392.0 / 128.0;
    let root = f64::from(number).powf(1.0 / M2);
    let light = ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1);
    #[expect(clippy::cast_possible_truncation, reason = "kept as f32")]
    let light = light as f32;
    light * 10_000.0 / UNIT
}

/// Hybrid log-gamma, as light of the scene up to one.
fn hlg(number: f32) -> f32 {
    const A: f32 = 0.178_832_77;
    const B: f32 = 0.284_668_92;
    const C: f32 = 0.559_910_7;
    if number <= 0.5 { number * number / 3.0 } else { (((number - C) / A).exp() + B) / 12.0 }
}

fn from_srgb(number: f32) -> f32 {
    if number <= 0.040_45 { number / 12.92 } else { ((number + 0.055) / 1.055).powf(2.4) }
}

/// The number of sRGB for linear light up to one.
pub(super) fn to_srgb(light: f32) -> u8 {
    let number = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a byte")]
    let code = |number: f32| (number * 255.0).round() as u8;
    code(number)
}

/// John Hable's filmic curve with the numbers that ffmpeg gives it, which makes the pictures of films.
fn hable(light: f32) -> f32 {
    const A: f32 = 0.15;
    const B: f32 = 0.50;
    const C: f32 = 0.10;
    const D: f32 = 0.20;
    const E: f32 = 0.02;
    const F: f32 = 0.30;
    (light * (light * A + B * C) + D * E) / (light * (light * A + B) + D * F) - E / F
}
