//! Queries about posts.

use super::super::{QueryError, Reader};
use super::rows::{self, Found, Row};
use crate::domain::post::Post;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Published posts, newest first; `before` is the time of the last one of the page before.
///
/// # Errors
/// If the database cannot be read.
pub async fn posts(
    reader: &Reader,
    before: Option<DateTime<Utc>>,
    most: i64,
) -> Result<Vec<Row<Post>>, QueryError> {
    let tail =
        "public and ($2::timestamptz is null or published_at < $2) order by published_at desc limit $3";
    rows::many(reader, "post", tail, &[&before, &most]).await
}

/// Published posts about a film, newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn posts_of_film(reader: &Reader, film: Uuid) -> Result<Vec<Row<Post>>, QueryError> {
    let film = film.to_string();
    let tail = "public and state->'text'->>'film' = $2 order by published_at desc limit 50";
    rows::many(reader, "post", tail, &[&film]).await
}

/// Posts whose scheduled time has come, first things first.
///
/// # Errors
/// If the database cannot be read.
pub async fn due_posts(reader: &Reader, now: DateTime<Utc>) -> Result<Vec<Uuid>, QueryError> {
    rows::due(reader, "post", now).await
}

/// All posts for the desk, last changed first; `by` limits them to one person's.
///
/// # Errors
/// If the database cannot be read.
pub async fn all_posts(reader: &Reader, by: Option<Uuid>) -> Result<Vec<Row<Post>>, QueryError> {
    rows::many(reader, "post", "($2::uuid is null or by = $2) order by changed_at desc limit 500", &[&by])
        .await
}

/// What stands at `/posts/{slug}`.
///
/// # Errors
/// If the database cannot be read.
pub async fn post_by_slug(reader: &Reader, slug: &str) -> Result<Option<Found<Post>>, QueryError> {
    rows::by_slug(reader, "post", slug).await
}

/// A post by id, public or not.
///
/// # Errors
/// If the database cannot be read.
pub async fn post_by_id(reader: &Reader, id: Uuid) -> Result<Option<Row<Post>>, QueryError> {
    rows::by_id(reader, "post", id).await
}
