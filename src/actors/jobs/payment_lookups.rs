//! `payment-lookups`: every minute, what became of charges whose answer was lost.

use super::clock_tick::look_up;
use super::{Counts, Job, JobError, Run};
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use async_trait::async_trait;

/// The job.
pub struct PaymentLookups;

#[async_trait]
impl Job for PaymentLookups {
    fn name(&self) -> &'static str {
        "payment-lookups"
    }

    fn schedule(&self) -> Schedule {
        Schedule::minutes(1)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        Ok(Counts::from([("looked_up".into(), look_up(run, cx).await?)]))
    }
}
