//! The fonts of documents, and which of them a text is set in.

use krilla::text::Font;
use std::sync::LazyLock;
use ttf_parser::Face;

/// A font of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// What is read.
    Regular,
    /// What is stressed.
    Strong,
    /// Headings.
    Display,
    /// Letters that the others lack.
    Fallback,
}

struct Loaded {
    font: Font,
    face: Face<'static>,
}

macro_rules! bytes {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/dist/print/", $name))
    };
}

static FONTS: LazyLock<[Option<Loaded>; 4]> = LazyLock::new(|| {
    let all: [&'static [u8]; 4] =
        [bytes!("regular.ttf"), bytes!("strong.ttf"), bytes!("display.ttf"), bytes!("fallback.ttf")];
    all.map(|bytes| {
        let font = Font::new(bytes.to_vec().into(), 0)?;
        Some(Loaded { font, face: Face::parse(bytes, 0).ok()? })
    })
});

fn loaded(face: Style) -> Option<&'static Loaded> {
    FONTS[face as usize].as_ref()
}

impl Style {
    /// The font for the PDF; none if the file that was built in is no font.
    pub(super) fn font(self) -> Option<Font> {
        loaded(self).map(|l| l.font.clone())
    }

    fn has(self, letter: char) -> bool {
        loaded(self).is_some_and(|l| l.face.glyph_index(letter).is_some_and(|g| g.0 != 0))
    }

    /// How wide a text is at `size` points, in points.
    #[expect(clippy::cast_precision_loss, reason = "widths of letters")]
    fn width(self, text: &str, size: f32) -> f32 {
        let Some(l) = loaded(self) else { return 0.0 };
        let units: u32 = text
            .chars()
            .filter_map(|c| l.face.glyph_hor_advance(l.face.glyph_index(c)?))
            .map(u32::from)
            .sum();
        units as f32 * size / f32::from(l.face.units_per_em())
    }
}

/// A part of a text that one font can set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub face: Style,
    pub text: String,
}

/// A text as runs of the font that is wanted and of the fallback. A letter that neither knows becomes
/// "?": a PDF for archives must not show letters that are not there.
pub(super) fn runs(wanted: Style, text: &str) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    for letter in text.chars().filter(|c| !c.is_control()) {
        let (face, letter) = if wanted.has(letter) {
            (wanted, letter)
        } else if Style::Fallback.has(letter) {
            (Style::Fallback, letter)
        } else {
            (wanted, '?')
        };
        match out.last_mut() {
            Some(run) if run.face == face => run.text.push(letter),
            _ => out.push(Run { face, text: letter.to_string() }),
        }
    }
    out
}

/// How wide a text is at `size` points, in points.
pub(super) fn width(face: Style, text: &str, size: f32) -> f32 {
    runs(face, text).iter().map(|run| run.face.width(&run.text, size)).sum()
}

/// A text in lines that are at most `most` points wide, broken at spaces; a word that is too long alone is
/// broken within.
pub(super) fn wrap(face: Style, text: &str, size: f32, most: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(face, &joined, size) <= most {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            line.push(letter);
            if width(face, &line, size) > most && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::replace(&mut line, letter.to_string()));
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}
