//! Tells everybody who has a price that it changes: those who have it when staff decide so, and who comes
//! to it afterwards.

use super::{Workflow, WorkflowError, caught_up};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::plan::{Plan, PlanEvent, PriceMove};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::calendar::Zone;
use crate::domain::subscription::{Subscription, SubscriptionCommand, SubscriptionEvent};
use crate::projections::subscriptions;
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;
use chrono::Days;
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

/// The workflow.
pub struct PriceChanges;

const NAME: &str = "price_changes";
/// Members told at the same time.
const AT_ONCE: usize = 16;

#[async_trait]
impl Workflow for PriceChanges {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[PlanEvent::CATEGORY, SubscriptionEvent::CATEGORY]
    }

    fn at_once(&self) -> usize {
        8
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(PlanEvent::PlanPriceChangeAnnounced { from, .. }) = event.decode::<PlanEvent>()? {
            return tell_all(event, cx, from).await;
        }
        let terms = match event.decode::<SubscriptionEvent>()? {
            Some(
                SubscriptionEvent::SubscriptionJoined { terms, .. }
                | SubscriptionEvent::PlanChanged { terms, .. }
                | SubscriptionEvent::PlanChangeScheduled { terms, .. },
            ) => terms,
            _ => return Ok(()),
        };
        match load(cx, terms.plan).await?.price_move(terms.variation) {
            Some(change) => tell(event, cx, event.stream_uuid(), (terms.variation, false), change).await,
            None => Ok(()),
        }
    }
}

async fn load(cx: &Services, plan: Uuid) -> Result<Plan, WorkflowError> {
    Ok(EventRepository::<Plan>::new(cx.pool.clone(), cx.journal.clone()).load(plan).await?.state)
}

async fn tell_all(event: &RecordedEvent, cx: &Services, from: Uuid) -> Result<(), WorkflowError> {
    let plan = load(cx, event.stream_uuid()).await?;
    let Some(change) = plan.price_move(from) else { return Ok(()) };
    caught_up(event, cx, &["subscriptions"]).await?;
    let concerned = subscriptions::with_price(&cx.reader, from).await?;
    stream::iter(
        concerned.into_iter().map(|subscription| tell(event, cx, subscription, (from, true), change)),
    )
    .buffer_unordered(AT_ONCE)
    .try_collect::<Vec<()>>()
    .await?;
    Ok(())
}

async fn tell(
    event: &RecordedEvent,
    cx: &Services,
    subscription: Uuid,
    (of, anew): (Uuid, bool),
    change: &PriceMove,
) -> Result<(), WorkflowError> {
    // Nobody has less notice than was promised, however late they came to that price.
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| WorkflowError::Failed(e.to_string()))?;
    let notice = zone.date_of(event.effective_at) + Days::new(u64::from(change.notice_days));
    let command = SubscriptionCommand::AnnouncePrice {
        of,
        variation: change.to.id,
        price: change.to.price,
        from: change.on.max(notice),
        notice_days: change.notice_days,
        anew,
    };
    let (id, meta) = cx.follow(event, NAME, &format!("tell {subscription}"));
    let sent = cx.bus.dispatch::<Subscription>(Envelope::new(id, subscription, command, meta)).await;
    sent.map(|_| ()).map_err(WorkflowError::from)
}
