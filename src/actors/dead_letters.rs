//! Gives an event that a workflow set aside another try.

use super::services::Services;
use super::workflows;
use crate::store::{StoreError, log};
use std::time::{Duration, Instant};

/// How another try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It worked; the event is no longer set aside.
    Done,
    /// It failed again, for this reason.
    Failed(String),
    /// A projection sets streams aside: only a rebuild folds them again, see [`refold`](super::refold).
    NeedsRebuild,
    /// It is not set aside (any more).
    Unknown,
}

/// How tries of all that a reader set aside ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// That worked.
    pub done: usize,
    /// That failed again.
    pub failed: usize,
    /// That were not begun in the time there was.
    pub left: usize,
}

/// Hands all events that the workflow `name` set aside to it once more, in the order of the log, as long as `patience`
/// lasts. None: it is no workflow, see [`Retry::NeedsRebuild`].
///
/// # Errors
/// If the store fails.
pub async fn retry_all(cx: &Services, name: &str, patience: Duration) -> Result<Option<Retries>, StoreError> {
    if !workflows::all().iter().any(|workflow| workflow.name() == name) {
        return Ok(None);
    }
    let begun = Instant::now();
    let sql = "select position from public.dead_letters where name = $1 order by position";
    let rows = cx.pool.get().await?.query(sql, &[&name]).await?;
    let mut retries = Retries::default();
    for row in rows {
        if begun.elapsed() > patience {
            retries.left += 1;
            continue;
        }
        match retry(cx, name, row.get(0)).await? {
            Retry::Done | Retry::Unknown => retries.done += 1,
            Retry::Failed(_) | Retry::NeedsRebuild => retries.failed += 1,
        }
    }
    Ok(Some(retries))
}

/// Hands the event at `position` to the workflow `name` once more.
///
/// # Errors
/// If the store fails.
pub async fn retry(cx: &Services, name: &str, position: i64) -> Result<Retry, StoreError> {
    let client = cx.pool.get().await?;
    let parked = client
        .query_opt("select 1 from public.dead_letters where name = $1 and position = $2", &[&name, &position])
        .await?;
    if parked.is_none() {
        return Ok(Retry::Unknown);
    }
    let Some(workflow) = workflows::all().into_iter().find(|workflow| workflow.name() == name) else {
        return Ok(Retry::NeedsRebuild);
    };
    let Some(event) =
        log::after(&**client, position - 1, None, 1).await?.into_iter().find(|e| e.position == position)
    else {
        return Ok(Retry::Unknown);
    };
    drop(client);
    let outcome = workflow.handle(&event, cx).await;
    let client = cx.pool.get().await?;
    match outcome {
        Ok(()) => {
            client
                .execute(
                    "delete from public.dead_letters where name = $1 and position = $2",
                    &[&name, &position],
                )
                .await?;
            Ok(Retry::Done)
        }
        Err(error) => {
            let error = error.to_string();
            client
                .execute(
                    "update public.dead_letters set error = $3, attempts = attempts + 1 where name = $1 and position = $2",
                    &[&name, &position, &error],
                )
                .await?;
            Ok(Retry::Failed(error))
        }
    }
}
