//! Sheets as PDF/A-3u.

use super::fonts::{runs, width};
use super::sheet::{Ink, Mark, PAGE, Sheet};
use super::{Paper, PrintError};
use chrono::Datelike as _;
use krilla::Document as Pdf;
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::TextDirection;

/// The PDF of some sheets.
///
/// # Errors
/// If the library finds that it would not be PDF/A-3u.
pub(super) fn pdf(paper: &Paper<'_>, sheets: &[Sheet]) -> Result<Vec<u8>, PrintError> {
    let fault = |why: &str| PrintError::Pdf(why.to_owned());
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_U)
        .finish()
        .map_err(|e| PrintError::Pdf(format!("{e:?}")))?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let mut pdf = Pdf::new_with(settings);
    pdf.set_metadata(about(paper));
    for sheet in sheets {
        let size = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| fault("no page of that size"))?;
        let mut page = pdf.start_page_with(size);
        let mut surface = page.surface();
        for mark in sheet {
            draw(&mut surface, mark, paper.hue)?;
        }
        surface.finish();
        page.finish();
    }
    pdf.finish().map_err(|e| PrintError::Pdf(format!("{e:?}")))
}

fn about(paper: &Paper<'_>) -> Metadata {
    let (d, title) = (paper.document, if paper.credit_note { "Credit note" } else { "Invoice" });
    let day = d.issued_on;
    let date = DateTime::new(u16::try_from(day.year()).unwrap_or_default())
        .month(u8::try_from(day.month()).unwrap_or(1))
        .day(u8::try_from(day.day()).unwrap_or(1))
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(0)
        .utc_offset_minute(0);
    Metadata::new()
        .title(format!("{}: {title} {}", d.seller.name, paper.number))
        .authors(vec![d.seller.name.clone()])
        .language("en".into())
        .creator("Kinora".into())
        .document_id(format!("kinora:{}", paper.number))
        .creation_date(date)
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, hue: u16) -> Result<(), PrintError> {
    match mark {
        Mark::Text { at, style, size, ink, text } => {
            surface.set_stroke(None);
            surface.set_fill(Some(Fill {
                paint: colour(*ink, hue).into(),
                opacity: NormalizedF32::ONE,
                ..Fill::default()
            }));
            let mut x = at.0;
            for run in runs(*style, text) {
                let font = run.face.font().ok_or_else(|| PrintError::Pdf("a font is missing".into()))?;
                surface.draw_text(
                    Point::from_xy(x, at.1),
                    font,
                    *size,
                    &run.text,
                    false,
                    TextDirection::Auto,
                );
                x += width(run.face, &run.text, *size);
            }
        }
        Mark::Rule { from, to, y, thick, ink } => {
            let mut path = PathBuilder::new();
            path.move_to(*from, *y);
            path.line_to(*to, *y);
            let Some(path) = path.finish() else { return Ok(()) };
            surface.set_fill(None);
            surface.set_stroke(Some(Stroke {
                paint: colour(*ink, hue).into(),
                width: *thick,
                opacity: NormalizedF32::ONE,
                ..Stroke::default()
            }));
            surface.draw_path(&path);
        }
    }
    Ok(())
}

fn colour(ink: Ink, hue: u16) -> rgb::Color {
    match ink {
        Ink::Black => rgb::Color::new(24, 24, 27),
        Ink::Grey => rgb::Color::new(96, 96, 104),
        Ink::Accent => accent(hue),
    }
}

/// A dark colour of that hue, readable on white: HSL with 45 % saturation and 32 % lightness.
fn accent(hue: u16) -> rgb::Color {
    let (chroma, least) = (0.288_f32, 0.176_f32);
    let sector = f32::from(hue % 360) / 60.0;
    let second = chroma * (1.0 - (sector % 2.0 - 1.0).abs());
    let (r, g, b) = match hue % 360 / 60 {
        0 => (chroma, second, 0.0),
        1 => (second, chroma, 0.0),
        2 => (0.0, chroma, second),
        3 => (0.0, second, chroma),
        4 => (second, 0.0, chroma),
        _ => (chroma, 0.0, second),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    let part = |v: f32| ((v + least) * 255.0).round() as u8;
    rgb::Color::new(part(r), part(g), part(b))
}
