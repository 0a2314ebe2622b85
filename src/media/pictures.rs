//! Stills: decoded within limits, turned upright, brought to sRGB, freed of all metadata, and written in several
//! sizes as AVIF and JPEG. Everything is re-encoded from pixels, so nothing of EXIF, GPS or XMP survives.

use super::screen::{self, Signal};
use super::store::write_atomically;
use super::{Limits, MediaTrouble, side_by_side};
use crate::domain::media::{Facts, Poster, Rejection};
use crate::domain::shared::hue::hue_of;
use base64::Engine;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage, RgbaImage};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Widths that are made, as far as the source has them.
pub const WIDTHS: [u32; 5] = [400, 800, 1200, 1920, 2560];

/// Decodes an uploaded still, upright.
///
/// # Errors
/// A rejection with its sentence when it is too large, damaged or of an unknown form.
pub fn decode(file: &Path, limits: &Limits) -> Result<(DynamicImage, Facts), MediaTrouble> {
    decode_from(BufReader::new(File::open(file)?), limits)
}

/// Decodes a still that is upright already, whatever its metadata say; `signal` is what its numbers mean, if the
/// file that it was made of says so.
///
/// # Errors
/// As [`decode`].
pub fn decode_upright(
    file: &Path,
    limits: &Limits,
    signal: Option<Signal>,
) -> Result<(DynamicImage, Facts), MediaTrouble> {
    decode_turning(BufReader::new(File::open(file)?), limits, (false, signal))
}

/// Decodes a still from anywhere, upright.
///
/// # Errors
/// As [`decode`].
pub fn decode_from(
    source: impl BufRead + Seek,
    limits: &Limits,
) -> Result<(DynamicImage, Facts), MediaTrouble> {
    decode_turning(source, limits, (true, None))
}

fn decode_turning(
    mut source: impl BufRead + Seek,
    limits: &Limits,
    (turns, signal): (bool, Option<Signal>),
) -> Result<(DynamicImage, Facts), MediaTrouble> {
    let unreadable = |found: String| MediaTrouble::Rejected(Rejection::Unreadable { found });
    let signal = signal.or(screen::of_png(&mut source)?);
    let reader = ImageReader::new(source).with_guessed_format()?;
    let Some(format) = reader.format() else {
        return Err(unreadable("no known picture format".into()));
    };
    let mut reader = reader;
    let mut bounds = image::Limits::default();
    let side = u32::try_from(limits.side.saturating_mul(4)).unwrap_or(u32::MAX);
    bounds.max_image_width = Some(side);
    bounds.max_image_height = Some(side);
    bounds.max_alloc = Some(limits.pixels() * 8 + (64 << 20));
    reader.limits(bounds.clone());
    let too_many = |width: u32, height: u32| {
        MediaTrouble::Rejected(Rejection::TooManyPixels {
            width: width.into(),
            height: height.into(),
            limit_megapixels: limits.megapixels,
        })
    };
    // The header alone tells the size; nothing has been unpacked yet.
    let mut decoder = reader.into_decoder().map_err(|e| picture_trouble(&e, limits))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > limits.pixels() {
        return Err(too_many(width, height));
    }
    decoder.set_limits(bounds).map_err(|_| too_many(width, height))?;
    let orientation = orientation(&mut decoder);
    let profile = decoder.icc_profile().ok().flatten();
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| picture_trouble(&e, limits))?;
    let mut picture = screen::to_screen(picture, signal, profile.as_deref());
    if turns {
        picture.apply_orientation(orientation);
    }
    let facts = Facts {
        format: format!("{format:?}").to_lowercase(),
        width: picture.width(),
        height: picture.height(),
        frame_rate: (0, 1),
        ..Facts::default()
    };
    Ok((picture, facts))
}

/// The orientation of the EXIF block; some writers put a second `Exif\0\0` mark in front of it.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    let exif = decoder.exif_metadata().ok().flatten().unwrap_or_default();
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
    Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms)
}

fn picture_trouble(error: &image::ImageError, limits: &Limits) -> MediaTrouble {
    MediaTrouble::Rejected(match error {
        image::ImageError::Limits(_) => Rejection::TooManyPixels {
            width: limits.side * 4,
            height: limits.side * 4,
            limit_megapixels: limits.megapixels,
        },
        image::ImageError::Unsupported(_) => {
            Rejection::Unreadable { found: "a form of picture that is not supported".into() }
        }
        image::ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            Rejection::Unreadable { found: "the picture is cut off".into() }
        }
        _ => Rejection::Unreadable { found: "the picture is damaged".into() },
    })
}

/// Writes all sizes as `<name>-<width>.avif` and `.jpg` into `folder` and describes them.
/// `progress` hears (sizes done, sizes in all).
///
/// # Errors
/// If a size cannot be encoded or written.
pub fn write_sizes(
    picture: &DynamicImage,
    folder: &Path,
    name: &str,
    progress: impl FnMut(u64, u64) + Send,
) -> Result<Poster, MediaTrouble> {
    let widths = widths(picture.width());
    let total = widths.len() as u64;
    let mut sizes: Vec<DynamicImage> = Vec::with_capacity(widths.len());
    for width in widths.iter().rev() {
        // Each size is made of the next larger one: nearly as good, much quicker.
        let (height, larger) = (scaled_height(picture, *width), sizes.last().unwrap_or(picture));
        sizes.push(if (larger.width(), larger.height()) == (*width, height) {
            larger.clone()
        } else {
            larger.resize_exact(*width, height, image::imageops::FilterType::Lanczos3)
        });
    }
    let done = Mutex::new((0, progress));
    let written = side_by_side::each(&sizes, |size| {
        let width = size.width();
        write_atomically(&folder.join(format!("{name}-{width}.avif")), &avif(size)?)?;
        write_atomically(&folder.join(format!("{name}-{width}.jpg")), &jpeg(size)?)?;
        let (count, progress) = &mut *done.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        progress(*count, total);
        Ok(())
    });
    written.into_iter().collect::<Result<(), MediaTrouble>>()?;
    let largest = sizes.first().map_or((0, 0), |s| (s.width(), s.height()));
    let (colour, hue, thumbhash) = impression(sizes.last().unwrap_or(picture));
    Ok(Poster { width: largest.0, height: largest.1, widths, colour, hue, thumbhash })
}

/// The widths that are made of a picture so wide: its own is the largest, up to the most that is made, in the place of
/// a step that is nearly as wide. Of members' pictures the largest is not for everybody, so there is always a smaller one.
fn widths(own: u32) -> Vec<u32> {
    let mut widths: Vec<u32> = WIDTHS.iter().copied().filter(|w| *w <= own).collect();
    let largest = widths.last().copied().unwrap_or(0);
    if own > largest && largest < WIDTHS[WIDTHS.len() - 1] {
        if own - largest <= largest / 10 {
            widths.pop();
        }
        widths.push(own);
    }
    if let [only] = widths[..]
        && only > 1
    {
        widths.insert(0, only / 2);
    }
    widths
}

fn scaled_height(picture: &DynamicImage, width: u32) -> u32 {
    let exact = u64::from(picture.height()) * u64::from(width);
    let of = u64::from(picture.width().max(1));
    u32::try_from((exact + of / 2) / of).unwrap_or(1).max(1)
}

fn avif(picture: &DynamicImage) -> Result<Vec<u8>, MediaTrouble> {
    let encoder = ravif::Encoder::new().with_quality(68.0).with_speed(10).with_num_threads(Some(1));
    let trouble = |_| MediaTrouble::internal("AVIF cannot be encoded");
    let (w, h) = (picture.width() as usize, picture.height() as usize);
    let coded = if picture.color().has_alpha() {
        let pixels: RgbaImage = picture.to_rgba8();
        let pixels: Vec<ravif::RGBA8> =
            pixels.pixels().map(|p| ravif::RGBA8::new(p[0], p[1], p[2], p[3])).collect();
        encoder.encode_rgba(ravif::Img::new(&pixels, w, h)).map_err(trouble)?
    } else {
        let pixels: RgbImage = picture.to_rgb8();
        let pixels: Vec<ravif::RGB8> = pixels.pixels().map(|p| ravif::RGB8::new(p[0], p[1], p[2])).collect();
        encoder.encode_rgb(ravif::Img::new(&pixels, w, h)).map_err(trouble)?
    };
    Ok(coded.avif_file)
}

/// One picture as JPEG. JPEG has no transparency: it lies on white, as on paper.
///
/// # Errors
/// If it cannot be encoded.
pub fn jpeg(picture: &DynamicImage) -> Result<Vec<u8>, MediaTrouble> {
    let flat = on_white(picture);
    let mut bytes = vec![];
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 82)
        .encode_image(&flat)
        .map_err(|_| MediaTrouble::internal("JPEG cannot be encoded"))?;
    Ok(bytes)
}

fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let source = picture.to_rgba8();
    RgbImage::from_fn(source.width(), source.height(), |x, y| {
        let p = source.get_pixel(x, y).0;
        let alpha = u32::from(p[3]);
        let mix = |c: u8| u8::try_from((u32::from(c) * alpha + 255 * (255 - alpha)) / 255).unwrap_or(255);
        image::Rgb([mix(p[0]), mix(p[1]), mix(p[2])])
    })
}

/// Average colour, hue and thumbhash of the smallest size.
fn impression(picture: &DynamicImage) -> (String, Option<u16>, String) {
    let small = picture.thumbnail(96, 96);
    let rgba = small.to_rgba8();
    let hash = thumbhash::rgba_to_thumb_hash(rgba.width() as usize, rgba.height() as usize, rgba.as_raw());
    let flat = on_white(&small);
    let count = u64::from(flat.width()) * u64::from(flat.height());
    let mut sum = [0_u64; 3];
    for p in flat.pixels() {
        for (s, c) in sum.iter_mut().zip(p.0) {
            *s += u64::from(c);
        }
    }
    let [r, g, b] = sum.map(|s| s / count.max(1));
    let hue = hue_of(flat.pixels().map(|p| p.0));
    let hash = base64::engine::general_purpose::STANDARD_NO_PAD.encode(hash);
    (format!("#{r:02x}{g:02x}{b:02x}"), hue, hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A JPEG with an EXIF block: turned a quarter, a camera's name, and a place on earth.
    fn with_exif(width: u32, height: u32) -> Vec<u8> {
        let picture =
            RgbImage::from_fn(width, height, |x, _| image::Rgb([if x < width / 2 { 255 } else { 0 }, 0, 0]));
        let plain = jpeg(&DynamicImage::ImageRgb8(picture)).unwrap();
        let mut tiff = b"II*\0\x08\0\0\0\x03\0".to_vec();
        tiff.extend(b"\x0f\x01\x02\0\x08\0\0\0\x32\0\0\0"); // Make, 8 letters at 50
        tiff.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"); // Orientation 6
        tiff.extend(b"\x25\x88\x04\0\x01\0\0\0\x3a\0\0\0"); // the directory of the place, at 58
        tiff.extend([0; 4]);
        tiff.extend(b"SECRETQ\0");
        tiff.extend(b"\x01\0\x01\0\x02\0\x02\0\0\0N\0\0\0\0\0\0\0");
        let mut block = b"Exif\0\0".to_vec();
        block.extend(tiff);
        let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
        [&plain[..2], &[0xff, 0xe1], &length, &block, &plain[2..]].concat()
    }

    #[test]
    fn the_largest_size_is_the_picture_itself_and_never_the_only_one() {
        for (own, made) in [
            (600, vec![400, 600]),
            (790, vec![400, 790]),
            (800, vec![400, 800]),
            (830, vec![400, 830]),
            (1280, vec![400, 800, 1280]),
            (1600, vec![400, 800, 1200, 1600]),
            (2560, vec![400, 800, 1200, 1920, 2560]),
            (9000, vec![400, 800, 1200, 1920, 2560]),
            (440, vec![220, 440]),
            (400, vec![200, 400]),
            (300, vec![150, 300]),
            (1, vec![1]),
        ] {
            assert_eq!(widths(own), made, "{own}");
        }
    }

    #[test]
    fn pictures_are_upright_and_keep_nothing_of_place_and_camera_up_to_2560_pixels() {
        let folder = tempfile::tempdir().unwrap();
        let source = with_exif(60, 2600);
        assert!(source.windows(7).any(|w| w == b"SECRETQ"));
        let (picture, facts) = decode_from(Cursor::new(source), &Limits::default()).unwrap();
        assert_eq!((facts.width, facts.height), (2600, 60), "turned a quarter");
        let poster = write_sizes(&picture, folder.path(), "poster", |_, _| {}).unwrap();
        assert_eq!((poster.widths, poster.width), (vec![400, 800, 1200, 1920, 2560], 2560));
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for trace in [&b"SECRETQ"[..], b"Exif", b"<x:xmpmeta"] {
                assert!(!bytes.windows(trace.len()).any(|w| w == trace));
            }
        }
        // What was left lies on top now.
        let made = image::open(folder.path().join("poster-400.jpg")).unwrap().to_rgb8();
        assert!(made.get_pixel(200, 1).0[0] > 150 && made.get_pixel(200, 7).0[0] < 100);
    }
}
