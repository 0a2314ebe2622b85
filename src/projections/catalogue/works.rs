//! Queries about works (media), as films, lessons and posts show them.

use super::super::{QueryError, Reader};
use super::rows::{self, Row};
use crate::domain::media::{Media, Publication};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A work with its dates.
pub type Work = Row<Media>;

/// Works by id. Those that are not public are left out unless `drafts` is set; removed ones always.
///
/// # Errors
/// If the database cannot be read.
pub async fn works_by_ids(
    reader: &Reader,
    ids: &[Uuid],
    drafts: bool,
) -> Result<HashMap<Uuid, Work>, QueryError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<Work> =
        rows::many(reader, "media", "id = any($2) and (public or $3)", &[&ids, &drafts]).await?;
    Ok(found.into_iter().filter(|w| !removed(w)).map(|w| (w.id, w)).collect())
}

/// Those of `ids` that are published works: pages and answers name no others.
///
/// # Errors
/// If the database cannot be read.
pub async fn published_among(reader: &Reader, ids: &[Uuid]) -> Result<HashSet<Uuid>, QueryError> {
    let sql = "select id from catalogue where kind = 'media' and public and id = any($1)";
    Ok(reader.client().await?.query(sql, &[&ids]).await?.iter().map(|row| row.get(0)).collect())
}

/// Published films and collections that show a work: title and address, collections first.
///
/// # Errors
/// If the database cannot be read.
pub async fn shown_in(reader: &Reader, work: Uuid) -> Result<Vec<(String, String)>, QueryError> {
    let sql = "select w.title, w.url from catalogue_words w
        left join catalogue c on c.kind = 'collection' and c.id = w.id
        where (w.kind = 'film' and $1::uuid = any(w.parts))
            or (w.kind = 'collection' and c.state->'text'->'media' ? $1::uuid::text)
        order by w.kind, lower(w.title), w.id limit 20";
    let rows = reader.client().await?.query(sql, &[&work]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// A work by id, public or not; removed ones are not found.
///
/// # Errors
/// If the database cannot be read.
pub async fn work_by_id(reader: &Reader, id: Uuid) -> Result<Option<Work>, QueryError> {
    Ok(rows::by_id(reader, "media", id).await?.filter(|w| !removed(w)))
}

/// Works by their addresses, also former ones of public works; public or not, removed ones are not found.
///
/// # Errors
/// If the database cannot be read.
pub async fn works_by_slugs(reader: &Reader, slugs: &[&str]) -> Result<HashMap<String, Work>, QueryError> {
    if slugs.is_empty() {
        return Ok(HashMap::new());
    }
    // An old address of something that is not public must not betray the new one.
    let sql = "select s.slug, coalesce(c.id, m.id) from unnest($1::text[]) as s(slug)
               left join catalogue c on c.kind = 'media' and c.slug = s.slug
               left join catalogue_moved o on o.kind = 'media' and o.slug = s.slug
               left join catalogue m on m.kind = 'media' and m.id = o.id and m.public
               where coalesce(c.id, m.id) is not null";
    let rows = reader.client().await?.query(sql, &[&slugs]).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get(1)).collect();
    let works = works_by_ids(reader, &ids, true).await?;
    let found = |row: &tokio_postgres::Row| Some((row.get(0), works.get(&row.get::<_, Uuid>(1))?.clone()));
    Ok(rows.iter().filter_map(found).collect())
}

/// Works to choose from at the desk, newest first; `by` limits them to one person's.
///
/// # Errors
/// If the database cannot be read.
pub async fn works_of(reader: &Reader, by: Option<Uuid>) -> Result<Vec<Work>, QueryError> {
    let tail = "($2::uuid is null or by = $2) order by begun_at desc limit 1000";
    let found: Vec<Work> = rows::many(reader, "media", tail, &[&by]).await?;
    Ok(found.into_iter().filter(|w| !removed(w)).collect())
}

/// Works that were published last.
///
/// # Errors
/// If the database cannot be read.
pub async fn latest_works(reader: &Reader, most: i64) -> Result<Vec<Work>, QueryError> {
    rows::many(reader, "media", "public order by published_at desc limit $2", &[&most]).await
}

/// How many films, courses, posts and works of an account are public: they must be handed over or
/// removed before the account can be deleted.
///
/// # Errors
/// If the database cannot be read.
pub async fn public_count_by(reader: &Reader, account: Uuid) -> Result<u32, QueryError> {
    let sql = "select count(*) from catalogue where by = $1 and public";
    let count: i64 = reader.client().await?.query_one(sql, &[&account]).await?.get(0);
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

fn removed(work: &Work) -> bool {
    matches!(work.state.publication, Publication::Removed { .. })
}
