//! `stats`: adds new views and downloads to their counters, and notes the studio's figures on the hour.

use super::{Counts, Job, JobError, Run};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::actors::visits;
use crate::domain::clock::Schedule;
use crate::domain::statistics::{Statistics, StatisticsCommand, stream_of};
use crate::projections::figures;
use async_trait::async_trait;

/// The job.
pub struct Stats;

#[async_trait]
impl Job for Stats {
    fn name(&self) -> &'static str {
        "stats"
    }

    fn schedule(&self) -> Schedule {
        Schedule::hourly(300)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let visits = visits::fold(cx).await?;
        let mut figures = figures::all(&cx.reader, run.at).await?;
        let counted = visits::total(cx).await?;
        figures.insert("visits.views".into(), counted.views);
        figures.insert("visits.downloads".into(), counted.downloads);
        let noted = i64::try_from(figures.len()).unwrap_or(i64::MAX);
        let command = StatisticsCommand::Sample { at: run.at, figures };
        let envelope = Envelope::new(run.command_id("sample"), stream_of(run.at), command, run.meta());
        let receipt =
            cx.bus.dispatch::<Statistics>(envelope).await.map_err(|e| JobError::Failed(e.to_string()))?;
        // An hour that was sampled before stays as it was noted then.
        let noted = if receipt.position == 0 { 0 } else { noted };
        Ok(Counts::from([("figures".to_owned(), noted), ("visits".to_owned(), visits)]))
    }
}
