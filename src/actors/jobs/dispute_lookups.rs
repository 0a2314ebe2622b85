//! `dispute-lookups`: every hour, which charges are disputed and what was decided.

use super::{Counts, Job, JobError, Run};
use crate::actors::disputes;
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use async_trait::async_trait;

/// The job.
pub struct DisputeLookups;

#[async_trait]
impl Job for DisputeLookups {
    fn name(&self) -> &'static str {
        "dispute-lookups"
    }

    fn schedule(&self) -> Schedule {
        Schedule::minutes(60)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let looked = disputes::look(cx, run.at, &run.meta()).await;
        let disputes::Looked { new, failed } = looked.map_err(|e| JobError::Failed(e.to_string()))?;
        Ok(Counts::from([("new".into(), new), ("failed".into(), failed)]))
    }
}
