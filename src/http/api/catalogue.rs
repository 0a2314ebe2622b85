//! Films, courses and posts that are published.

use super::{Endpoint, bad_cursor, cursor, limit, one, page};
use crate::actors::accounts::access_tokens::Scope;
use crate::domain::course::Course;
use crate::domain::film::{Film, GallerySection};
use crate::domain::post::Post;
use crate::http::response::moved;
use crate::http::{HttpError, Req, Res};
use crate::projections::catalogue::{self, Found, Row};
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

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

/// The works that something names.
type Named<A> = fn(&A) -> Vec<Uuid>;
/// How something is written, with those of its works that are published: of drafts not even an id is told.
type Json<A> = fn(&Row<A>, &HashSet<Uuid>) -> Value;

fn told(work: Option<Uuid>, public: &HashSet<Uuid>) -> Option<Uuid> {
    work.filter(|id| public.contains(id))
}

fn film_works(f: &Film) -> Vec<Uuid> {
    let single = [f.trailer, f.feature, f.key_art];
    f.gallery.iter().flat_map(|s| s.media.iter().copied()).chain(single.into_iter().flatten()).collect()
}

fn course_works(c: &Course) -> Vec<Uuid> {
    c.chapters.iter().flat_map(|chapter| &chapter.lessons).filter_map(|l| l.text.media).collect()
}

fn post_works(p: &Post) -> Vec<Uuid> {
    p.text.picture.into_iter().collect()
}

fn film_json(row: &Row<Film>, public: &HashSet<Uuid>) -> Value {
    let f = &row.state;
    let gallery: Vec<GallerySection> = f
        .gallery
        .iter()
        .map(|section| GallerySection {
            title: section.title.clone(),
            media: section.media.iter().filter(|id| public.contains(id)).copied().collect(),
        })
        .filter(|section| !section.media.is_empty())
        .collect();
    json!({
        "id": row.id, "slug": row.slug, "title": f.title, "summary": f.summary, "description": f.description,
        "stage": f.stage, "release_date": f.release_date, "licence": f.licence, "published_at": row.published_at,
        "trailer": told(f.trailer, public), "feature": told(f.feature, public),
        "key_art": told(f.key_art, public),
        "gallery": gallery, "url": format!("/films/{}", row.slug),
    })
}

fn course_json(row: &Row<Course>, public: &HashSet<Uuid>) -> Value {
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
                        "media": told(lesson.text.media, public), "url": format!("/courses/{}/{}", row.slug, lesson.slug),
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

fn post_json(row: &Row<Post>, public: &HashSet<Uuid>) -> Value {
    let p = &row.state.text;
    json!({
        "id": row.id, "slug": row.slug, "title": p.title, "category": p.category, "excerpt": p.excerpt,
        "content": p.content, "film": p.film, "picture": told(p.picture, public), "published_at": row.published_at,
        "url": format!("/posts/{}", row.slug),
    })
}

/// A page of a short list: the cursor is the id of the last entry of the page before.
async fn shelf<A>(req: &Req, rows: &[Row<A>], (works, json): (Named<A>, Json<A>)) -> Result<Res, HttpError> {
    let most = usize::try_from(limit(req)?).unwrap_or(1);
    let start = match cursor(req)? {
        None => 0,
        Some(last) => rows.iter().position(|r| r.id.to_string() == last).ok_or_else(bad_cursor)? + 1,
    };
    let end = (start + most).min(rows.len());
    let next = (end < rows.len()).then(|| rows[end - 1].id.to_string());
    let named: Vec<Uuid> = rows[start..end].iter().flat_map(|row| works(&row.state)).collect();
    let public = catalogue::published_among(&req.app.reader, &named).await?;
    let listed = rows[start..end].iter().map(|row| json(row, &public)).collect();
    page(req, listed, next)
}

async fn films(req: Req) -> Result<Res, HttpError> {
    let rows = catalogue::films(&req.app.reader, SHELF).await?;
    shelf(&req, &rows, (film_works, film_json)).await
}

async fn courses(req: Req) -> Result<Res, HttpError> {
    let rows = catalogue::courses(&req.app.reader, SHELF).await?;
    shelf(&req, &rows, (course_works, course_json)).await
}

async fn posts(req: Req) -> Result<Res, HttpError> {
    let rows = catalogue::posts(&req.app.reader, None, SHELF).await?;
    shelf(&req, &rows, (post_works, post_json)).await
}

/// A published thing by its address; a former address leads to the present one.
async fn shown<A>(
    req: &Req,
    found: Option<Found<A>>,
    shelf: &str,
    (works, json): (Named<A>, Json<A>),
) -> Result<Res, HttpError> {
    match found {
        Some(Found::Here(row)) if row.public => {
            let public = catalogue::published_among(&req.app.reader, &works(&row.state)).await?;
            one(req, &json(&row, &public))
        }
        Some(Found::Moved(slug)) => Ok(moved(&format!("/api/v1/{shelf}/{slug}"))),
        _ => Err(HttpError::NotFound),
    }
}

async fn film(req: Req) -> Result<Res, HttpError> {
    let found = catalogue::film_by_slug(&req.app.reader, req.param("slug")).await?;
    shown(&req, found, "films", (film_works, film_json)).await
}

async fn course(req: Req) -> Result<Res, HttpError> {
    let found = catalogue::course_by_slug(&req.app.reader, req.param("slug")).await?;
    shown(&req, found, "courses", (course_works, course_json)).await
}

async fn post(req: Req) -> Result<Res, HttpError> {
    let found = catalogue::post_by_slug(&req.app.reader, req.param("slug")).await?;
    shown(&req, found, "posts", (post_works, post_json)).await
}
