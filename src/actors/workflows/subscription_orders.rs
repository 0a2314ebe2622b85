//! Keeps a subscription and its orders in step: what the subscription decides becomes commands to
//! its order, and what becomes of the order is told to the subscription. Which is decided in
//! [`order_process`](crate::domain::order_process).

use super::{Workflow, WorkflowError, tax_changes};
use crate::actors::bus::{Claim, CommandError, Envelope};
use crate::actors::credits;
use crate::actors::payments::{self, bank_account};
use crate::actors::services::Services;
use crate::domain::gift::is_order_of;
use crate::domain::order::{Order, OrderCommand, OrderError, OrderEvent, OrderStatus};
use crate::domain::order_process::{OrderStep, Sale, Till, order_step, subscription_step};
use crate::domain::shared::Money;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::tax::Country;
use crate::domain::subscription::{
    CancelCause, Subscription, SubscriptionCommand, SubscriptionError, SubscriptionEvent,
};
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;

/// The workflow.
pub struct SubscriptionOrders;

const NAME: &str = "subscription_orders";

#[async_trait]
impl Workflow for SubscriptionOrders {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[SubscriptionEvent::CATEGORY, OrderEvent::CATEGORY]
    }

    fn at_once(&self) -> usize {
        16
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        if let Some(decided) = event.decode::<SubscriptionEvent>()? {
            return from_subscription(event, decided, cx).await;
        }
        match event.decode::<OrderEvent>()? {
            Some(happened) => from_order(event, happened, cx).await,
            None => Ok(()),
        }
    }
}

async fn from_subscription(
    event: &RecordedEvent,
    decided: SubscriptionEvent,
    cx: &Services,
) -> Result<(), WorkflowError> {
    match order_step(decided, event.effective_at) {
        None => Ok(()),
        Some(OrderStep::Place(sale)) => place(event, cx, sale).await,
        Some(OrderStep::Send { order, purpose, command }) => {
            let (id, meta) = cx.follow(event, NAME, purpose);
            match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await {
                // Paid or cancelled meanwhile: the order's own events tell the subscription.
                Ok(_) | Err(CommandError::Refused(OrderError::Paid | OrderError::Cancelled)) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

async fn from_order(event: &RecordedEvent, happened: OrderEvent, cx: &Services) -> Result<(), WorkflowError> {
    if let (OrderEvent::PaymentDisputed { subscription, at, too_much: false, .. }, true) =
        (&happened, cx.config.billing.dispute_ends_access)
        && !is_order_of(*subscription, event.stream_uuid())
    {
        let command = SubscriptionCommand::EndNow { cause: CancelCause::Disputed, at: *at };
        let (id, meta) = cx.follow(event, NAME, "end");
        let sent = cx.bus.dispatch::<Subscription>(Envelope::new(id, *subscription, command, meta)).await;
        return match sent {
            Ok(_) | Err(CommandError::Refused(SubscriptionError::Ended)) => Ok(()),
            Err(error) => Err(error.into()),
        };
    }
    if moves_money_back(&happened) {
        return refunded_of(event, cx).await;
    }
    let not_taken =
        matches!(happened, OrderEvent::PaymentDeclined { .. } | OrderEvent::PaymentAttemptCancelled { .. });
    if not_taken {
        // What came by transfer meanwhile has paid it: that is told next, and nothing failed.
        let state = payments::load_order(cx, event.stream_uuid()).await?;
        if state.status().is_some_and(OrderStatus::is_settled) {
            return Ok(());
        }
    }
    let taken_back = matches!(happened, OrderEvent::DirectDebitReturned { .. });
    let step = subscription_step(event.stream_uuid(), happened, payments::policy(&cx.config));
    let Some((subscription, command)) = step else { return Ok(()) };
    // What becomes of a gift is told to the gift.
    if is_order_of(subscription, event.stream_uuid()) {
        return Ok(());
    }
    let (id, meta) = cx.follow(event, NAME, "tell");
    match cx.bus.dispatch::<Subscription>(Envelope::new(id, subscription, command, meta)).await {
        Ok(_) => Ok(()),
        Err(CommandError::Refused(_)) if taken_back => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether it changes what is left of the price of an order.
const fn moves_money_back(happened: &OrderEvent) -> bool {
    use OrderEvent as E;
    matches!(
        happened,
        E::RefundProposed { .. }
            | E::RefundStarted { .. }
            | E::RefundSucceeded { .. }
            | E::RefundRefused { .. }
            | E::RefundRejected { .. }
            | E::RefundLapsed { .. }
            | E::PaymentDisputed { .. }
            | E::DisputeClosed { .. }
    )
}

/// The subscription credits no second time what goes back. The event does not say what the order is for.
async fn refunded_of(event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
    let order = event.stream_uuid();
    let state = payments::load_order(cx, order).await?;
    let (subscription, Some(of)) = (state.subject(), state.total()) else { return Ok(()) };
    if is_order_of(subscription, order) || !state.status().is_some_and(OrderStatus::is_settled) {
        return Ok(());
    }
    let refunded = Money::new(of.minor.saturating_sub(state.held_of_price()), of.currency);
    let command = SubscriptionCommand::RecordRefund { order, refunded, of };
    let (id, meta) = cx.follow(event, NAME, "refunded");
    let sent = cx.bus.dispatch::<Subscription>(Envelope::new(id, subscription, command, meta)).await;
    sent.map(|_| ()).map_err(WorkflowError::from)
}

async fn place(event: &RecordedEvent, cx: &Services, sale: Sale) -> Result<(), WorkflowError> {
    let subscription = event.stream_uuid();
    let state = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone())
        .load(subscription)
        .await?
        .state;
    let till = Till {
        home: Country::parse(&cx.config.studio.country).map_err(|e| WorkflowError::Failed(e.to_string()))?,
        card_gateway: payments::card_gateway(cx).map(str::to_owned),
        iban: bank_account(&cx.config).map(|(iban, _)| iban.as_str().to_owned()).unwrap_or_default(),
        rates: tax_changes::rates(cx).await?,
    };
    let order = sale.order;
    let claims = sale.claims(subscription).map(|(kind, name)| Claim::new(kind, name)).to_vec();
    let mut place = sale
        .place(&state, &till, event.effective_at)
        .ok_or_else(|| WorkflowError::Failed("the subscription has no terms".into()))?;
    credits::set_aside(cx, event, NAME, &mut place).await?;
    let owner = place.account;
    let command = OrderCommand::Place(Box::new(place));
    let (id, meta) = cx.follow(event, NAME, "place");
    let sent = cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta).with_claims(claims)).await;
    if let Err(error) = &sent {
        credits::not_placed(cx, event, NAME, (owner, order), error).await?;
    }
    sent.map(|_| ()).map_err(WorkflowError::from)
}
