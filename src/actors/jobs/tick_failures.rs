//! Subscriptions that the clock could not ask. One that fails never stops the rest: it is set aside
//! here with its error, shown to billing staff, tried again by every tick, and forgotten once it works.

use crate::actors::services::Services;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A subscription that is set aside.
#[derive(Clone, Debug)]
pub struct TickFailure {
    /// Which one.
    pub subscription: Uuid,
    /// The last error, without personal data.
    pub error: String,
    /// Ticks in a row that failed.
    pub failures: i32,
    /// The time of the first of them.
    pub first_at: DateTime<Utc>,
    /// The time of the last of them.
    pub last_at: DateTime<Utc>,
}

/// Notes that `subscription` could not be asked at `at`.
///
/// # Errors
/// If the database refuses.
pub async fn record(
    cx: &Services,
    subscription: Uuid,
    error: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    client
        .execute(
            "insert into public.tick_failures (subscription, error, first_at, last_at) values ($1, $2, $3, $3)
             on conflict (subscription) do update set error = excluded.error, last_at = excluded.last_at,
                 failures = tick_failures.failures + 1",
            &[&subscription, &error, &at],
        )
        .await?;
    Ok(())
}

/// Forgets what is noted about subscriptions that could be asked.
///
/// # Errors
/// If the database refuses.
pub async fn forget(cx: &Services, asked: &[Uuid]) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    client.execute("delete from public.tick_failures where subscription = any($1)", &[&asked]).await?;
    Ok(())
}

/// All that are set aside, the longest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(cx: &Services, limit: i64) -> Result<Vec<TickFailure>, StoreError> {
    let client = cx.pool.get().await?;
    let rows = client
        .query(
            "select subscription, error, failures, first_at, last_at from public.tick_failures
             order by first_at, subscription limit $1",
            &[&limit],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| TickFailure {
            subscription: row.get(0),
            error: row.get(1),
            failures: row.get(2),
            first_at: row.get(3),
            last_at: row.get(4),
        })
        .collect())
}
