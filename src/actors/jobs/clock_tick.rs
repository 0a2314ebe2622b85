//! `clock-tick`: asks every subscription that may have something due. One that fails never stops
//! the rest; it is counted, set aside and shown.

use super::{Counts, Job, JobError, Run, progress, tick_failures};
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
use crate::store::repository::{EventRepository, Loaded};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// The job.
pub struct ClockTick;

/// Payments looked up in a run.
const LOOKED_UP: i64 = 500;
/// Subscriptions that are read together: two queries for all of them.
const PAGE: i64 = 1000;
/// Subscriptions asked at the same time. They need no connection of their own, and what they append is written
/// together: the more there are, the less each costs. Far below what the bus admits, so that others find room.
const AT_ONCE: usize = 128;

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
            let mut known = read(cx, &page).await;
            let mut answers = stream::iter(page)
                .map(|id| tick(run, cx, policy, id, known.remove(&id)))
                .buffer_unordered(AT_ONCE);
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
            progress::note(cx, run.id, &counts(asked, decided, failed)).await?;
        }
        let mut done = counts(asked, decided, failed);
        done.insert("looked_up".into(), look_up(run, cx).await?);
        Ok(done)
    }
}

fn counts(asked: i64, decided: i64, failed: i64) -> Counts {
    Counts::from([("asked".into(), asked), ("decided".into(), decided), ("failed".into(), failed)])
}

/// The subscriptions of a page. Those that are missing, or all if the database does not answer, are read one by one
/// when they are asked, and then it shows what is wrong with them.
async fn read(cx: &Services, page: &[Uuid]) -> HashMap<Uuid, Loaded<Subscription>> {
    let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
    repository.load_many(page).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "subscriptions could not be read together");
        HashMap::new()
    })
}

async fn tick(
    run: &Run,
    cx: &Services,
    policy: BillingPolicy,
    id: Uuid,
    known: Option<Loaded<Subscription>>,
) -> (Uuid, Result<bool, String>) {
    let command = SubscriptionCommand::Tick { policy, at: run.at };
    let envelope = Envelope::new(run.command_id(&format!("tick/{id}")), id, command, run.meta());
    let answer = cx.bus.dispatch_on::<Subscription>(envelope, known).await;
    (id, answer.map(|receipt| receipt.position > 0).map_err(|e| e.to_string()))
}

/// Finds out what became of payments whose answer was lost.
pub(super) async fn look_up(run: &Run, cx: &Services) -> Result<i64, JobError> {
    let mut found = 0;
    for (order, attempt) in orders::to_look_up(&cx.reader, charge_payments::NAME, run.at, LOOKED_UP).await? {
        match payments::look_up(cx, order, attempt, None, run.meta()).await {
            Ok(asked) => found += i64::from(asked),
            Err(error) => tracing::error!(%order, %error, "a payment could not be looked up"),
        }
    }
    for (order, refund) in refunds_open(&cx.reader, charge_payments::NAME, run.at, LOOKED_UP).await? {
        match refunds::look_up(cx, order, refund, None, run.meta()).await {
            Ok(asked) => found += i64::from(asked),
            Err(error) => tracing::error!(%order, %error, "a refund could not be looked up"),
        }
    }
    Ok(found)
}

/// What a run reads.
const LISTS: [&str; 3] = ["subscriptions", "orders", "refunds"];

/// Waits until the lists show what was decided before this run.
async fn catch_up(cx: &Services) -> Result<(), JobError> {
    let head = {
        let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
        log::head(&**client).await?
    };
    if !cx.reader.wait_for_these(&LISTS, head, Duration::from_secs(30)).await? {
        return Err(JobError::Failed(
            "the lists of subscriptions, orders and refunds are too far behind the log; try again".into(),
        ));
    }
    Ok(())
}
