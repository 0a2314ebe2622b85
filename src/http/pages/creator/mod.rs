//! The desk of those who make things: films, their production logs and collections, characters, courses, posts.

mod characters;
mod collections;
mod courses;
mod desk;
mod film_pages;
mod films;
mod handover;
mod lessons;
mod logs;
mod overview;
mod posts;
mod site;
mod versions;
mod works_field;

use crate::http::route::{Access, Route};
pub use desk::places;

/// Who works here. Creators see and change their own work, editors everybody's.
pub const MAKERS: Access = Access::Role(&["creator", "editor"]);

/// The addresses of this desk.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        overview::routes(),
        films::routes(),
        film_pages::routes(),
        logs::routes(),
        characters::routes(),
        versions::routes(),
        collections::routes(),
        courses::routes(),
        lessons::routes(),
        posts::routes(),
        site::routes(),
        handover::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
