//! The frame of every page: head, header with navigation, footer.

use super::button::{Weight, link_small};
use super::icon::{Icon, icon};
use super::panel::{Tone, notice_text};
use crate::http::assets;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Which room a page stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    /// Warm and dark: films, training, home, the studio's public face.
    #[default]
    Screen,
    /// Calm and light: accounts, checkout, billing, operators, reading.
    Desk,
}

/// A place in the navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its words.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

impl Place {
    /// A place.
    #[must_use]
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }
}

/// What the frame needs to know about the person who looks.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Name or mail address, as shown in the person's own menu.
    pub label: String,
    /// Rooms that the person's roles open: studio, billing, moderation, operator.
    pub rooms: Vec<Place>,
    /// Whether the person has joined (paused or with an order to pay, too) or may watch for another reason.
    pub nothing_to_join: bool,
    /// Token for the form that signs out.
    pub csrf: String,
}

/// Everything around the body of a page.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The name of the studio.
    pub studio: String,
    /// What the page is about; the tab says "Thing — Section — Studio".
    pub title: String,
    /// The section, such as "Films"; empty for pages of no section.
    pub section: String,
    /// One or two sentences for search engines and shared links.
    pub description: Option<String>,
    /// The room.
    pub theme: Theme,
    /// Hue of the accent, 0–359; a film brings its own.
    pub hue: Option<u16>,
    /// The path of this page, by which the navigation knows where it is.
    pub path: String,
    /// Who looks; `None` for visitors.
    pub person: Option<Person>,
    /// The words of the join button, such as "Join for €11.50"; none while nothing can be joined.
    pub join: Option<String>,
    /// What the studio offers, from left to right.
    pub places: Vec<Place>,
    /// Small places at the foot: legal pages, statistics.
    pub foot: Vec<Place>,
    /// What the studio announces above every page, as plain text.
    pub line: Option<String>,
    /// A line above the page, already made: announcement, demo hint, "updating".
    pub banner: Option<Markup>,
    /// Names of further scripts this page needs, such as `player.js`; loaded as modules.
    pub scripts: Vec<&'static str>,
    /// Absolute address of the page's picture, for shared links.
    pub image: Option<String>,
    /// Absolute address of this page, where it is public.
    pub canonical: Option<String>,
    /// Further elements of the head: feeds, structured data (never script that runs).
    pub head: Option<Markup>,
    /// Whether search engines should leave the page alone.
    pub private: bool,
}

/// The class that sets the accent's hue, in steps of five degrees.
#[must_use]
pub fn hue_class(hue: u16) -> String {
    format!("hue-{}", ((hue % 360) + 2) / 5 * 5 % 360)
}

/// The whole document. `body` is the content of `<main>`; it brings its own `.wrap`s.
#[must_use]
pub fn document(frame: &Frame, body: &Markup) -> Markup {
    let theme = if frame.theme == Theme::Desk { "desk" } else { "screen" };
    let class = frame.hue.map_or_else(|| theme.to_owned(), |hue| format!("{theme} {}", hue_class(hue)));
    html! {
        (DOCTYPE)
        html lang="en" class=(class) {
            (head(frame))
            body {
                a.skip href="#main" { "Skip to the content" }
                (header(frame))
                main #main tabindex="-1" {
                    @if let Some(line) = &frame.line { div.wrap { div.flash { (notice_text(Tone::Info, line)) } } }
                    @if let Some(banner) = &frame.banner { div.wrap { div.flash { (banner) } } }
                    (body)
                }
                (footer(frame))
                (keys())
            }
        }
    }
}

/// "Thing — Section — Studio", without repeating a part.
fn title(frame: &Frame) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in [frame.title.as_str(), frame.section.as_str(), frame.studio.as_str()] {
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(" — ")
}

fn head(frame: &Frame) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (title(frame)) }
            @if let Some(text) = &frame.description { meta name="description" content=(text); meta property="og:description" content=(text); }
            @if frame.private { meta name="robots" content="noindex"; }
            meta property="og:title" content=(frame.title);
            meta property="og:site_name" content=(frame.studio);
            @if let Some(image) = &frame.image { meta property="og:image" content=(image); }
            @if let Some(url) = &frame.canonical { link rel="canonical" href=(url); meta property="og:url" content=(url); }
            meta name="theme-color" content=(if frame.theme == Theme::Desk { "#fbfaf8" } else { "#100e0c" });
            // htmx must neither run text as code nor add style of its own: the content policy forbids both.
            meta name="htmx-config" content=r#"{"includeIndicatorCSS":false,"allowEval":false}"#;
            link rel="preload" href=(assets::url("inter.woff2")) as="font" type="font/woff2" crossorigin;
            @if frame.theme == Theme::Screen { link rel="preload" href=(assets::url("fraunces.woff2")) as="font" type="font/woff2" crossorigin; }
            link rel="stylesheet" href=(assets::url("app.css"));
            link rel="icon" href=(assets::url("favicon.svg")) type="image/svg+xml";
            script defer src=(assets::url("htmx.js")) {}
            script type="module" src=(assets::url("app.js")) {}
            @for name in &frame.scripts { script type="module" src=(assets::url(name)) {} }
            @if let Some(more) = &frame.head { (more) }
        }
    }
}

/// `aria-current` of a link: the page itself, or the section it stands in.
fn current(frame: &Frame, href: &str) -> Option<&'static str> {
    if frame.path == href {
        return Some("page");
    }
    let inside = href != "/" && frame.path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/'));
    inside.then_some("true")
}

fn header(frame: &Frame) -> Markup {
    let link = |place: &Place| html! { a href=(place.href) aria-current=[current(frame, &place.href)] { (place.label) } };
    let joins = frame.person.as_ref().is_none_or(|p| !p.nothing_to_join);
    let join = frame.join.as_ref().filter(|_| joins);
    html! {
        header.top {
            div.wrap {
                a.brand href="/" { (icon(Icon::CirclePlay)) span { (frame.studio) } }
                nav.nav.wide-only aria-label="Sections" { @for place in &frame.places { (link(place)) } }
                div.nav.end {
                    a.wide-only href="/search" aria-current=[current(frame, "/search")] { (icon(Icon::Search)) "Search" }
                    @if frame.person.is_none() { a.wide-only href="/login" aria-current=[current(frame, "/login")] { "Sign in" } }
                    @if let Some(words) = join { a.btn.main.small href="/join" { (words) } }
                    @if let Some(person) = &frame.person {
                        details.menu.wide-only {
                            summary { (icon(Icon::User)) "Account" }
                            div { (person_menu(frame, person)) }
                        }
                    }
                    details.menu.narrow-only {
                        summary.btn.small { "Menu" }
                        div {
                            nav aria-label="All places" {
                                @for place in &frame.places { (link(place)) }
                                a href="/search" { (icon(Icon::Search)) "Search" }
                                @if frame.person.is_none() {
                                    hr;
                                    a href="/login" { "Sign in" }
                                    a href="/register" { "Create an account" }
                                }
                            }
                            @if let Some(person) = &frame.person { hr; (person_menu(frame, person)) }
                        }
                    }
                }
            }
        }
    }
}

fn person_menu(frame: &Frame, person: &Person) -> Markup {
    html! {
        p.who { "Signed in as " (person.label) }
        a href="/account" aria-current=[current(frame, "/account")] { (icon(Icon::User)) "Your account" }
        @if !person.rooms.is_empty() {
            hr;
            @for room in &person.rooms { a href=(room.href) aria-current=[current(frame, &room.href)] { (room.label) } }
        }
        hr;
        form method="post" action="/logout" {
            input type="hidden" name="_csrf" value=(person.csrf);
            button type="submit" { (icon(Icon::LogOut)) "Sign out" }
        }
    }
}

fn footer(frame: &Frame) -> Markup {
    html! {
        footer.foot {
            div.wrap {
                p { (frame.studio) }
                nav aria-label="Small print" {
                    ul {
                        @for place in &frame.foot { li { a href=(place.href) { (place.label) } } }
                        li { button type="button" data-keys hidden { "Keyboard" } }
                    }
                }
            }
        }
    }
}

/// The list of keys, opened with `?` or from the foot of the page.
fn keys() -> Markup {
    let rows = [
        ("/", "Search"),
        ("?", "This list"),
        ("Space or K", "Play or pause"),
        ("J, L", "10 seconds back, forward"),
        ("← →", "5 seconds back, forward"),
        ("↑ ↓", "Louder, quieter"),
        ("M, F, C", "Mute, full screen, captions"),
        ("0–9", "Jump to a tenth of the film"),
        (", .", "One picture back, forward"),
        ("< >", "Slower, faster"),
    ];
    html! {
        dialog #keys aria-labelledby="keys-title" {
            h2 #keys-title { "Keys" }
            dl.facts.gap-top { @for (key, what) in rows { dt { (key) } dd { (what) } } }
            label.choice { input #keys-on type="checkbox" checked; span { "Use these keys" } }
            form method="dialog" { button.btn type="submit" { "Close the list" } }
        }
    }
}

/// Head of a page: eyebrow or crumbs, the one `h1`, a sentence, acts at the end.
#[must_use]
pub fn page_head(title: &str, lead: Option<&str>, acts: Option<&Markup>) -> Markup {
    html! {
        div.row.apart.page-head {
            div.stack.tight.grow { h1 { (title) } @if let Some(lead) = lead { p.lead { (lead) } } }
            @if let Some(acts) = acts { div.row { (acts) } }
        }
    }
}

/// Where this page stands, for pages deeper than one level. The last place is the page itself.
#[must_use]
pub fn crumbs(places: &[Place], here: &str) -> Markup {
    html! {
        nav aria-label="Where you are" {
            ol.crumbs {
                @for place in places { li { a href=(place.href) { (place.label) } } }
                li aria-current="page" { (here) }
            }
        }
    }
}

/// A desk with its list of places at the side: account, billing, studio, operator.
#[must_use]
pub fn rooms(label: &str, places: &[Place], path: &str, body: &Markup) -> Markup {
    let best = places
        .iter()
        .filter(|p| path == p.href || path.strip_prefix(p.href.as_str()).is_some_and(|r| r.starts_with('/')))
        .max_by_key(|p| p.href.len())
        .map(|p| p.href.as_str());
    html! {
        div.wrap.rooms {
            nav.side aria-label=(label) {
                ul { @for place in places {
                    li { a href=(place.href) aria-current=[(best == Some(place.href.as_str())).then_some("page")] { (place.label) } }
                } }
            }
            div.stack.mid { (body) }
        }
    }
}

/// The head of a shelf: its name and, at the end, the way to all of it.
#[must_use]
pub fn shelf_head(title: &str, all: Option<&Place>) -> Markup {
    html! { div.shelf-head { h2 { (title) } @if let Some(all) = all { a href=(all.href) { (all.label) } } } }
}

/// A row of cards that becomes a strip to push on phones.
#[must_use]
pub fn shelf(title: &str, all: Option<&Place>, cards: &[Markup]) -> Markup {
    html! { section { (shelf_head(title, all)) ul.shelf { @for card in cards { li { (card) } } } } }
}

/// Text that is HTML already and was sanitised.
#[must_use]
pub fn trusted(html: &str) -> Markup {
    PreEscaped(html.to_owned())
}

/// A page that says what happened and what one can do: errors, gone, not allowed.
#[must_use]
pub fn problem_page(
    status: u16,
    heading: &str,
    sentence: &str,
    acts: &[Place],
    reference: Option<&str>,
) -> Markup {
    html! {
        div.wrap {
            div.problem {
                p.code { "Error " (status) @if let Some(id) = reference { " · reference " span.mono { (id) } } }
                h1 { (heading) }
                p.lead { (sentence) }
                div.row { @for (i, act) in acts.iter().enumerate() {
                    (link_small(&act.label, &act.href, if i == 0 { Weight::Main } else { Weight::Plain }))
                } }
            }
        }
    }
}
