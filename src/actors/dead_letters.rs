//! Gives an event that a workflow set aside another try.

use super::services::Services;
use super::workflows;
use crate::store::{StoreError, log};

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
