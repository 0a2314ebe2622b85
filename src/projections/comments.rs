//! Comments below works, lessons, posts and characters, and those that moderators have to look at.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::comment::{Comment, CommentEvent, Standing};
use crate::domain::shared::AccountId;
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Comments;

#[async_trait]
impl Projection for Comments {
    fn name(&self) -> &'static str {
        "comments"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["comments"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists comments (
            comment    uuid primary key,
            subject    uuid not null,
            author     uuid not null,
            written_at timestamptz not null,
            position   bigint not null,
            reports    integer not null,
            state      json not null
        );
        create index if not exists comments_by_subject on comments (subject, position);
        create index if not exists comments_by_author on comments (author, written_at);
        create index if not exists comments_reported on comments (position) where reports > 0;"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<CommentEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        let row = tx.query_opt("select state from comments where comment = $1", &[&id]).await?;
        let mut state: Comment = match row {
            Some(row) => serde_json::from_value(row.get(0))?,
            None => Comment::default(),
        };
        state.apply(decoded);
        let (Some(subject), Some(written_at)) = (state.subject, state.written_at) else { return Ok(()) };
        let reports = i32::try_from(state.reports.len()).unwrap_or(i32::MAX);
        tx.execute(
            "insert into comments values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (comment) do update set reports = excluded.reports, state = excluded.state",
            &[
                &id,
                &subject.id,
                &state.author,
                &written_at,
                &event.position,
                &reports,
                &serde_json::to_value(&state)?,
            ],
        )
        .await?;
        Ok(())
    }
}

/// A comment with its id.
#[derive(Clone, Debug)]
pub struct CommentRow {
    /// Its id.
    pub id: Uuid,
    /// Everything else.
    pub state: Comment,
}

impl CommentRow {
    /// Whether everybody sees the text.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.state.standing == Standing::Shown
    }
}

fn read(row: &Row) -> Result<CommentRow, QueryError> {
    let state = serde_json::from_value(row.get(1))
        .map_err(|e| StoreError::Unreadable(format!("a comment's row cannot be read: {e}")))?;
    Ok(CommentRow { id: row.get(0), state })
}

/// The comments below something, in the order in which they were written: the newest `most` of them.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_subject(r: &Reader, subject: Uuid, most: i64) -> Result<Vec<CommentRow>, QueryError> {
    let sql = "select comment, state from (select comment, state, position from comments where subject = $1
        order by position desc limit $2) newest order by position";
    r.client().await?.query(sql, &[&subject, &most]).await?.iter().map(read).collect()
}

/// One comment.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(r: &Reader, id: Uuid) -> Result<Option<CommentRow>, QueryError> {
    let sql = "select comment, state from comments where comment = $1";
    r.client().await?.query_opt(sql, &[&id]).await?.as_ref().map(read).transpose()
}

/// Comments that were reported and not decided about, the oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn reported(r: &Reader, most: i64) -> Result<Vec<CommentRow>, QueryError> {
    let sql = "select comment, state from comments where reports > 0 order by position limit $1";
    r.client().await?.query(sql, &[&most]).await?.iter().map(read).collect()
}

/// How many comments somebody wrote since `since`.
///
/// # Errors
/// If the database cannot be read.
pub async fn written_since(r: &Reader, author: AccountId, since: DateTime<Utc>) -> Result<i64, QueryError> {
    let sql = "select count(*) from comments where author = $1 and written_at > $2";
    Ok(r.client().await?.query_one(sql, &[&author, &since]).await?.get(0))
}

/// Everything that somebody wrote, the oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_author(r: &Reader, author: AccountId) -> Result<Vec<CommentRow>, QueryError> {
    let sql = "select comment, state from comments where author = $1 order by position";
    r.client().await?.query(sql, &[&author]).await?.iter().map(read).collect()
}
