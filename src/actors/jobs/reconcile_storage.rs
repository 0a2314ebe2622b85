//! `reconcile-storage`: every file has an owner in the log and every work its files, by hash. Reports;
//! orphans are pruned only by `kinora media prune --remove`.

use super::{Counts, Job, JobError, Run};
use crate::actors::media_files::{self, Depth};
use crate::actors::media_orphans;
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use async_trait::async_trait;

/// The job.
pub struct ReconcileStorage;

#[async_trait]
impl Job for ReconcileStorage {
    fn name(&self) -> &'static str {
        "reconcile-storage"
    }

    fn schedule(&self) -> Schedule {
        Schedule::weekly(12)
    }

    async fn run(&self, _run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let verified = media_files::verify(cx, Depth::Notes).await?;
        for finding in &verified.findings {
            tracing::error!(media = %finding.media, what = finding.what, mend = finding.mend, "a file is not as the log says");
        }
        if verified.without_hashes > 0 {
            tracing::info!(
                works = verified.without_hashes,
                "works of which the log holds no hashes of what was made"
            );
        }
        let orphans = media_orphans::prune(cx, false).await?;
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Ok(Counts::from([
            ("works".into(), count(verified.works)),
            ("without_hashes".into(), count(verified.without_hashes)),
            ("findings".into(), count(verified.findings.len())),
            ("orphans".into(), count(orphans.orphans)),
        ]))
    }
}
