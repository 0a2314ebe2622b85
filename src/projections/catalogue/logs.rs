//! Queries about production logs.

use super::super::{QueryError, Reader};
use super::rows::{self, Row};
use crate::domain::production_log::{ProductionLog, Week, log_id};
use uuid::Uuid;

/// The logs of a film, the last week first; `drafts` as well, or only those that are published.
///
/// # Errors
/// If the database cannot be read.
pub async fn logs_of_film(
    reader: &Reader,
    film: Uuid,
    drafts: bool,
) -> Result<Vec<Row<ProductionLog>>, QueryError> {
    let film = film.to_string();
    let tail = "state->>'film' = $2 and (public or $3) order by state->>'week' desc limit 2000";
    rows::many(reader, "production_log", tail, &[&film, &drafts]).await
}

/// Published logs of films that are published themselves, of any of these weeks (or of all), the last week first.
///
/// # Errors
/// If the database cannot be read.
pub async fn logs_of_weeks(
    reader: &Reader,
    weeks: Option<&[Week]>,
    most: i64,
) -> Result<Vec<Row<ProductionLog>>, QueryError> {
    let weeks: Option<Vec<String>> = weeks.map(|w| w.iter().map(ToString::to_string).collect());
    let tail = "public and ($2::text[] is null or state->>'week' = any($2)) and exists (
        select 1 from catalogue f where f.kind = 'film' and f.id = (catalogue.state->>'film')::uuid and f.public)
        order by state->>'week' desc, changed_at desc limit $3";
    rows::many(reader, "production_log", tail, &[&weeks, &most]).await
}

/// All logs for the desk, last changed first; `by` limits them to those of one person's films.
///
/// # Errors
/// If the database cannot be read.
pub async fn all_logs(reader: &Reader, by: Option<Uuid>) -> Result<Vec<Row<ProductionLog>>, QueryError> {
    let tail = "($2::uuid is null or exists (
        select 1 from catalogue f where f.kind = 'film' and f.id = (catalogue.state->>'film')::uuid and f.by = $2))
        order by changed_at desc limit 500";
    rows::many(reader, "production_log", tail, &[&by]).await
}

/// The log of a week of a film, public or not.
///
/// # Errors
/// If the database cannot be read.
pub async fn log_of_week(
    reader: &Reader,
    film: Uuid,
    week: Week,
) -> Result<Option<Row<ProductionLog>>, QueryError> {
    log_by_id(reader, log_id(film, week)).await
}

/// A log by id, public or not.
///
/// # Errors
/// If the database cannot be read.
pub async fn log_by_id(reader: &Reader, id: Uuid) -> Result<Option<Row<ProductionLog>>, QueryError> {
    rows::by_id(reader, "production_log", id).await
}
