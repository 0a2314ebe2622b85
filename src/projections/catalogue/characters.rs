//! Queries about characters.

use super::super::{QueryError, Reader};
use super::rows::{self, Found, Row};
use crate::domain::character::Character;
use uuid::Uuid;

/// Published characters, by name.
///
/// # Errors
/// If the database cannot be read.
pub async fn characters(reader: &Reader, most: i64) -> Result<Vec<Row<Character>>, QueryError> {
    let tail = "public order by lower(state->'text'->>'name'), id limit $2";
    rows::many(reader, "character", tail, &[&most]).await
}

/// Published characters of a film, by name.
///
/// # Errors
/// If the database cannot be read.
pub async fn characters_of_film(reader: &Reader, film: Uuid) -> Result<Vec<Row<Character>>, QueryError> {
    let film = film.to_string();
    let tail = "public and state->'text'->>'film' = $2 order by lower(state->'text'->>'name'), id limit 100";
    rows::many(reader, "character", tail, &[&film]).await
}

/// All characters for the desk, last changed first; `by` limits them to one person's.
///
/// # Errors
/// If the database cannot be read.
pub async fn all_characters(reader: &Reader, by: Option<Uuid>) -> Result<Vec<Row<Character>>, QueryError> {
    let tail = "($2::uuid is null or by = $2) order by changed_at desc limit 500";
    rows::many(reader, "character", tail, &[&by]).await
}

/// What stands at `/characters/{slug}`.
///
/// # Errors
/// If the database cannot be read.
pub async fn character_by_slug(reader: &Reader, slug: &str) -> Result<Option<Found<Character>>, QueryError> {
    rows::by_slug(reader, "character", slug).await
}

/// A character by id, public or not.
///
/// # Errors
/// If the database cannot be read.
pub async fn character_by_id(reader: &Reader, id: Uuid) -> Result<Option<Row<Character>>, QueryError> {
    rows::by_id(reader, "character", id).await
}
