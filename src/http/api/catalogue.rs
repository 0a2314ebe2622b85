//! Films, courses and posts that are published.

use super::{Endpoint, bad_cursor, cursor, limit, one, page};
use crate::actors::accounts::access_tokens::Scope;
use crate::domain::course::Course;
use crate::domain::film::Film;
use crate::domain::post::Post;
use crate::http::response::moved;
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Found, Row};
use serde_json::{Value, json};

/// Films and courses of one studio; beyond this a list is cut and says so by having no next page.
const SHELF: i64 = 10_000;

const PAGED: &[(&str, &str)] = &[("limit", "1 to 100"), ("cursor", "`next` of the page before")];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let scope = Scope::MediaRead;
    vec![
        Endpoint::get("/api/v1/films", scope, "Published films", "Film", films).list(PAGED),
        Endpoint::get("/api/v1/films/{slug}", scope, "One film", "Film", film),
        Endpoint::get("/api/v1/courses", scope, "Published courses", "Course", courses).list(PAGED),
        Endpoint::get("/api/v1/courses/{slug}", scope, "One course with its lessons", "Course", course),
        Endpoint::get("/api/v1/posts", scope, "Published posts, the newest first", "Post", posts).list(PAGED),
        Endpoint::get("/api/v1/posts/{slug}", scope, "One post", "Post", post),
    ]
}

fn film_json(row: &Row<Film>) -> Value {
    let f = &row.state;
    json!({
        "id": row.id, "slug": row.slug, "title": f.title, "summary": f.summary, "description": f.description,
        "stage": f.stage, "release_date": f.release_date, "licence": f.licence, "published_at": row.published_at,
        "trailer": f.trailer, "feature": f.feature, "key_art": f.key_art,
        "gallery": f.gallery, "url": format!("/films/{}", row.slug),
    })
}

fn course_json(row: &Row<Course>) -> Value {
    let c = &row.state;
    let chapters: Vec<Value> = c
        .chapters
        .iter()
        .filter(|chapter| chapter.shown)
        .map(|chapter| {
            let lessons: Vec<Value> = chapter
                .lessons
                .iter()
                .filter(|lesson| lesson.shown)
                .map(|lesson| {
                    json!({
                        "id": lesson.id, "slug": lesson.slug, "title": lesson.text.title, "free": lesson.text.free,
                        "media": lesson.text.media, "url": format!("/courses/{}/{}", row.slug, lesson.slug),
                    })
                })
                .collect();
            json!({ "id": chapter.id, "title": chapter.title, "lessons": lessons })
        })
        .collect();
    json!({
        "id": row.id, "slug": row.slug, "title": c.title, "summary": c.summary, "description": c.description,
        "kind": c.kind, "level": c.level, "published_at": row.published_at, "chapters": chapters,
        "url": format!("/courses/{}", row.slug),
    })
}

fn post_json(row: &Row<Post>) -> Value {
    let p = &row.state.text;
    json!({
        "id": row.id, "slug": row.slug, "title": p.title, "category": p.category, "excerpt": p.excerpt,
        "content": p.content, "film": p.film, "picture": p.picture, "published_at": row.published_at,
        "url": format!("/posts/{}", row.slug),
    })
}

/// A page of a short list: the cursor is the id of the last entry of the page before.
fn shelf<A>(req: &Req, rows: &[Row<A>], json: fn(&Row<A>) -> Value) -> Result<Res, HttpError> {
    let most = usize::try_from(limit(req)?).unwrap_or(1);
    let start = match cursor(req)? {
        None => 0,
        Some(last) => rows.iter().position(|r| r.id.to_string() == last).ok_or_else(bad_cursor)? + 1,
    };
    let end = (start + most).min(rows.len());
    let next = (end < rows.len()).then(|| rows[end - 1].id.to_string());
    page(req, rows[start..end].iter().map(json).collect(), next)
}

async fn films(req: Req) -> Result<Res, HttpError> {
    let rows = catalogue::films(&req.app.reader, SHELF).await?;
    shelf(&req, &rows, film_json)
}

async fn courses(req: Req) -> Result<Res, HttpError> {
    let rows = catalogue::courses(&req.app.reader, SHELF).await?;
    shelf(&req, &rows, course_json)
}

async fn posts(req: Req) -> Result<Res, HttpError> {
    let rows = catalogue::posts(&req.app.reader, None, SHELF).await?;
    shelf(&req, &rows, post_json)
}

/// A published thing by its address; a former address leads to the present one.
fn shown<A>(
    req: &Req,
    found: Option<Found<A>>,
    shelf: &str,
    json: fn(&Row<A>) -> Value,
) -> Result<Res, HttpError> {
    match found {
        Some(Found::Here(row)) if row.public => one(req, &json(&row)),
        Some(Found::Moved(slug)) => Ok(moved(&format!("/api/v1/{shelf}/{slug}"))),
        _ => Err(HttpError::NotFound),
    }
}

async fn film(req: Req) -> Result<Res, HttpError> {
    let found = catalogue::film_by_slug(&req.app.reader, req.param("slug")).await?;
    shown(&req, found, "films", film_json)
}

async fn course(req: Req) -> Result<Res, HttpError> {
    let found = catalogue::course_by_slug(&req.app.reader, req.param("slug")).await?;
    shown(&req, found, "courses", course_json)
}

async fn post(req: Req) -> Result<Res, HttpError> {
    let found = catalogue::post_by_slug(&req.app.reader, req.param("slug")).await?;
    shown(&req, found, "posts", post_json)
}
