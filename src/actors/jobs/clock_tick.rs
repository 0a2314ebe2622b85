//! `clock-tick`: asks every subscription that may have something due. One that fails never stops
//! the rest; it is counted, set aside and shown.

use super::{Counts, Job, JobError, Run, tick_failures};
use crate::actors::bus::Envelope;
use crate::actors::payments;
use crate::actors::refunds;
use crate::actors::services::Services;
use crate::actors::workflows::charge_payments;
use crate::domain::clock::Schedule;
use crate::domain::shared::payment::BillingPolicy;
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::projections::refunds::to_look_up as refunds_open;
use crate::projections::{orders, subscriptions};
use crate::store::log;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use std::time::Duration;
use uuid::Uuid;

/// The job.
pub struct ClockTick;

const PAGE: i64 = 500;
/// Subscriptions asked at the same time.
const AT_ONCE: usize = 32;

#[async_trait]
impl Job for ClockTick {
    fn name(&self) -> &'static str {
        "clock-tick"
    }

    fn schedule(&self) -> Schedule {
        Schedule::hourly(180)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        catch_up(cx).await?;
        let policy = payments::policy(&cx.config);
        let (mut asked, mut decided, mut failed) = (0_i64, 0_i64, 0_i64);
        let mut last = Uuid::nil();
        loop {
            let page = subscriptions::due(&cx.reader, run.at, last, PAGE).await?;
            let Some(newest) = page.last() else { break };
            last = *newest;
            let mut answers =
                stream::iter(page).map(|id| tick(run, cx, policy, id)).buffer_unordered(AT_ONCE);
            let mut fine = Vec::new();
            while let Some((id, answer)) = answers.next().await {
                asked += 1;
                match answer {
                    Ok(changed) => {
                        decided += i64::from(changed);
                        fine.push(id);
                    }
                    Err(error) => {
                        failed += 1;
                        tracing::error!(subscription = %id, error, "a subscription could not be ticked");
                        tick_failures::record(cx, id, &error, run.at).await?;
                    }
                }
            }
            tick_failures::forget(cx, &fine).await?;
        }
        let looked_up = look_up(run, cx).await?;
        Ok(Counts::from([
            ("asked".into(), asked),
            ("decided".into(), decided),
            ("failed".into(), failed),
            ("looked_up".into(), looked_up),
        ]))
    }
}

async fn tick(run: &Run, cx: &Services, policy: BillingPolicy, id: Uuid) -> (Uuid, Result<bool, String>) {
    let command = SubscriptionCommand::Tick { policy, at: run.at };
    let envelope = Envelope::new(run.command_id(&format!("tick/{id}")), id, command, run.meta());
    let answer = cx.bus.dispatch::<Subscription>(envelope).await;
    (id, answer.map(|receipt| receipt.position > 0).map_err(|e| e.to_string()))
}

/// Finds out what became of payments whose answer was lost.
pub(super) async fn look_up(run: &Run, cx: &Services) -> Result<i64, JobError> {
    let mut found = 0;
    for (order, attempt) in orders::to_look_up(&cx.reader, charge_payments::NAME, run.at, PAGE).await? {
        match payments::look_up(cx, order, attempt, None, run.meta()).await {
            Ok(asked) => found += i64::from(asked),
            Err(error) => tracing::error!(%order, %error, "a payment could not be looked up"),
        }
    }
    for (order, refund) in refunds_open(&cx.reader, charge_payments::NAME, run.at, PAGE).await? {
        match refunds::look_up(cx, order, refund, None, run.meta()).await {
            Ok(asked) => found += i64::from(asked),
            Err(error) => tracing::error!(%order, %error, "a refund could not be looked up"),
        }
    }
    Ok(found)
}

/// Waits until the list of subscriptions shows what was decided before this run.
async fn catch_up(cx: &Services) -> Result<(), JobError> {
    let head = {
        let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
        log::head(&**client).await?
    };
    if !cx.reader.wait_for(head, Duration::from_secs(30)).await? {
        return Err(JobError::Failed(
            "the list of subscriptions is too far behind the log; try again".into(),
        ));
    }
    Ok(())
}
