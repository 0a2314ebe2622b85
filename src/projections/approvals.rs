//! Requests for a second person: what waits, and what became of the others.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::approval::{Approval, ApprovalEvent, ApprovalState};
use crate::domain::shared::AccountId;
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Approvals;

#[async_trait]
impl Projection for Approvals {
    fn name(&self) -> &'static str {
        "approvals"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["approvals"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists approvals (
            approval  uuid primary key,
            position  bigint not null,
            account   uuid not null,
            waiting   boolean not null,
            lapses_at timestamptz not null,
            state     json not null
        );
        create index if not exists approvals_by_time on approvals (position desc);
        create index if not exists approvals_waiting on approvals (lapses_at) where waiting;"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<ApprovalEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        let row = tx.query_opt("select state from approvals where approval = $1", &[&id]).await?;
        let mut state: Approval = match row {
            Some(row) => serde_json::from_value(row.get(0))?,
            None => Approval::default(),
        };
        state.apply(decoded);
        let Some((_, lapses_at)) = state.open_between() else { return Ok(()) };
        let waiting = state.state() == ApprovalState::Waiting;
        tx.execute(
            "insert into approvals values ($1, $2, $3, $4, $5, $6) on conflict (approval) do update
             set waiting = excluded.waiting, state = excluded.state",
            &[&id, &event.position, &state.account(), &waiting, &lapses_at, &serde_json::to_value(&state)?],
        )
        .await?;
        Ok(())
    }
}

fn read(row: &Row) -> Result<Approval, QueryError> {
    serde_json::from_value(row.get(0))
        .map_err(|e| StoreError::Unreadable(format!("a request's row cannot be read: {e}")))
}

/// One request.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(r: &Reader, id: Uuid) -> Result<Option<Approval>, QueryError> {
    let row = r.client().await?.query_opt("select state from approvals where approval = $1", &[&id]).await?;
    row.as_ref().map(read).transpose()
}

/// What waits at `at` for a second person, the first to lapse first.
///
/// # Errors
/// If the database cannot be read.
pub async fn waiting(r: &Reader, at: DateTime<Utc>) -> Result<Vec<Approval>, QueryError> {
    let sql =
        "select state from approvals where waiting and lapses_at > $1 order by lapses_at, position limit 500";
    r.client().await?.query(sql, &[&at]).await?.iter().map(read).collect()
}

/// What waits at `at` and would give something to `account`.
///
/// # Errors
/// If the database cannot be read.
pub async fn waiting_for(
    r: &Reader,
    account: AccountId,
    at: DateTime<Utc>,
) -> Result<Vec<Approval>, QueryError> {
    let sql =
        "select state from approvals where waiting and lapses_at > $1 and account = $2 order by position";
    r.client().await?.query(sql, &[&at, &account]).await?.iter().map(read).collect()
}

/// A page of those that do not wait, the newest first, and how many there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn decided(
    r: &Reader,
    at: DateTime<Utc>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Approval>, i64), QueryError> {
    const WHERE: &str = "not waiting or lapses_at <= $1";
    let client = r.client().await?;
    let total = client.query_one(&format!("select count(*) from approvals where {WHERE}"), &[&at]).await?;
    let sql = format!("select state from approvals where {WHERE} order by position desc offset $2 limit $3");
    let rows = client.query(&sql, &[&at, &offset, &limit]).await?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total.get(0)))
}

/// All requests, the newest first, those that follow the one at `last` (its place in the log, which each comes with);
/// from the beginning without one.
///
/// # Errors
/// If the database cannot be read.
pub async fn after(r: &Reader, last: Option<i64>, limit: i64) -> Result<Vec<(i64, Approval)>, QueryError> {
    let sql = "select state, position from approvals where $1::bigint is null or position < $1
        order by position desc limit $2";
    let rows = r.client().await?.query(sql, &[&last, &limit]).await?;
    rows.iter().map(|row| Ok((row.get(1), read(row)?))).collect()
}

/// Requests that have lapsed by `at` and do not say so yet.
///
/// # Errors
/// If the database cannot be read.
pub async fn to_lapse(r: &Reader, at: DateTime<Utc>, limit: i64) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select approval from approvals where waiting and lapses_at <= $1 order by lapses_at limit $2";
    Ok(r.client().await?.query(sql, &[&at, &limit]).await?.iter().map(|row| row.get(0)).collect())
}
