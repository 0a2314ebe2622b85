//! `backup`: makes a backup in the configured folder, and removes those whose time is over.

use super::{Counts, Job, JobError, Run};
use crate::actors::backup;
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use async_trait::async_trait;

/// The job.
pub struct Backup;

#[async_trait]
impl Job for Backup {
    fn name(&self) -> &'static str {
        "backup"
    }

    fn schedule(&self) -> Schedule {
        Schedule::daily(0)
    }

    async fn run(&self, _run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let Some(folder) = &cx.config.backup.folder else {
            return Ok(Counts::from([("configured".into(), 0)]));
        };
        let made = backup::create(cx, folder).await.map_err(|e| JobError::Failed(e.to_string()))?;
        Ok(Counts::from([
            ("configured".into(), 1),
            ("bytes".into(), i64::try_from(made.bytes).unwrap_or(i64::MAX)),
            ("removed".into(), i64::try_from(made.removed).unwrap_or(i64::MAX)),
        ]))
    }
}
