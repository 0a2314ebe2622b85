//! What the studio shows to everybody: home, films, training, journal, search.

mod about;
mod courses;
mod feeds;
mod films;
mod home;
mod lesson;
mod posts;
mod search;
mod statistics;
mod works;

use crate::domain::shared::AccountId;
use crate::http::Req;
use crate::http::route::Route;

pub use works::{Gate, work_card, work_picture};

/// The addresses of these pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        home::routes(),
        films::routes(),
        courses::routes(),
        lesson::routes(),
        posts::routes(),
        search::routes(),
        statistics::routes(),
        about::routes(),
        feeds::routes(),
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

/// The address with this site in front, for feeds and shared links.
#[must_use]
pub fn absolute(req: &Req, path: &str) -> String {
    format!("{}{path}", req.app.config.site_url().trim_end_matches('/'))
}
