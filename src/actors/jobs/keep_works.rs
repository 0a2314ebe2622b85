//! `keep-works`: finished works go from the data folder to the bucket, where the settings want them there.

use super::{Counts, Job, JobError, Run};
use crate::actors::media_moves::{self, MoveError};
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use crate::domain::media::Place;
use async_trait::async_trait;

/// The job.
pub struct KeepWorks;

#[async_trait]
impl Job for KeepWorks {
    fn name(&self) -> &'static str {
        "keep-works"
    }

    fn schedule(&self) -> Schedule {
        Schedule::minutes(10)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        if cx.config.storage.keep != Place::S3 {
            return Ok(Counts::new());
        }
        let moved = match media_moves::move_all(cx, Place::S3, None, &run.meta()).await {
            // A person does the same by command.
            Err(MoveError::Busy) => return Ok(Counts::new()),
            moved => moved.map_err(|e| JobError::Failed(e.to_string()))?,
        };
        for finding in &moved.findings {
            tracing::error!(media = %finding.media, what = finding.what, "a work is not whole and was not moved");
        }
        if moved.no_room > 0 {
            tracing::warn!(works = moved.no_room, "the bucket has no room for works (storage.s3.most_bytes)");
        }
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Ok(Counts::from([
            ("works".into(), count(moved.works)),
            ("files".into(), i64::try_from(moved.files).unwrap_or(i64::MAX)),
            ("waiting".into(), count(moved.waiting)),
            ("no_room".into(), count(moved.no_room)),
            ("findings".into(), count(moved.findings.len())),
        ]))
    }
}
