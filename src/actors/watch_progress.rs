//! Where people are in what they watch: rows of a plain table, written as they watch.

use super::services::Services;
use crate::domain::watch_progress::{Stage, percent};
use crate::store::StoreError;
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// Where somebody is in one lesson or work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The lesson, or the work outside of a course.
    pub item: Uuid,
    /// The lesson's course.
    pub course: Option<Uuid>,
    /// Second.
    pub at: u32,
    /// Length in seconds.
    pub length: u32,
    /// Whether it was once seen as far as it has to be.
    pub finished: bool,
}

impl Place {
    /// How much of it was seen, 0 to 100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        percent(self.at, self.length)
    }

    /// Where to go on: the second, unless it is nearly the beginning or the end.
    #[must_use]
    pub fn resume_at(&self) -> Option<u32> {
        const END: u32 = 10;
        (self.at >= crate::domain::watch_progress::STARTED_AFTER && self.at + END < self.length)
            .then_some(self.at)
    }
}

const COLUMNS: &str = "item, course, at_s, length_s, finished_at is not null";

fn place(row: &Row) -> Place {
    let seconds = |i: usize| u32::try_from(row.get::<_, i32>(i)).unwrap_or(0);
    Place { item: row.get(0), course: row.get(1), at: seconds(2), length: seconds(3), finished: row.get(4) }
}

/// Writes down where `account` is. What was only glimpsed at is not remembered; what was once finished
/// stays so when it is watched again.
///
/// # Errors
/// If the database fails.
pub async fn note(cx: &Services, account: Uuid, seen: Place, stage: Stage) -> Result<(), StoreError> {
    if stage == Stage::Glimpsed {
        return Ok(());
    }
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let (now, finished) = (cx.clock.now(), stage == Stage::Finished);
    let client = cx.pool.get().await?;
    let sql = "insert into public.watch_progress as w
                   (account, item, course, at_s, length_s, started_at, finished_at, seen_at)
               values ($1, $2, $3, $4, $5, $6, case when $7 then $6::timestamptz end, $6)
               on conflict (account, item) do update set
                   course = excluded.course, at_s = excluded.at_s, length_s = excluded.length_s,
                   finished_at = coalesce(w.finished_at, excluded.finished_at), seen_at = excluded.seen_at";
    let (at, length) = (number(seen.at), number(seen.length.max(1)));
    client.execute(sql, &[&account, &seen.item, &seen.course, &at, &length, &now, &finished]).await?;
    Ok(())
}

/// Where `account` is in these.
///
/// # Errors
/// If the database fails.
pub async fn of(cx: &Services, account: Uuid, items: &[Uuid]) -> Result<HashMap<Uuid, Place>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = format!("select {COLUMNS} from public.watch_progress where account = $1 and item = any($2)");
    let rows = client.query(&sql, &[&account, &items]).await?;
    Ok(rows.iter().map(place).map(|p| (p.item, p)).collect())
}

/// What `account` began and has not finished, the last first: one of each course.
///
/// # Errors
/// If the database fails.
pub async fn unfinished(cx: &Services, account: Uuid, most: i64) -> Result<Vec<Place>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = format!(
        "select {COLUMNS} from (
             select distinct on (coalesce(course, item)) * from public.watch_progress
             where account = $1 and finished_at is null
             order by coalesce(course, item), seen_at desc) one
         order by seen_at desc limit $2"
    );
    Ok(client.query(&sql, &[&account, &most]).await?.iter().map(place).collect())
}

/// Everything `account` watched, the last first.
///
/// # Errors
/// If the database fails.
pub async fn history(cx: &Services, account: Uuid, most: i64) -> Result<Vec<Place>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = format!(
        "select {COLUMNS} from public.watch_progress where account = $1 order by seen_at desc limit $2"
    );
    Ok(client.query(&sql, &[&account, &most]).await?.iter().map(place).collect())
}

/// Forgets all of it, or one item. Gives how many rows went.
///
/// # Errors
/// If the database fails.
pub async fn forget(cx: &Services, account: Uuid, item: Option<Uuid>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "delete from public.watch_progress where account = $1 and ($2::uuid is null or item = $2)";
    Ok(client.execute(sql, &[&account, &item]).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_neither_at_the_beginning_nor_at_the_end() {
        let at = |at| Place { item: Uuid::nil(), course: None, at, length: 100, finished: false }.resume_at();
        assert_eq!(at(4), None);
        assert_eq!(at(5), Some(5));
        assert_eq!(at(89), Some(89));
        assert_eq!(at(90), None);
    }
}
