//! `send-digests`: letters that tell what is new, for those who chose to get them.

use super::{Counts, Job, JobError, Run};
use crate::actors::accounts::digests;
use crate::actors::services::Services;
use crate::domain::clock::Schedule;
use crate::projections::people;
use async_trait::async_trait;
use uuid::Uuid;

/// The job.
pub struct SendDigests;

const PAGE: i64 = 500;

#[async_trait]
impl Job for SendDigests {
    fn name(&self) -> &'static str {
        "send-digests"
    }

    fn schedule(&self) -> Schedule {
        Schedule::daily(1)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let (mut readers, mut sent) = (0_i64, 0_i64);
        let mut last = Uuid::nil();
        loop {
            let page = people::digest_readers(&cx.reader, last, PAGE).await?;
            let Some((newest, _)) = page.last() else { break };
            last = *newest;
            for (account, digest) in page {
                readers += 1;
                sent += i64::from(digests::tell(cx, account, digest, run.at).await?);
            }
        }
        Ok(Counts::from([("readers".into(), readers), ("sent".into(), sent)]))
    }
}
