//! Media: the page of a work, its files, uploads and their editor.

mod editor;
mod fetching;
mod files;
mod filing;
mod form_upload;
mod removed;
mod replacing;
mod shot;
mod timeline;
mod tus;
mod uploads;
mod watch;

use crate::http::route::Route;
pub use fetching::FETCHERS;
pub use tus::{as_http, may_replace};

/// Who uploads and edits.
pub const MAKERS: &[&str] = &["creator", "editor"];

/// The addresses.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        watch::routes(),
        files::routes(),
        tus::routes(),
        uploads::routes(),
        fetching::routes(),
        shot::routes(),
        editor::routes(),
        removed::routes(),
        timeline::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
