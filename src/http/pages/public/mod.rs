//! What the studio shows to everybody: home, films, training, journal, search.

mod about;
mod characters;
pub mod collections;
mod courses;
mod feeds;
mod films;
mod home;
mod lesson;
mod logs;
mod oembed;
pub mod person;
mod posts;
mod prose;
mod search;
mod statistics;
mod works;

use crate::domain::shared::AccountId;
use crate::http::Req;
use crate::http::route::Route;
use maud::{Markup, html};

pub use about::text_brought_along;
pub use oembed::shared_picture;
pub use prose::prose;
pub use works::{Gate, work_card, work_picture};

/// The addresses of these pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        home::routes(),
        films::routes(),
        logs::routes(),
        characters::routes(),
        collections::routes(),
        courses::routes(),
        lesson::routes(),
        posts::routes(),
        search::routes(),
        statistics::routes(),
        about::routes(),
        feeds::routes(),
        oembed::routes(),
        person::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether the viewer makes or edits what `maker` has begun, and therefore sees it before others do.
#[must_use]
pub fn may_edit(req: &Req, maker: Option<AccountId>) -> bool {
    let own = maker.is_some() && maker == req.viewer.id();
    req.viewer.has_role(&["editor", "admin"]) || (own && req.viewer.has_role(&["creator"]))
}

/// The element of the head that tells of a feed.
#[must_use]
pub fn feed_link(path: &str, title: &str) -> Markup {
    html! { link rel="alternate" type="application/atom+xml" href=(path) title=(title); }
}

/// The address with this site in front, for feeds and shared links.
#[must_use]
pub fn absolute(req: &Req, path: &str) -> String {
    format!("{}{path}", req.app.config.site_url().trim_end_matches('/'))
}
