//! Cards for works, lines for lists, the hero.

use super::icon::{Icon, icon};
use super::picture::{Fetch, Picture, Ratio, picture};
use super::{format, layout::Place};
use maud::{Markup, html};

/// What a card says in its corner about access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Corner {
    /// Nothing: the viewer may watch it.
    #[default]
    None,
    /// Everybody may watch it.
    Free,
    /// The viewer has to join first.
    Locked,
    /// Only its makers see it yet.
    Draft,
}

impl Corner {
    /// The corner for a work: `free` for everybody, or locked for those who may not watch all.
    #[must_use]
    pub fn of(free: bool, may_watch_all: bool) -> Self {
        match (free, may_watch_all) {
            (true, _) => Corner::Free,
            (false, true) => Corner::None,
            (false, false) => Corner::Locked,
        }
    }
}

/// The words on a picture's corner.
#[must_use]
pub fn corner(what: Corner) -> Markup {
    html! {
        @match what {
            Corner::None => {}
            Corner::Free => span.corner.free { "Free" },
            Corner::Locked => span.corner.locked { (icon(Icon::Lock)) "Members" },
            Corner::Draft => span.corner { (icon(Icon::EyeOff)) "Draft" },
        }
    }
}

/// A work as a card: picture, title, one line.
#[derive(Clone, Debug, Default)]
pub struct Card<'a> {
    /// Where the whole card leads.
    pub href: String,
    /// The title.
    pub title: &'a str,
    /// One line below, such as "Chapter 3 · Cloth and layers".
    pub sub: Option<String>,
    /// A sentence or two; cut after three lines.
    pub text: Option<&'a str>,
    /// Its picture.
    pub picture: Option<&'a Picture>,
    /// Shape of the picture.
    pub ratio: Ratio,
    /// What is said about access.
    pub corner: Corner,
    /// Length in seconds of what plays.
    pub seconds: Option<u64>,
    /// How much of it was watched, 0–100.
    pub seen: Option<u8>,
    /// Film and course titles are set in the serif.
    pub display: bool,
}

/// The card.
#[must_use]
pub fn card(card: &Card<'_>) -> Markup {
    let over = html! {
        (corner(card.corner))
        @if let Some(seconds) = card.seconds { span.length { span.hush { "Length " } (format::clock(seconds)) } }
        @if let Some(seen) = card.seen { progress.seen max="100" value=(seen) aria-label="Watched" {} }
    };
    let title_class = if card.display { "film-title" } else { "" };
    html! {
        article.card {
            (picture(card.picture, card.ratio, "(max-width: 40rem) 72vw, 24rem", Fetch::Lazy, &over))
            div.words {
                h3 class=(title_class) { a href=(card.href) { (card.title) } }
                @if let Some(sub) = &card.sub { p.sub { (sub) } }
                @if let Some(text) = card.text { p.text { (text) } }
            }
        }
    }
}

/// One line of a list such as the lessons of a course.
#[derive(Clone, Debug, Default)]
pub struct Line<'a> {
    /// Where it leads.
    pub href: String,
    /// A number or a sign before it.
    pub mark: Option<String>,
    /// Its picture, if the list has pictures.
    pub picture: Option<Option<&'a Picture>>,
    /// The title.
    pub title: &'a str,
    /// A line below.
    pub sub: Option<String>,
    /// What stands at the end: chips, a length.
    pub aside: Option<Markup>,
}

/// The lines, ruled.
#[must_use]
pub fn lines(items: &[Line<'_>]) -> Markup {
    html! {
        ul.lines {
            @for item in items {
                li {
                    @if let Some(mark) = &item.mark { span.mark { (mark) } }
                    @if let Some(pic) = item.picture { (picture(pic, Ratio::Wide, "7.5rem", Fetch::Lazy, &html! {})) }
                    div.grow {
                        a.title href=(item.href) { (item.title) }
                        @if let Some(sub) = &item.sub { p.small.dimmer { (sub) } }
                    }
                    @if let Some(aside) = &item.aside { (aside) }
                }
            }
        }
    }
}

/// The head of a film or of the home page: its picture, title, sentence and one act.
pub struct Hero<'a> {
    /// Key art.
    pub picture: Option<&'a Picture>,
    /// Facts before the title: "Open film", "2026", "9 min", "CC BY 4.0".
    pub meta: Vec<String>,
    /// The title.
    pub title: &'a str,
    /// One sentence.
    pub lead: &'a str,
    /// One main button, at most one beside it.
    pub acts: Markup,
    /// Less high, for pages that are not about this one thing.
    pub low: bool,
}

/// The hero, edge to edge; it holds the page's `h1`.
#[must_use]
pub fn hero(hero: &Hero<'_>) -> Markup {
    html! {
        section class=(if hero.low { "hero low" } else { "hero" }) {
            (picture(hero.picture, Ratio::Fill, "100vw", Fetch::First, &html! {}))
            div.wrap { div.hero-words {
                @if !hero.meta.is_empty() { p.meta { @for fact in &hero.meta { span { (fact) } } } }
                h1 { (hero.title) }
                @if !hero.lead.is_empty() { p.lead { (hero.lead) } }
                div.acts { (hero.acts) }
            } }
        }
    }
}

/// Tabs as links; `here` is the address of the one that is open.
#[must_use]
pub fn tabs(label: &str, places: &[Place], here: &str) -> Markup {
    html! {
        nav.tabs aria-label=(label) { div.wrap { ul {
            @for place in places { li { a href=(place.href) aria-current=[(place.href == here).then_some("page")] { (place.label) } } }
        } } }
    }
}

/// Facts in one line with points between them.
#[must_use]
pub fn meta(facts: &[String]) -> Markup {
    html! { p.meta { @for fact in facts { span { (fact) } } } }
}
