//! Puts a page's body into the frame that all pages share: studio, person, navigation.

use super::error::HttpError;
use super::form::Form;
use super::pages::staff::impersonation;
use super::request::Req;
use super::response::{self, Res};
use super::session::SignedIn;
use super::site_words;
use super::ui::{self, FormTokens, Frame, Person, Place, Theme, Tone};
use maud::Markup;
use warp::http::StatusCode;
use warp::http::header::CACHE_CONTROL;

/// What one page brings; the rest of the frame comes from the request.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What it is about; the tab says "Title — Section — Studio".
    pub title: String,
    /// The section, such as "Films"; empty for none.
    pub section: String,
    /// One or two sentences for search engines and shared links.
    pub description: Option<String>,
    /// The room: dark for works, light for desks.
    pub theme: Theme,
    /// Hue of the accent; without it the studio's.
    pub hue: Option<u16>,
    /// A line above the page.
    pub banner: Option<Markup>,
    /// Further scripts, such as `player.js`.
    pub scripts: Vec<&'static str>,
    /// Absolute address of the page's picture.
    pub image: Option<String>,
    /// Path of this page where it is public, for `rel=canonical`.
    pub canonical: Option<String>,
    /// Further elements of the head.
    pub head: Option<Markup>,
    /// Whether search engines should leave it alone.
    pub private: bool,
    /// The content of `<main>`.
    pub body: Markup,
}

/// The page as an answer.
#[must_use]
pub fn page(req: &Req, page: Page) -> Res {
    let body = page.body.clone();
    let mut res = response::html(StatusCode::OK, ui::document(&frame(req, page), &body));
    // A page may show what only this person may see; it is asked for anew each time.
    response::set(
        &mut res,
        CACHE_CONTROL,
        if req.viewer.account.is_some() { "no-store" } else { "no-cache" },
    );
    res
}

/// The page again with what was typed and what is wrong: status 422.
#[must_use]
pub fn unprocessable(mut page: Res) -> Res {
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    page
}

fn frame(req: &Req, page: Page) -> Frame {
    let config = &req.app.config;
    let updating = req
        .updating
        .then(|| ui::notice_text(Tone::Info, "This page is still being updated. Reload it in a moment."));
    Frame {
        studio: config.studio.name.clone(),
        title: page.title,
        section: page.section,
        description: page.description,
        theme: page.theme,
        hue: page.hue.or(Some(config.studio.hue)),
        path: req.path.clone(),
        person: req.viewer.account.as_ref().map(|account| person(req, account)),
        join: req.app.join_words().filter(|_| !in_a_room(&req.path)),
        places: [("Films", "/films"), ("Training", "/courses"), ("Journal", "/posts")]
            .map(|(l, h)| Place::new(l, h))
            .into(),
        foot: site_words::foot(req),
        line: req.app.site.now().line(req.now()).map(str::to_owned),
        banner: impersonation::banner(req).or(page.banner).or(updating),
        scripts: page.scripts,
        image: page.image,
        canonical: page.canonical.map(|path| format!("{}{path}", config.site_url())),
        head: page.head,
        private: page.private,
    }
}

/// The rooms that each role opens.
const ROOMS: [(&str, &str, &[&str]); 4] = [
    ("Your studio", "/studio", &["creator", "editor", "admin"]),
    ("Billing", "/billing", &["billing", "admin"]),
    ("People", "/moderation", &["moderator", "admin"]),
    ("Operations", "/operator", &["operator", "admin"]),
];

/// Whether a page is one of those at which the studio's own people work: nobody joins there.
fn in_a_room(path: &str) -> bool {
    ROOMS.iter().any(|(_, room, _)| {
        path.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn person(req: &Req, account: &SignedIn) -> Person {
    let rooms = ROOMS
        .iter()
        .filter(|(_, _, roles)| req.viewer.has_role(roles))
        .map(|(label, href, _)| Place::new(*label, *href));
    Person {
        label: account.label.clone(),
        rooms: rooms.collect(),
        nothing_to_join: req.viewer.has_role(&[
            "subscriber",
            "joined",
            "creator",
            "editor",
            "moderator",
            "admin",
        ]),
        csrf: req.csrf_token(),
    }
}

impl FormTokens for Req {
    fn csrf(&self) -> String {
        self.csrf_token()
    }

    fn idempotency_key(&self) -> String {
        self.app.clock.new_id().to_string()
    }
}

/// The frame in which an error is shown to whoever sent this request: signed in as before, with the menu.
#[must_use]
pub fn frame_of_problem(req: &Req) -> Frame {
    frame(req, Page { private: true, ..Page::default() })
}

/// The page for an error; without a `frame` one that knows of nobody.
#[must_use]
pub fn problem(studio: &str, known: Option<Frame>, error: &HttpError, request_id: &str) -> Res {
    let status = error.status();
    let heading = match status {
        StatusCode::BAD_REQUEST => "This request cannot be understood",
        StatusCode::UNAUTHORIZED => "Sign in first",
        StatusCode::FORBIDDEN => "This is not open to you",
        StatusCode::NOT_FOUND => "Nothing here",
        StatusCode::GONE => "This is gone",
        StatusCode::CONFLICT => "Something has changed meanwhile",
        StatusCode::UNPROCESSABLE_ENTITY => "This cannot be used",
        StatusCode::MISDIRECTED_REQUEST => "This is another site's address",
        StatusCode::METHOD_NOT_ALLOWED => "This cannot be done here",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "This kind of content is not understood",
        StatusCode::PAYLOAD_TOO_LARGE => "This is too large",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "Back in a moment",
        StatusCode::INSUFFICIENT_STORAGE => "No room left",
        StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    let acts = [Place::new("To the front page", "/"), Place::new("Search", "/search")];
    let body = ui::problem_page(status.as_u16(), heading, &error.to_string(), &acts, Some(request_id));
    let frame = Frame {
        title: heading.to_owned(),
        ..known.unwrap_or_else(|| Frame { studio: studio.to_owned(), private: true, ..Frame::default() })
    };
    let mut res = response::html(status, ui::document(&frame, &body));
    response::set(&mut res, CACHE_CONTROL, "no-store");
    res
}

/// Adds the query of a form back to a path, for links that keep filters.
#[must_use]
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs.iter().filter(|(_, v)| !v.is_empty()))
        .finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

impl Form {
    /// Where the person wanted to go before signing in; only paths of this site count.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        Some(self.get("next")).filter(|p| response::is_own_path(p))
    }
}
