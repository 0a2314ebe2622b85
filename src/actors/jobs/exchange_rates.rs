//! `exchange-rates`: every day, the European Central Bank's file of reference rates, if a setting names its address and
//! a return for the one-stop shop lacks a rate.

use super::{Counts, Job, JobError, Run};
use crate::actors::exchange_rates::{import, missing};
use crate::actors::gifts::today;
use crate::actors::services::Services;
use crate::adapters::ecb_rates;
use crate::domain::clock::Schedule;
use crate::domain::exchange::ExchangeSource;
use async_trait::async_trait;

/// The job.
pub struct ExchangeRates;

#[async_trait]
impl Job for ExchangeRates {
    fn name(&self) -> &'static str {
        "exchange-rates"
    }

    fn schedule(&self) -> Schedule {
        Schedule::daily(4)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let failed = |words: String| JobError::Failed(words);
        let today = today(cx, run.at).map_err(|e| failed(e.to_string()))?;
        let lacking = missing(cx, today).await.map_err(|e| failed(e.to_string()))?.len();
        let mut counts = Counts::from([("missing".into(), count(lacking))]);
        // Nobody is asked for what nobody needs.
        let address = cx.config.billing.exchange_rates_url().filter(|_| lacking > 0);
        let Some(address) = address else { return Ok(counts) };
        let plain = !cx.config.is_production();
        let file = ecb_rates::fetch(&cx.https, "billing.exchange_rates_url", address, plain).await;
        let file = (&*file.map_err(failed)?, ExchangeSource::Fetched);
        let command = (run.command_id("note"), run.meta());
        let (_, noted) = import(cx, file, today, command).await.map_err(|e| failed(e.to_string()))?;
        counts.insert("noted".into(), count(noted));
        Ok(counts)
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
