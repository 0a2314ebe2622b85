//! The internal scheduler: fires jobs whose slot has come. Any number of processes may run it; one
//! holds the lease, and a slot runs once anyway.
//!
//! Jobs run side by side, so that a long one (a backup) holds nothing else up; a job never runs beside
//! itself. Slots that were missed are caught up once: the latest one of each job, the oldest slot first. A late
//! tick decides the same as ticks on time would have, and so do timers of systemd with `Persistent=yes`.

use super::jobs::{self, Job, JobError};
use super::services::Services;
use super::supervisor::{Desk, LoopError};
use crate::domain::clock::{RunState, run_id};
use crate::store::{Metadata, StoreError, checkpoint};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

/// The working loop.
///
/// # Errors
/// If the database fails; the supervisor starts the loop again.
pub async fn run(all: Vec<Arc<dyn Job>>, cx: Services, desk: Desk) -> Result<(), LoopError> {
    let mut done: HashMap<&'static str, DateTime<Utc>> = HashMap::new();
    let mut at_work: JoinSet<(&'static str, DateTime<Utc>, Result<bool, JobError>)> = JoinSet::new();
    let mut busy: HashSet<&'static str> = HashSet::new();
    while !desk.stopping() {
        // Without the database nothing begins; what is at work is not given up for that.
        let leased = match lease(&cx).await {
            Ok(leased) => leased,
            Err(error) if at_work.is_empty() => return Err(error.into()),
            Err(error) => {
                desk.failed(&error.to_string());
                desk.pause(Duration::from_secs(2)).await;
                continue;
            }
        };
        if !leased {
            desk.standby();
            desk.pause(Duration::from_secs(2)).await;
            continue;
        }
        let now = cx.clock.now();
        let mut due: Vec<_> = all
            .iter()
            .map(|job| (job.schedule().due_slot(job.name(), now), job))
            .filter(|(slot, job)| !busy.contains(job.name()) && done.get(job.name()) != Some(slot))
            .collect();
        due.sort_by_key(|(slot, _)| *slot);
        for (slot, job) in due {
            busy.insert(job.name());
            let (job, cx) = (Arc::clone(job), cx.clone());
            at_work.spawn(async move {
                let ended = run_slot(job.as_ref(), slot, &cx).await;
                (job.name(), slot, ended)
            });
        }
        let mut well = true;
        while let Some(ended) = at_work.try_join_next() {
            // A panic is caught where the job runs; what is left is a task that was cut off.
            let Ok((job, slot, ended)) = ended else { continue };
            busy.remove(job);
            match ended {
                Ok(true) => {
                    done.insert(job, slot);
                }
                // Another process is at work on it, and may die: looked at again.
                Ok(false) => {}
                Err(error) => {
                    well = false;
                    desk.failed(&format!("{job}: {error}"));
                }
            }
        }
        if well {
            desk.succeeded();
        }
        desk.pause(Duration::from_secs(1)).await;
    }
    // What is at work may end; whoever waits for us does not wait for ever, and then it is cut off.
    while at_work.join_next().await.is_some() {}
    Ok(())
}

/// How far this machine's clock may be ahead of the database's: a month ahead, everybody would be charged a month early.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Takes or renews the lease; an error if this machine's clock cannot be believed.
async fn lease(cx: &Services) -> Result<bool, StoreError> {
    let client = cx.pool.get().await?;
    let theirs: DateTime<Utc> = client.query_one("select clock_timestamp()", &[]).await?.get(0);
    believable(Utc::now(), theirs)?;
    checkpoint::lease(&**client, "scheduler", cx.process, 15.0).await
}

fn believable(ours: DateTime<Utc>, theirs: DateTime<Utc>) -> Result<(), StoreError> {
    if ours - theirs <= AHEAD {
        return Ok(());
    }
    Err(StoreError::Cluster(format!(
        "this machine's clock says {ours:.0?}, the database's {theirs:.0?}: nothing is run before its time; set it right (NTP)"
    )))
}

/// Runs one slot unless it has run; whether it is over.
async fn run_slot(job: &dyn Job, slot: DateTime<Utc>, cx: &Services) -> Result<bool, JobError> {
    let id = run_id(job.name(), slot);
    if cx.run_state(id).await? == RunState::Completed {
        return Ok(true);
    }
    let meta = Metadata::system("scheduler", Uuid::now_v7(), cx.clock.now());
    jobs::run(job, slot, meta, false, cx).await?;
    Ok(matches!(cx.run_state(id).await?, RunState::Completed | RunState::Failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_far_ahead_runs_nothing() {
        let theirs: DateTime<Utc> = "2026-12-01T10:00:00Z".parse().unwrap();
        assert!(believable(theirs + AHEAD, theirs).is_ok());
        assert!(
            believable(theirs - TimeDelta::days(40), theirs).is_ok(),
            "late, but nothing before its time"
        );
        let told = believable(theirs + AHEAD + TimeDelta::seconds(1), theirs).unwrap_err().to_string();
        assert!(told.contains("2026-12-01T10:05:01Z") && told.contains("NTP"), "{told}");
    }
}
