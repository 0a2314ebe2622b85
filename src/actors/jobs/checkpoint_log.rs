//! `checkpoint-log`: reads what is new in the log, once a day all of it, and signs its head.

use super::{Counts, Job, JobError, Run};
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use crate::store::StoreError;
use crate::store::audit::last_verification;
use async_trait::async_trait;
use chrono::TimeDelta;

/// The job.
pub struct CheckpointLog;

/// How old the last reading of the whole log may be.
const WHOLE_HOURS: i64 = 24;

#[async_trait]
impl Job for CheckpointLog {
    fn name(&self) -> &'static str {
        "checkpoint-log"
    }

    fn schedule(&self) -> Schedule {
        Schedule::hourly(0)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let client = cx.pool.get().await.map_err(StoreError::from)?;
        let last = last_verification(&**client).await?;
        drop(client);
        let due = run.at - TimeDelta::hours(WHOLE_HOURS);
        // A reading in the future is none: nobody has read then.
        let read = |at| at > due && at <= cx.clock.now().max(run.at);
        let whole = last.is_none_or(|l| !l.ok || !l.whole_at.is_some_and(read));
        let found = cx.audit.verify(!whole, &[], |_, _| {}).await?;
        cx.audit.note_verification(&found, whole, cx.clock.now()).await?;
        if !found.ok {
            // A log that is not what it was is not signed: the last good checkpoint stays the newest.
            return Err(JobError::Failed(format!(
                "the log was changed at position {}: {}",
                found.first_bad_position.unwrap_or_default(),
                found.reason.unwrap_or_default()
            )));
        }
        let signed = cx.audit.sign_head(run.at).await?;
        Ok(Counts::from([
            ("verified".into(), found.events),
            ("whole".into(), i64::from(whole)),
            ("signed".into(), i64::from(signed.is_some())),
        ]))
    }
}
