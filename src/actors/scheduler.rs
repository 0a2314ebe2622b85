//! The internal scheduler: fires jobs whose slot has come. Any number of processes may run it; one
//! holds the lease, and a slot runs once anyway.

use super::jobs::{self, Job};
use super::services::Services;
use super::supervisor::{Desk, LoopError};
use crate::domain::clock::{RunState, run_id};
use crate::store::{Metadata, checkpoint};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The working loop. Slots that were missed are caught up once: the latest one of each job.
///
/// # Errors
/// If the database fails; the supervisor starts the loop again.
pub async fn run(all: Vec<Arc<dyn Job>>, cx: Services, desk: Desk) -> Result<(), LoopError> {
    let mut done: HashMap<&'static str, DateTime<Utc>> = HashMap::new();
    while !desk.stopping() {
        let leased = {
            let client = cx.pool.get().await?;
            checkpoint::lease(&**client, "scheduler", cx.process, 15.0).await?
        };
        if !leased {
            desk.standby();
            desk.pause(Duration::from_secs(2)).await;
            continue;
        }
        for job in &all {
            let slot = job.schedule().due_slot(job.name(), cx.clock.now());
            if desk.stopping() || done.get(job.name()) == Some(&slot) {
                continue;
            }
            if cx.run_state(run_id(job.name(), slot)).await? != RunState::Completed {
                let meta = Metadata::system("scheduler", Uuid::now_v7(), cx.clock.now());
                let lease = async {
                    loop {
                        tokio::time::sleep(Duration::from_secs(5)).await;
                        if let Ok(client) = cx.pool.get().await {
                            let _ = checkpoint::lease(&**client, "scheduler", cx.process, 15.0).await;
                        }
                    }
                };
                tokio::select! {
                    report = jobs::run(job.as_ref(), slot, meta, false, &cx) => { report?; }
                    () = lease => {}
                }
            }
            done.insert(job.name(), slot);
        }
        desk.succeeded();
        desk.pause(Duration::from_secs(1)).await;
    }
    Ok(())
}
