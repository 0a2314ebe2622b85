//! `process-deletion-requests`: begins the erasure of every request whose grace is over and that
//! nothing stands in the way of. The erasure itself is the workflow `erase-account`.
//!
//! No request is skipped in silence: what is blocked is counted, told and shown.

use super::{Counts, Job, JobError, Run};
use crate::actors::accounts::leaving;
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::actors::workflows::erase_account;
use crate::domain::clock::Schedule;
use crate::domain::deletion_request::{DeletionCommand, DeletionError, DeletionRequest};
use crate::projections::deletion_requests;
use async_trait::async_trait;

/// The job.
pub struct ProcessDeletionRequests;

#[async_trait]
impl Job for ProcessDeletionRequests {
    fn name(&self) -> &'static str {
        "process-deletion-requests"
    }

    fn schedule(&self) -> Schedule {
        Schedule::daily(3)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let (mut started, mut blocked) = (0, 0);
        let due = deletion_requests::due(&cx.reader, run.at).await?;
        for request in &due {
            let obstacles = leaving::obstacles(cx, request.account).await?;
            let stopped = !obstacles.is_empty();
            let command = DeletionCommand::Begin { at: run.at, run: run.id, obstacles };
            let id = run.command_id(&request.id.to_string());
            match cx.bus.dispatch::<DeletionRequest>(Envelope::new(id, request.id, command, run.meta())).await
            {
                Ok(_) if stopped => {
                    blocked += 1;
                    tracing::warn!(request = %request.id, "a deletion request is due and blocked");
                }
                Ok(_) => started += 1,
                // Withdrawn since the list was read, or not due after all.
                Err(CommandError::Refused(DeletionError::Withdrawn | DeletionError::NotDue(_))) => {}
                Err(error) => return Err(JobError::Failed(error.to_string())),
            }
        }
        // What was begun earlier and could not go on.
        let mut resumed = 0;
        for request in deletion_requests::executing(&cx.reader).await? {
            if due.iter().all(|d| d.id != request.id) {
                let done = erase_account::carry_out(cx, request.id, request.account, &run.meta()).await;
                done.map_err(|e| JobError::Failed(format!("request {}: {e}", request.id)))?;
                resumed += 1;
            }
        }
        let counts = [("due", due.len()), ("started", started), ("blocked", blocked), ("resumed", resumed)];
        Ok(counts.into_iter().map(|(what, n)| (what.to_owned(), i64::try_from(n).unwrap_or(0))).collect())
    }
}
