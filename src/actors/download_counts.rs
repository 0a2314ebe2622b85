//! Who saved how many files of which kind: a row for each day, account and kind, without work, address or
//! time of day. Erasing a person takes their rows; what is older than a year goes by itself.

use super::services::Services;
use crate::store::StoreError;
use chrono::{DateTime, Days, Utc};
use serde::Serialize;
use uuid::Uuid;

/// For how many days counts are kept.
const KEPT_DAYS: u64 = 366;

/// What was saved of one kind by one account, or by visitors, on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The day, in UTC.
    pub day: chrono::NaiveDate,
    /// Whose they are; none: visitors.
    pub account: Option<Uuid>,
    /// Kind of work, or `captions`.
    pub kind: String,
    /// How many files.
    pub files: i64,
}

/// Counts one file.
///
/// # Errors
/// If the database cannot be written.
pub async fn add(cx: &Services, account: Option<Uuid>, kind: &str) -> Result<(), StoreError> {
    let who = if account.is_some() { "account" } else { "visitor" };
    cx.metrics.media.downloads.with_label_values(&[kind, who]).inc();
    let client = cx.pool.get().await?;
    let sql = "insert into public.download_counts values ($1, $2, $3, 1)
               on conflict (day, account, kind) do update set files = download_counts.files + 1";
    let statement = client.prepare_cached(sql).await?;
    client.execute(&statement, &[&cx.clock.now().date_naive(), &account, &kind]).await?;
    Ok(())
}

/// What was saved in the last `days` days, newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_last_days(cx: &Services, days: u32) -> Result<Vec<Count>, StoreError> {
    let since = cx.clock.now().date_naive().checked_sub_days(Days::new(u64::from(days))).unwrap_or_default();
    let client = cx.pool.get().await?;
    let sql = "select day, account, kind, files from public.download_counts where day > $1
               order by day desc, account nulls first, kind";
    let rows = client.query(sql, &[&since]).await?;
    Ok(rows
        .iter()
        .map(|r| Count { day: r.get(0), account: r.get(1), kind: r.get(2), files: r.get(3) })
        .collect())
}

/// Removes counts that are older than a year.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let oldest = now.date_naive().checked_sub_days(Days::new(KEPT_DAYS)).unwrap_or_default();
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.download_counts where day < $1", &[&oldest]).await?)
}
