//! Deletion requests with how far they are: the person's page, the job, and staff.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::deletion_request::{DeletionEvent, Obstacle};
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct DeletionRequests;

const COLUMNS: &str = "request, account, requested_at, due, stage, obstacles, steps, ended_at";

#[async_trait]
impl Projection for DeletionRequests {
    fn name(&self) -> &'static str {
        "deletion_requests"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["deletion_requests"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists deletion_requests (
            request      uuid primary key,
            account      uuid not null,
            requested_at timestamptz not null,
            due          timestamptz not null,
            stage        text not null default 'requested',
            obstacles    json not null default '[]',
            steps        integer not null default 0,
            ended_at     timestamptz
        );
        create index if not exists deletion_requests_by_account on deletion_requests (account, requested_at);
        create index if not exists deletion_requests_by_due on deletion_requests (stage, due);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        use DeletionEvent as E;
        let id = event.stream_uuid();
        let Some(decoded) = event.decode::<DeletionEvent>()? else { return Ok(()) };
        match decoded {
            E::DeletionRequested { at, account, due, .. } => {
                tx.execute(
                    "insert into deletion_requests (request, account, requested_at, due) values ($1, $2, $3, $4)
                     on conflict (request) do nothing",
                    &[&id, &account, &at, &due],
                )
                .await?;
            }
            E::DeletionWithdrawn { at, .. } => {
                tx.execute(
                    "update deletion_requests set stage = 'withdrawn', ended_at = $2 where request = $1",
                    &[&id, &at],
                )
                .await?;
            }
            E::DeletionBlocked { obstacles, .. } => {
                let obstacles = serde_json::to_value(obstacles)?;
                tx.execute(
                    "update deletion_requests set obstacles = $2 where request = $1",
                    &[&id, &obstacles],
                )
                .await?;
            }
            E::ErasureStarted { .. } => {
                tx.execute(
                    "update deletion_requests set stage = 'executing', obstacles = '[]' where request = $1",
                    &[&id],
                )
                .await?;
            }
            E::ErasureStepDone { .. } => {
                tx.execute("update deletion_requests set steps = steps + 1 where request = $1", &[&id])
                    .await?;
            }
            E::ErasureCompleted { at, .. } => {
                tx.execute(
                    "update deletion_requests set stage = 'completed', ended_at = $2 where request = $1",
                    &[&id, &at],
                )
                .await?;
            }
        }
        Ok(())
    }
}

/// How far a request is, as it stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Waits for its time, or is blocked.
    Requested,
    /// Taken back.
    Withdrawn,
    /// Being carried out.
    Executing,
    /// Done.
    Completed,
}

/// One request.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Request {
    /// The request.
    pub id: Uuid,
    /// Whose account.
    pub account: Uuid,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// From when on it is carried out.
    pub due: DateTime<Utc>,
    /// How far it is.
    pub progress: Progress,
    /// What stands in the way.
    pub obstacles: Vec<Obstacle>,
    /// Steps done.
    pub steps: i32,
    /// When it was withdrawn or completed.
    pub ended_at: Option<DateTime<Utc>>,
}

/// The newest request of an account.
///
/// # Errors
/// If the database cannot be read.
pub async fn newest_of(r: &Reader, account: Uuid) -> Result<Option<Request>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from deletion_requests where account = $1 order by requested_at desc, request desc limit 1"
    );
    Ok(r.client().await?.query_opt(&sql, &[&account]).await?.as_ref().map(request))
}

/// Requests that are to be carried out at `now`, oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn due(r: &Reader, now: DateTime<Utc>) -> Result<Vec<Request>, QueryError> {
    let sql = format!(
        "select {COLUMNS} from deletion_requests where stage = 'requested' and due <= $1 order by due, request"
    );
    Ok(r.client().await?.query(&sql, &[&now]).await?.iter().map(request).collect())
}

/// Requests that were begun and are not complete.
///
/// # Errors
/// If the database cannot be read.
pub async fn executing(r: &Reader) -> Result<Vec<Request>, QueryError> {
    let sql =
        format!("select {COLUMNS} from deletion_requests where stage = 'executing' order by due, request");
    Ok(r.client().await?.query(&sql, &[]).await?.iter().map(request).collect())
}

/// All requests, newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn newest(r: &Reader, limit: i64) -> Result<Vec<Request>, QueryError> {
    let sql =
        format!("select {COLUMNS} from deletion_requests order by requested_at desc, request desc limit $1");
    Ok(r.client().await?.query(&sql, &[&limit]).await?.iter().map(request).collect())
}

fn request(row: &Row) -> Request {
    Request {
        id: row.get(0),
        account: row.get(1),
        requested_at: row.get(2),
        due: row.get(3),
        progress: match row.get(4) {
            "requested" => Progress::Requested,
            "withdrawn" => Progress::Withdrawn,
            "executing" => Progress::Executing,
            _ => Progress::Completed,
        },
        obstacles: serde_json::from_value(row.get(5)).unwrap_or_default(),
        steps: row.get(6),
        ended_at: row.get(7),
    }
}
