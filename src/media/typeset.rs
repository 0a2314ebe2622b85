//! The picture that stands for a text: its beginning, set in a font of one width, as a page of paper. Our own PDF is
//! drawn by the program that draws others'.

use super::sandbox::{Cancel, Sandbox, SandboxError};
use super::store::private_folder;
use super::{Limits, MediaTrouble, documents, pictures};
use image::DynamicImage;
use krilla::Document as Pdf;
use krilla::color::rgb;
use krilla::geom::Point;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::text::{Font, TextDirection};
use std::path::Path;

/// The page in points, and what stays white around the text.
const PAGE: (f32, f32) = (400.0, 300.0);
const MARGIN: f32 = 18.0;
/// Width of the picture. One size for cards comes of it and none to read: of a work for members the largest size
/// follows its rule, and here that is the only one.
const WIDTH: u32 = 780;
/// Most lines and columns.
const LINES: usize = 40;
const COLUMNS: usize = 100;
/// How wide and how high a letter's place is, as parts of its size.
const ADVANCE: f32 = 0.603;
const LEADING: f32 = 1.25;
/// Largest and smallest size of letters, in points.
const SIZES: (f32, f32) = (15.0, 3.0);

/// Draws the beginning of a text; `None` if that cannot be done, without which the text is as good.
///
/// # Errors
/// If somebody asked to stop, or the disk is full.
pub fn picture(
    (sandbox, limits, cancel): (&Sandbox, &Limits, &Cancel),
    text: &str,
    scratch: &Path,
) -> Result<Option<DynamicImage>, MediaTrouble> {
    let Some(pdf) = set(&lines(text)) else { return Ok(None) };
    private_folder(scratch)?;
    let file = scratch.join("text.pdf");
    std::fs::write(&file, pdf)?;
    match documents::draw(sandbox, limits, &file, (1, WIDTH), scratch, cancel) {
        Ok(()) => {}
        Err(SandboxError::Exit { .. } | SandboxError::TimedOut) => return Ok(None),
        Err(other) => return Err(other.into()),
    }
    Ok(Some(pictures::decode(&scratch.join("page.png"), limits)?.0))
}

/// The first lines as far as they are set, without empty ones before and after.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            line.replace('\t', "    ").chars().take(COLUMNS).collect::<String>().trim_end().to_owned()
        })
        .skip_while(String::is_empty)
        .take(LINES)
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The size at which all of it stands on the page.
#[expect(clippy::cast_precision_loss, reason = "counts of letters")]
fn size(lines: &[String]) -> f32 {
    let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(1).max(1);
    let by_width = (PAGE.0 - 2.0 * MARGIN) / (widest as f32 * ADVANCE);
    let by_height = (PAGE.1 - 2.0 * MARGIN) / (lines.len().max(1) as f32 * LEADING);
    by_width.min(by_height).clamp(SIZES.1, SIZES.0)
}

fn set(lines: &[String]) -> Option<Vec<u8>> {
    if lines.is_empty() {
        return None;
    }
    let bytes: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/dist/print/mono.ttf"));
    let font = Font::new(bytes.to_vec().into(), 0)?;
    let mut pdf = Pdf::new();
    let mut page = pdf.start_page_with(PageSettings::from_wh(PAGE.0, PAGE.1)?);
    let mut surface = page.surface();
    surface.set_fill(Some(Fill {
        paint: rgb::Color::new(24, 24, 27).into(),
        opacity: NormalizedF32::ONE,
        ..Fill::default()
    }));
    let size = size(lines);
    let mut y = MARGIN + size;
    for line in lines {
        if !line.is_empty() {
            let at = Point::from_xy(MARGIN, y);
            surface.draw_text(at, font.clone(), size, line, false, TextDirection::LeftToRight);
        }
        y += size * LEADING;
    }
    surface.finish();
    page.finish();
    pdf.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_set_as_large_as_it_fits() {
        let few = lines("\n\n\tfn main() {}\n\n");
        assert_eq!(few, ["    fn main() {}"]);
        assert!((size(&few) - SIZES.0).abs() < 0.01);
        let many = lines(&format!("{}\n", "x".repeat(200)).repeat(300));
        assert_eq!((many.len(), many[0].len()), (LINES, COLUMNS));
        let all = size(&many);
        assert!(all * ADVANCE * 100.0 <= PAGE.0 - MARGIN && all * LEADING * 40.0 <= PAGE.1 - MARGIN, "{all}");
        assert_eq!(set(&lines(" \n \n")), None);
    }

    #[test]
    fn the_picture_shows_ink_on_paper_in_one_size() {
        let folder = tempfile::tempdir().unwrap();
        let (sandbox, limits, cancel) = (Sandbox::detect(), Limits::default(), Cancel::default());
        let art = "+-----+\n| Kin |\n| ora |\n+-----+ é ж ∑ ┌┐ \u{1F600}\n";
        let scratch = folder.path().join("scratch");
        let picture = picture((&sandbox, &limits, &cancel), art, &scratch).unwrap().unwrap();
        assert_eq!((picture.width(), picture.height()), (780, 585));
        let grey = picture.to_luma8();
        let dark = grey.pixels().filter(|p| p.0[0] < 100).count();
        assert!((200..60_000).contains(&dark), "{dark}");
        assert_eq!(grey.get_pixel(2, 2).0[0], 255);
        let poster = pictures::write_sizes(&picture, folder.path(), "poster", |_, _| {}).unwrap();
        assert_eq!(poster.widths, [400, 780], "nothing larger than it is");
    }
}
