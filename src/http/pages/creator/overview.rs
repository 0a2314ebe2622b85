//! `/studio`: where a maker begins.

use super::MAKERS;
use super::desk::{scope, show, state_chip};
use crate::http::route::Route;
use crate::http::ui::{Icon, Line, Place, Weight, button, empty, format, lines, page_head, shelf_head};
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Row};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/studio", MAKERS, overview)]
}

/// Rows as lines that lead to their editors.
pub(super) fn row_lines<A>(rows: &[Row<A>], base: &str, title: impl Fn(&A) -> &str) -> Markup {
    let items: Vec<Line<'_>> = rows
        .iter()
        .map(|row| Line {
            href: format!("{base}/{}", row.id),
            title: title(&row.state),
            sub: Some(format!("Changed {}", format::day(format::local_day(row.changed_at)))),
            aside: Some(state_chip(row.public)),
            ..Line::default()
        })
        .collect();
    lines(&items)
}

async fn overview(req: Req) -> Result<Res, HttpError> {
    let (reader, by) = (&req.app.reader, scope(&req));
    let mut films = catalogue::all_films(reader, by).await?;
    let mut courses = catalogue::all_courses(reader, by).await?;
    let mut posts = catalogue::all_posts(reader, by).await?;
    let nothing = films.is_empty() && courses.is_empty() && posts.is_empty();
    films.truncate(4);
    courses.truncate(4);
    posts.truncate(4);
    let acts = html! {
        (button::link_small("Upload media", "/studio/uploads", Weight::Main))
        (button::link_small("New film", "/studio/films/new", Weight::Plain))
        (button::link_small("New course", "/studio/courses/new", Weight::Plain))
        (button::link_small("New post", "/studio/posts/new", Weight::Plain))
    };
    let all = |href: &str| Place::new("All", href);
    let body = html! {
        (page_head("Studio", Some("Upload media, put it into films and courses, write about it, publish."), Some(&acts)))
        @if nothing {
            (empty(Icon::Clapperboard, "Your studio is empty", "Begin with an upload, or with the page of a film.", Some(&Place::new("Begin a film", "/studio/films/new"))))
        }
        @if !films.is_empty() { section { (shelf_head("Films", Some(&all("/studio/films")))) (row_lines(&films, "/studio/films", |f| &f.title)) } }
        @if !courses.is_empty() { section { (shelf_head("Training", Some(&all("/studio/courses")))) (row_lines(&courses, "/studio/courses", |c| &c.title)) } }
        @if !posts.is_empty() { section { (shelf_head("Journal", Some(&all("/studio/posts")))) (row_lines(&posts, "/studio/posts", |p| &p.text.title)) } }
        p.muted { "Somebody else takes over? " a href="/studio/hand-over" { "Hand works over" } "." }
    };
    Ok(show(&req, "Studio", &body))
}
