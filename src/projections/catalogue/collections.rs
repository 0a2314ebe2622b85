//! Queries about collections.

use super::super::{QueryError, Reader};
use super::rows::{self, Found, Row};
use crate::domain::collection::Collection;
use uuid::Uuid;

/// The collections of a film in their order among their neighbours; `drafts` as well, or only those that are
/// published.
///
/// # Errors
/// If the database cannot be read.
pub async fn collections_of_film(
    reader: &Reader,
    film: Uuid,
    drafts: bool,
) -> Result<Vec<Row<Collection>>, QueryError> {
    let film = film.to_string();
    let tail = "state->>'film' = $2 and (public or $3)
        order by (state->'place'->>'order')::bigint, lower(state->'text'->>'title'), id limit 5000";
    rows::many(reader, "collection", tail, &[&film, &drafts]).await
}

/// Published collections of films that are published themselves, last changed first.
///
/// # Errors
/// If the database cannot be read.
pub async fn public_collections(reader: &Reader, most: i64) -> Result<Vec<Row<Collection>>, QueryError> {
    let tail = "public and exists (
        select 1 from catalogue f where f.kind = 'film' and f.id = (catalogue.state->>'film')::uuid and f.public)
        order by changed_at desc limit $2";
    rows::many(reader, "collection", tail, &[&most]).await
}

/// What stands at `/films/…/gallery/{slug}` of a film.
///
/// # Errors
/// If the database cannot be read.
pub async fn collection_by_slug(
    reader: &Reader,
    film: Uuid,
    slug: &str,
) -> Result<Option<Found<Collection>>, QueryError> {
    rows::by_slug(reader, "collection", &format!("{film}/{slug}")).await
}

/// A collection by id, public or not.
///
/// # Errors
/// If the database cannot be read.
pub async fn collection_by_id(reader: &Reader, id: Uuid) -> Result<Option<Row<Collection>>, QueryError> {
    rows::by_id(reader, "collection", id).await
}
