//! `watchdog`: finds media jobs whose worker died or stopped making progress and returns them to the
//! queue. The clock of the database decides, because leases are written with it.

use super::{Counts, Job, JobError, Run};
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use crate::store::StoreError;
use async_trait::async_trait;

/// The job.
pub struct Watchdog;

/// A row that renews its lease but finishes no frame for so long is stuck: its worker is told to stop
/// (it notices that the row is no longer its own) and the row is tried again.
const STUCK_MINUTES: i32 = 20;

#[async_trait]
impl Job for Watchdog {
    fn name(&self) -> &'static str {
        "watchdog"
    }

    fn schedule(&self) -> Schedule {
        Schedule::minutes(1)
    }

    async fn run(&self, _run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let client = cx.pool.get().await.map_err(StoreError::from)?;
        let lost = client
            .execute(
                "update public.media_jobs set state = 'queued', worker = null, lease_until = null, error = 'worker_lost'
                 where state = 'running' and lease_until < now() - interval '10 seconds'",
                &[],
            )
            .await?;
        let stuck = client
            .execute(
                "update public.media_jobs set state = 'queued', worker = null, lease_until = null, error = 'stuck'
                 where state = 'running' and progress_at < now() - make_interval(mins => $1)",
                &[&STUCK_MINUTES],
            )
            .await?;
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Ok(Counts::from([("lost".into(), count(lost)), ("stuck".into(), count(stuck))]))
    }
}
