//! Tells those whose payments change by another rate of tax: those who are members when staff decide so, and
//! who comes or moves to the country afterwards.

use super::{Workflow, WorkflowError, caught_up};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::tax::Country;
use crate::domain::shared::tax_rates::RateTable;
use crate::domain::subscription::{RatesMove, Subscription, SubscriptionCommand, SubscriptionEvent};
use crate::domain::tax_book::{TaxBook, TaxBookEvent, book_id};
use crate::projections::subscriptions;
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

/// The workflow.
pub struct TaxChanges;

const NAME: &str = "tax_changes";
/// Members told at the same time.
const AT_ONCE: usize = 16;

#[async_trait]
impl Workflow for TaxChanges {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[TaxBookEvent::CATEGORY, SubscriptionEvent::CATEGORY]
    }

    fn at_once(&self) -> usize {
        8
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(decided) = event.decode::<TaxBookEvent>()? {
            return tell_all(event, cx, &decided).await;
        }
        match event.decode::<SubscriptionEvent>()? {
            // Only who accounts for the tax pays by the rate.
            Some(SubscriptionEvent::BillingDetailsChanged { country, vat_number: Some(_), .. }) => {
                tell_newcomer(event, cx, country).await
            }
            // Only from then on it is known when the next payment is due.
            Some(
                SubscriptionEvent::SubscriptionActivated { .. } | SubscriptionEvent::TrialStarted { .. },
            ) => {
                let repository = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone());
                match repository.load(event.stream_uuid()).await?.state.country() {
                    Some(country) => tell_newcomer(event, cx, country).await,
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// The rates as the log has them now.
pub(super) async fn rates(cx: &Services) -> Result<RateTable, WorkflowError> {
    let repository = EventRepository::<TaxBook>::new(cx.pool.clone(), cx.journal.clone());
    Ok(repository.load(book_id()).await?.state.rates().clone())
}

fn home(cx: &Services) -> Result<Country, WorkflowError> {
    Country::parse(&cx.config.studio.country).map_err(|e| WorkflowError::Failed(e.to_string()))
}

async fn tell_all(event: &RecordedEvent, cx: &Services, decided: &TaxBookEvent) -> Result<(), WorkflowError> {
    let (country, from, was, is) = decided.change();
    let now = rates(cx).await?;
    let moved = RatesMove {
        home: home(cx)?,
        country,
        from,
        before: now.clone().with(country, from, was),
        after: now.with(country, from, is),
    };
    caught_up(event, cx, &["subscriptions"]).await?;
    let concerned = subscriptions::businesses_in(&cx.reader, country).await?;
    stream::iter(concerned.into_iter().map(|subscription| tell(event, cx, subscription, moved.clone())))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

async fn tell_newcomer(event: &RecordedEvent, cx: &Services, country: Country) -> Result<(), WorkflowError> {
    let after = rates(cx).await?;
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| WorkflowError::Failed(e.to_string()))?;
    let today = zone.date_of(event.effective_at);
    let Some(next) = after.next_change(country, today) else { return Ok(()) };
    let before = after.clone().with(country, next.from, None);
    let moved = RatesMove { home: home(cx)?, country, from: next.from, before, after };
    tell(event, cx, event.stream_uuid(), moved).await
}

async fn tell(
    event: &RecordedEvent,
    cx: &Services,
    subscription: Uuid,
    moved: RatesMove,
) -> Result<(), WorkflowError> {
    let (id, meta) = cx.follow(event, NAME, &format!("tell {subscription}"));
    let command = SubscriptionCommand::AnnounceTax(Box::new(moved));
    let sent = cx.bus.dispatch::<Subscription>(Envelope::new(id, subscription, command, meta)).await;
    sent.map(|_| ()).map_err(WorkflowError::from)
}
