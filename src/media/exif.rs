//! What a picture's EXIF block says of how it was taken, as far as that may be told at all. The rest of the block (place,
//! names, numbers of devices) is never read into anything.

use crate::domain::media::{LONGEST_DETAIL, ShotDetail, ShotField};
use exif::{Exif, In, Reader, Tag, Value};
use std::io::Cursor;
use strum::VariantArray as _;

/// How much of a file is read for it: all of what cameras write, and the beginning of larger ones.
pub const READ: u64 = 64 << 20;

/// What can be told of the picture in these bytes (JPEG, PNG, WebP, TIFF and raw files on its base, HEIF); nothing if
/// there is no block or it is broken.
#[must_use]
pub fn details(file: &[u8]) -> Vec<ShotDetail> {
    let Ok(exif) = Reader::new().read_from_container(&mut Cursor::new(file)) else { return vec![] };
    ShotField::VARIANTS
        .iter()
        .filter_map(|field| Some(ShotDetail { field: *field, value: tidy(&read(&exif, *field)?)? }))
        .collect()
}

fn read(exif: &Exif, field: ShotField) -> Option<String> {
    match field {
        ShotField::Camera => {
            let (make, model) = (text(exif, Tag::Make), text(exif, Tag::Model)?);
            // Many models begin with the name of their maker.
            let maker = make.as_deref().and_then(|m| m.split_whitespace().next()).unwrap_or_default();
            let named = model.to_lowercase().starts_with(&maker.to_lowercase());
            Some(if maker.is_empty() || named { model } else { format!("{maker} {model}") })
        }
        ShotField::Lens => text(exif, Tag::LensModel),
        ShotField::FocalLength => Some(format!("{} mm", rounded(number(exif, Tag::FocalLength)?))),
        ShotField::Aperture => Some(format!("f/{}", rounded(number(exif, Tag::FNumber)?))),
        ShotField::Exposure => {
            let seconds = number(exif, Tag::ExposureTime)?;
            Some(match (1.0 / seconds).round() {
                part if seconds < 0.4 => format!("1/{part} s"),
                _ => format!("{} s", rounded(seconds)),
            })
        }
        ShotField::Sensitivity => {
            let found = exif.get_field(Tag::PhotographicSensitivity, In::PRIMARY)?.value.get_uint(0)?;
            (found > 0).then(|| format!("ISO {found}"))
        }
        ShotField::TakenOn => {
            // `2025:05:03 14:22:10`; the time of day stays with the maker.
            let said = text(exif, Tag::DateTimeOriginal)?;
            let day = chrono::NaiveDate::parse_from_str(said.get(..10)?, "%Y:%m:%d").ok()?;
            Some(day.format("%-d %B %Y").to_string())
        }
    }
}

fn text(exif: &Exif, tag: Tag) -> Option<String> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(parts) => tidy(&String::from_utf8_lossy(parts.first()?)),
        _ => None,
    }
}

fn number(exif: &Exif, tag: Tag) -> Option<f64> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Rational(all) => Some(all.first()?.to_f64()),
        _ => None,
    }
    .filter(|n| n.is_finite() && *n > 0.0 && *n < 1e6)
}

/// With one digit after the point, if it is not zero.
fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// One line of printable letters, not too long.
fn tidy(text: &str) -> Option<String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line: String = words.join(" ").chars().filter(|c| *c != '\u{fffd}').take(LONGEST_DETAIL).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG with an EXIF block that says everything, place and owner too.
    fn photo() -> Vec<u8> {
        let picture = image::RgbImage::from_pixel(64, 48, image::Rgb([90, 120, 60]));
        let mut plain = vec![];
        image::codecs::jpeg::JpegEncoder::new(&mut plain).encode_image(&picture).unwrap();
        let block = block();
        let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
        [&plain[..2], &[0xff, 0xe1], &length, &block, &plain[2..]].concat()
    }

    /// The block, in the order of bytes of most cameras.
    fn block() -> Vec<u8> {
        let text = |words: &str| Value::Ascii(vec![words.as_bytes().to_vec()]);
        let ratio = |num, denom| Value::Rational(vec![exif::Rational { num, denom }]);
        let fields = [
            (Tag::Make, text("Pine Optics")),
            (Tag::Model, text("P-7")),
            (Tag::Artist, text("SECRET NAME")),
            (Tag::ExposureTime, ratio(1, 250)),
            (Tag::FNumber, ratio(28, 10)),
            (Tag::PhotographicSensitivity, Value::Short(vec![400])),
            (Tag::DateTimeOriginal, text("2025:05:03 14:22:10")),
            (Tag::FocalLength, ratio(35, 1)),
            (Tag::BodySerialNumber, text("SECRET-0042")),
            (Tag::LensModel, text("Pine 35mm\nf/2")),
            (Tag::GPSLatitudeRef, text("N")),
        ]
        .map(|(tag, value)| exif::Field { tag, ifd_num: In::PRIMARY, value });
        let mut writer = exif::experimental::Writer::new();
        for field in &fields {
            writer.push_field(field);
        }
        let mut tiff = Cursor::new(vec![]);
        writer.write(&mut tiff, true).unwrap();
        [b"Exif\0\0".as_slice(), tiff.get_ref()].concat()
    }

    #[test]
    fn what_may_be_told_is_read_and_nothing_else() {
        let found: Vec<(ShotField, String)> =
            details(&photo()).into_iter().map(|d| (d.field, d.value)).collect();
        let wanted = [
            (ShotField::Camera, "Pine P-7"),
            (ShotField::Lens, "Pine 35mm f/2"),
            (ShotField::FocalLength, "35 mm"),
            (ShotField::Aperture, "f/2.8"),
            (ShotField::Exposure, "1/250 s"),
            (ShotField::Sensitivity, "ISO 400"),
            (ShotField::TakenOn, "3 May 2025"),
        ];
        assert_eq!(found, wanted.map(|(field, value)| (field, value.to_owned())));
    }

    proptest::proptest! {
        #[test]
        fn broken_blocks_say_nothing_and_harm_nothing(at in 0_usize..700, with in proptest::num::u8::ANY, cut in 0_usize..900) {
            let mut file = photo();
            let at = at.min(file.len() - 1);
            file[at] = with;
            file.truncate(cut.max(1));
            proptest::prop_assert!(details(&file).iter().all(|d| d.value.chars().count() <= LONGEST_DETAIL));
        }
    }
}
