//! Proof that lines of a page are what stands in the log, and that the log is what was written.

use super::services::Services;
use crate::projections::subscription_timeline::Entry;
use crate::store::audit::{LastVerification, last_verification};
use crate::store::{StoreError, log};

/// What was found.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Events that were looked at.
    pub checked: usize,
    /// Positions of those that are not as they were written, or not as the page shows them.
    pub bad: Vec<i64>,
    /// The last time the log as a whole was held against its chain and signed checkpoints.
    pub whole: Option<LastVerification>,
}

/// Holds lines against the log: each has the payload that stands there, and follows by its hash from the event
/// before it. That the events before are right is shown by the verification of the whole log.
///
/// # Errors
/// If the database cannot be read.
pub async fn of(cx: &Services, lines: &[Entry]) -> Result<Proof, StoreError> {
    let client = cx.pool.get().await?;
    let positions: Vec<i64> = lines.iter().map(|e| e.position).collect();
    let (events, mut bad) = log::check(&**client, &positions).await?;
    for event in events {
        let line = lines.iter().find(|e| e.position == event.position);
        let same = line.is_some_and(|e| e.kind == event.kind && e.payload == *event.payload);
        if !same && !bad.contains(&event.position) {
            bad.push(event.position);
        }
    }
    bad.sort_unstable();
    Ok(Proof { checked: lines.len(), bad, whole: last_verification(&**client).await? })
}
