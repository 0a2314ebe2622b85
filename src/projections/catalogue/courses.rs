//! Queries about courses.

use super::super::{QueryError, Reader};
use super::rows::{self, Found, Row};
use crate::domain::course::Course;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What a card says about a course.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CourseCard {
    /// Lessons that people see.
    pub lessons: i64,
    /// Those of them that are free.
    pub free: i64,
}

impl CourseCard {
    /// Counts what people see of a course.
    #[must_use]
    pub fn of(course: &Course) -> Self {
        let shown =
            || course.chapters.iter().filter(|c| c.shown).flat_map(|c| &c.lessons).filter(|l| l.shown);
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Self { lessons: count(shown().count()), free: count(shown().filter(|l| l.text.free).count()) }
    }
}

/// Published courses, newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn courses(reader: &Reader, most: i64) -> Result<Vec<Row<Course>>, QueryError> {
    rows::many(reader, "course", "public order by published_at desc limit $2", &[&most]).await
}

/// Published courses in which any of these works is shown: the training that belongs to a film.
///
/// # Errors
/// If the database cannot be read.
pub async fn courses_of_media(reader: &Reader, media: &[Uuid]) -> Result<Vec<Row<Course>>, QueryError> {
    let ids: Vec<String> = media.iter().map(ToString::to_string).collect();
    let tail = "public and exists (
        select 1 from jsonb_path_query(state, '$.chapters[*].lessons[*].text.media') m where m #>> '{}' = any($2))
        order by published_at desc limit 50";
    rows::many(reader, "course", tail, &[&ids]).await
}

/// All courses for the desk, last changed first; `by` limits them to one person's.
///
/// # Errors
/// If the database cannot be read.
pub async fn all_courses(reader: &Reader, by: Option<Uuid>) -> Result<Vec<Row<Course>>, QueryError> {
    rows::many(reader, "course", "($2::uuid is null or by = $2) order by changed_at desc limit 500", &[&by])
        .await
}

/// Courses whose scheduled time has come, first things first.
///
/// # Errors
/// If the database cannot be read.
pub async fn due_courses(reader: &Reader, now: DateTime<Utc>) -> Result<Vec<Uuid>, QueryError> {
    rows::due(reader, "course", now).await
}

/// What stands at `/courses/{slug}`.
///
/// # Errors
/// If the database cannot be read.
pub async fn course_by_slug(reader: &Reader, slug: &str) -> Result<Option<Found<Course>>, QueryError> {
    rows::by_slug(reader, "course", slug).await
}

/// A course by id, public or not.
///
/// # Errors
/// If the database cannot be read.
pub async fn course_by_id(reader: &Reader, id: Uuid) -> Result<Option<Row<Course>>, QueryError> {
    rows::by_id(reader, "course", id).await
}
