//! `watchdog`: finds media jobs whose worker died or stopped making progress and returns them to the
//! queue; completes uploads that arrived while nobody could say so. The clock of the database decides, because leases are written with it.

use super::{Counts, Job, JobError, Run};
use crate::actors::encoder::queue;
use crate::actors::services::Services;
use crate::actors::uploads;
use crate::actors::workflows::process_media;
use crate::domain::clock::Schedule;
use crate::projections::media as works;
use async_trait::async_trait;
use chrono::TimeDelta;

/// The job.
pub struct Watchdog;

/// A worker notices by itself that nothing moves (`media.stuck_seconds`). One that does not do so for so many
/// seconds more is told to stop (it notices that the row is no longer its own) and the row is tried again.
const STUCK_MARGIN: f64 = 20.0;

/// A work that is being processed for so long without a row that waits, runs or failed was forgotten.
const FORGOTTEN_MINUTES: i64 = 3;

#[async_trait]
impl Job for Watchdog {
    fn name(&self) -> &'static str {
        "watchdog"
    }

    fn schedule(&self) -> Schedule {
        Schedule::minutes(1)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let lost = queue::take_from_the_dead(&cx.pool).await?;
        let patience = f64::from(u32::try_from(cx.config.media.stuck_seconds).unwrap_or(u32::MAX));
        let stuck = queue::take_from_the_stuck(&cx.pool, patience + STUCK_MARGIN).await?;
        let mut revived = 0;
        let before = run.at - TimeDelta::minutes(FORGOTTEN_MINUTES);
        for work in works::in_processing(&cx.reader, before).await? {
            let first = process_media::first(work.id, work.owner, work.generation);
            revived += u64::from(queue::revive(&cx.pool, &first).await?);
        }
        let arrived =
            uploads::complete_arrived(cx, &run.meta()).await.map_err(|e| JobError::Failed(e.to_string()))?;
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Ok(Counts::from([
            ("lost".into(), count(lost)),
            ("stuck".into(), count(stuck)),
            ("revived".into(), count(revived)),
            ("uploads_completed".into(), count(arrived)),
        ]))
    }
}
