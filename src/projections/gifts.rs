//! Gifts: what their buyers and staff see, and which wait for the person who redeemed them.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::gift::{Gift, GiftEvent, GiftStanding};
use crate::domain::shared::AccountId;
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Gifts;

#[async_trait]
impl Projection for Gifts {
    fn name(&self) -> &'static str {
        "gifts"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["gifts"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists gifts (
            gift        uuid primary key,
            position    bigint not null,
            buyer       uuid not null,
            redeemed_by uuid,
            waiting     boolean not null,
            state       json not null
        );
        create index if not exists gifts_by_buyer on gifts (buyer, position);
        create index if not exists gifts_by_owner on gifts (redeemed_by) where redeemed_by is not null;
        create index if not exists gifts_waiting on gifts (position) where waiting;"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<GiftEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        let row = tx.query_opt("select state from gifts where gift = $1", &[&id]).await?;
        let mut state: Gift = match row {
            Some(row) => serde_json::from_value(row.get(0))?,
            None => Gift::default(),
        };
        state.apply(decoded);
        let waiting = state.standing() == GiftStanding::Redeemed;
        tx.execute(
            "insert into gifts values ($1, $2, $3, $4, $5, $6) on conflict (gift) do update
             set buyer = excluded.buyer, redeemed_by = excluded.redeemed_by, waiting = excluded.waiting, state = excluded.state",
            &[
                &id,
                &event.position,
                &state.buyer(),
                &state.redeemed_by(),
                &waiting,
                &serde_json::to_value(&state)?,
            ],
        )
        .await?;
        Ok(())
    }
}

fn read(row: &Row) -> Result<Gift, QueryError> {
    serde_json::from_value(row.get(0))
        .map_err(|e| StoreError::Unreadable(format!("a gift's row cannot be read: {e}")))
}

/// One gift.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(r: &Reader, id: Uuid) -> Result<Option<Gift>, QueryError> {
    let row = r.client().await?.query_opt("select state from gifts where gift = $1", &[&id]).await?;
    row.as_ref().map(read).transpose()
}

/// The gifts that somebody bought or redeemed, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_account(r: &Reader, account: AccountId) -> Result<Vec<Gift>, QueryError> {
    let sql = "select state from gifts where buyer = $1 or redeemed_by = $1 order by position desc";
    r.client().await?.query(sql, &[&account]).await?.iter().map(read).collect()
}

/// Whether any redeemed gift waits at all: most of the time none does.
///
/// # Errors
/// If the database cannot be read.
pub async fn any_waiting(r: &Reader) -> Result<bool, QueryError> {
    let sql = "select exists (select from gifts where waiting)";
    Ok(r.client().await?.query_one(sql, &[]).await?.get(0))
}

/// The gifts that somebody redeemed and whose time waits, the oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn waiting_for(r: &Reader, account: AccountId) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select gift from gifts where redeemed_by = $1 and waiting order by position";
    Ok(r.client().await?.query(sql, &[&account]).await?.iter().map(|row| row.get(0)).collect())
}

/// Those that follow `last` (where its first event stands in the log) in the same order; from the beginning without one.
///
/// # Errors
/// If the database cannot be read.
pub async fn after(r: &Reader, last: Option<i64>, limit: i64) -> Result<Vec<(i64, Gift)>, QueryError> {
    let sql = "select state, position from gifts where $1::bigint is null or position < $1
        order by position desc limit $2";
    let rows = r.client().await?.query(sql, &[&last, &limit]).await?;
    rows.iter().map(|row| Ok((row.get(1), read(row)?))).collect()
}

/// All gifts, the newest first: `limit` of them after the first `skip`; and how many there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(r: &Reader, skip: i64, limit: i64) -> Result<(Vec<Gift>, i64), QueryError> {
    let client = r.client().await?;
    let rows = client
        .query("select state from gifts order by position desc offset $1 limit $2", &[&skip, &limit])
        .await?;
    let total = client.query_one("select count(*) from gifts", &[]).await?.get(0);
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total))
}
