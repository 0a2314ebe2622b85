//! `vat-checks`: every day, VAT numbers that the register has not answered for, or was asked for long ago.

use super::{Counts, Job, JobError, Run};
use crate::actors::services::Services;
use crate::actors::vat;
use crate::domain::clock::Schedule;
use async_trait::async_trait;

/// The job.
pub struct VatChecks;

#[async_trait]
impl Job for VatChecks {
    fn name(&self) -> &'static str {
        "vat-checks"
    }

    fn schedule(&self) -> Schedule {
        Schedule::daily(4)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let id = |subscription| run.command_id(&format!("vat {subscription}"));
        let round = vat::ask_again(cx, run.at, id, &run.meta()).await;
        let round = round.map_err(|e| JobError::Failed(e.to_string()))?;
        Ok(Counts::from([
            ("asked".into(), round.asked),
            ("pending".into(), round.pending),
            ("refused".into(), round.refused),
            ("failed".into(), round.failed),
        ]))
    }
}
