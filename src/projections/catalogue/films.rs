//! Queries about films.

use super::super::{QueryError, Reader};
use super::rows::{self, Found, Row};
use crate::domain::film::Film;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Published films, released and newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn films(reader: &Reader, most: i64) -> Result<Vec<Row<Film>>, QueryError> {
    let tail = "public order by (state->>'release_date') desc nulls last, published_at desc limit $2";
    rows::many(reader, "film", tail, &[&most]).await
}

/// All films for the desk, last changed first; `by` limits them to one person's.
///
/// # Errors
/// If the database cannot be read.
pub async fn all_films(reader: &Reader, by: Option<Uuid>) -> Result<Vec<Row<Film>>, QueryError> {
    rows::many(reader, "film", "($2::uuid is null or by = $2) order by changed_at desc limit 500", &[&by])
        .await
}

/// Films whose scheduled time has come, first things first.
///
/// # Errors
/// If the database cannot be read.
pub async fn due_films(reader: &Reader, now: DateTime<Utc>) -> Result<Vec<Uuid>, QueryError> {
    rows::due(reader, "film", now).await
}

/// What stands at `/films/{slug}`.
///
/// # Errors
/// If the database cannot be read.
pub async fn film_by_slug(reader: &Reader, slug: &str) -> Result<Option<Found<Film>>, QueryError> {
    rows::by_slug(reader, "film", slug).await
}

/// A film by id, public or not.
///
/// # Errors
/// If the database cannot be read.
pub async fn film_by_id(reader: &Reader, id: Uuid) -> Result<Option<Row<Film>>, QueryError> {
    rows::by_id(reader, "film", id).await
}
