//! `dispute-lookups`: every hour, which charges are disputed and what was decided, and, once a day for each, whether
//! what was given back stayed there.

use super::{Counts, Job, JobError, Run};
use crate::actors::services::Services;
use crate::actors::{disputes, refunds};
use crate::domain::clock::Schedule;
use crate::projections::refunds::made_since;
use async_trait::async_trait;
use chrono::TimeDelta;

/// For how long a refund may come back: a card's bank has some weeks to return one.
const RETURNS: TimeDelta = TimeDelta::days(30);
/// Refunds that are asked about in one run; those that were made first, whose time is over first.
const AT_ONCE: i64 = 5_000;

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
        // First: each refund has one hour of the day, which a list that cannot be had must not take from it.
        let came_back = came_back(run, cx).await?;
        let looked = disputes::look(cx, run.at, &run.meta()).await;
        let disputes::Looked { new, failed } = looked.map_err(|e| JobError::Failed(e.to_string()))?;
        Ok(Counts::from([
            ("new".into(), new),
            ("failed".into(), failed),
            ("refunds_came_back".into(), came_back),
        ]))
    }
}

/// Refunds that the gateway had made and now says it could not.
async fn came_back(run: &Run, cx: &Services) -> Result<i64, JobError> {
    let mut found = 0;
    for (order, refund) in made_since(&cx.reader, run.at - RETURNS, run.at, AT_ONCE).await? {
        match refunds::look_up(cx, order, refund, None, run.meta()).await {
            Ok(came_back) => found += i64::from(came_back),
            Err(error) => tracing::error!(%order, %error, "a refund could not be looked up"),
        }
    }
    Ok(found)
}
