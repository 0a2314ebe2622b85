//! Pictures: always with width, height, alternative text and a ground colour that is there first.

use super::icon::{Icon, icon};
use maud::{Markup, html};

/// The shape a picture is shown in; the pictures of one row share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ratio {
    /// 16 : 9, for everything that plays.
    #[default]
    Wide,
    /// 3 : 2, for articles.
    Photo,
    /// 1 : 1, for people.
    Square,
    /// As high as its place, for heroes.
    Fill,
}

impl Ratio {
    fn class(self) -> &'static str {
        match self {
            Ratio::Wide => "pic r169",
            Ratio::Photo => "pic r32",
            Ratio::Square => "pic r11",
            Ratio::Fill => "pic",
        }
    }
}

/// One file of a picture.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rendition {
    /// Where it is.
    pub url: String,
    /// `image/avif`, `image/jpeg` …
    pub kind: String,
    /// Width in pixels.
    pub width: u32,
}

/// A picture in several sizes and formats.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Picture {
    /// The files, in any order. Those that are not JPEG are offered first.
    pub files: Vec<Rendition>,
    /// Width of the original in pixels.
    pub width: u32,
    /// Height of the original in pixels.
    pub height: u32,
    /// What is seen, for those who do not see it; empty if the words beside it say the same.
    pub alt: String,
    /// Average colour, `#rrggbb`.
    pub ground: Option<String>,
}

/// Whether the browser should fetch a picture before all others. At most one a page is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// The one that the page is about.
    First,
    /// When it comes into view.
    Lazy,
}

/// The picture in a frame of the given shape; `sizes` says how wide it is shown, as in HTML;
/// `over` is laid on top (length, lock).
#[must_use]
pub fn picture(pic: Option<&Picture>, ratio: Ratio, sizes: &str, fetch: Fetch, over: &Markup) -> Markup {
    html! {
        span class=(ratio.class()) {
            @match pic.filter(|p| !p.files.is_empty()) {
                Some(pic) => {
                    @if let Some(colour) = pic.ground.as_deref().filter(|c| is_colour(c)) {
                        svg.ground aria-hidden="true" preserveAspectRatio="none" { rect width="100%" height="100%" fill=(colour); }
                    }
                    (sources(pic, sizes, fetch))
                }
                None => { @if ratio != Ratio::Fill { span.none { (icon(Icon::Image)) } } }
            }
            (over)
        }
    }
}

fn sources(pic: &Picture, sizes: &str, fetch: Fetch) -> Markup {
    let mut modern: Vec<&str> = pic.files.iter().map(|f| f.kind.as_str()).filter(|k| !is_plain(k)).collect();
    modern.sort_unstable(); // image/avif comes before image/webp
    modern.dedup();
    let plain: Vec<&Rendition> = pic.files.iter().filter(|f| is_plain(&f.kind)).collect();
    let set = |files: &[&Rendition]| {
        files.iter().map(|f| format!("{} {}w", f.url, f.width)).collect::<Vec<_>>().join(", ")
    };
    let fallback = plain.iter().max_by_key(|f| f.width).copied().or(pic.files.first());
    html! {
        picture {
            @for kind in modern {
                @let files: Vec<&Rendition> = pic.files.iter().filter(|f| f.kind == kind).collect();
                source type=(kind) srcset=(set(&files)) sizes=(sizes);
            }
            @if let Some(file) = fallback {
                img src=(file.url) srcset=[(plain.len() > 1).then(|| set(&plain))] sizes=[(plain.len() > 1).then_some(sizes)]
                    width=(pic.width) height=(pic.height) alt=(pic.alt) decoding="async"
                    loading=[(fetch == Fetch::Lazy).then_some("lazy")] fetchpriority=[(fetch == Fetch::First).then_some("high")];
            }
        }
    }
}

fn is_plain(kind: &str) -> bool {
    matches!(kind, "image/jpeg" | "image/png" | "image/gif")
}

fn is_colour(text: &str) -> bool {
    text.len() == 7 && text.starts_with('#') && text[1..].chars().all(|c| c.is_ascii_hexdigit())
}
