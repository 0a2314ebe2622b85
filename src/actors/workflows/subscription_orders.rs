//! Keeps a subscription and its orders in step: what the subscription decides becomes commands to
//! its order, and what becomes of the order is told to the subscription.

use super::{Workflow, WorkflowError};
use crate::actors::bus::{Claim, CommandError, Envelope};
use crate::actors::payments::{self, bank_account};
use crate::actors::services::Services;
use crate::domain::order::{
    Order, OrderCommand, OrderError, OrderEvent, OrderItem, PlaceOrder, Settlement, order_number,
    transfer_reference,
};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::Period;
use crate::domain::shared::payment::{Collection, OrderReason};
use crate::domain::shared::tax::{Country, Tax};
use crate::domain::subscription::{Proration, Subscription, SubscriptionCommand, SubscriptionEvent, Terms};
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use uuid::Uuid;

/// The workflow.
pub struct SubscriptionOrders;

const NAME: &str = "subscription_orders";

#[async_trait]
impl Workflow for SubscriptionOrders {
    fn name(&self) -> &'static str {
        NAME
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
    use SubscriptionEvent as E;
    let at = event.effective_at;
    match decided {
        E::FirstOrderRequested { order, amount, due_on } => {
            place(event, cx, order, OrderReason::Join, due_on, Sold::Span(amount, None)).await
        }
        E::RenewalOrderRequested { order, amount, period, .. } => {
            place(event, cx, order, OrderReason::Renewal, period.start, Sold::Span(amount, Some(period)))
                .await
        }
        E::PlanChangeRequested { order, terms, proration, .. } => {
            let on = proration.period.start;
            place(event, cx, order, OrderReason::PlanChange, on, Sold::Change(terms, proration)).await
        }
        E::PlanChangeDropped { order, .. } => {
            let cause = "plan-change-not-paid".into();
            to_order(event, cx, order, "cancel", OrderCommand::Cancel { cause, at }).await
        }
        E::ChargeRequested { order, attempt, method, .. } => {
            to_order(event, cx, order, "start", OrderCommand::StartAttempt { attempt, method, at }).await
        }
        E::SubscriptionPutOnHold { order, cause, .. } => {
            let cause: &'static str = cause.into();
            to_order(event, cx, order, "fail", OrderCommand::Fail { cause: cause.into(), at }).await
        }
        E::SubscriptionCancelled { abandoned_order: Some(order), .. } => {
            let cause = "subscription-cancelled".into();
            to_order(event, cx, order, "cancel", OrderCommand::Cancel { cause, at }).await
        }
        E::PeriodWaived { order, .. } => {
            to_order(event, cx, order, "cancel", OrderCommand::Cancel { cause: "waived".into(), at }).await
        }
        E::SubscriptionExpired { abandoned_order: Some(order), .. } => {
            let cause = "subscription-expired".into();
            to_order(event, cx, order, "cancel", OrderCommand::Cancel { cause, at }).await
        }
        _ => Ok(()),
    }
}

async fn from_order(event: &RecordedEvent, happened: OrderEvent, cx: &Services) -> Result<(), WorkflowError> {
    let (order, policy) = (event.stream_uuid(), payments::policy(&cx.config));
    let (subscription, command) = match happened {
        OrderEvent::OrderPaid { subscription, at, .. } => {
            (subscription, SubscriptionCommand::RecordPaid { order, at })
        }
        OrderEvent::PaymentDeclined { attempt, subscription, code, hard, at, .. } => {
            (subscription, SubscriptionCommand::RecordFailure { order, attempt, code, hard, policy, at })
        }
        OrderEvent::PaymentAttemptCancelled { attempt, subscription, at, .. } => {
            let code = String::from("action_not_taken");
            (
                subscription,
                SubscriptionCommand::RecordFailure { order, attempt, code, hard: false, policy, at },
            )
        }
        OrderEvent::PaymentActionRequired { attempt, subscription, until, at, .. } => {
            (subscription, SubscriptionCommand::RecordActionRequired { order, attempt, until, at })
        }
        _ => return Ok(()),
    };
    let (id, meta) = cx.follow(event, NAME, "tell");
    let sent = cx.bus.dispatch::<Subscription>(Envelope::new(id, subscription, command, meta)).await;
    sent.map(|_| ()).map_err(|e| WorkflowError::Failed(e.to_string()))
}

async fn to_order(
    event: &RecordedEvent,
    cx: &Services,
    order: Uuid,
    purpose: &str,
    command: OrderCommand,
) -> Result<(), WorkflowError> {
    let (id, meta) = cx.follow(event, NAME, purpose);
    match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta)).await {
        // Paid or cancelled meanwhile: the order's own events tell the subscription.
        Ok(_) | Err(CommandError::Refused(OrderError::Paid | OrderError::Cancelled)) => Ok(()),
        Err(error) => Err(WorkflowError::Failed(error.to_string())),
    }
}

/// What an order sells.
enum Sold {
    /// A period of the plan that is agreed, for its price.
    Span(Money, Option<Period>),
    /// Another plan for the rest of the time, less what is left of the one before.
    Change(Terms, Proration),
}

impl Sold {
    fn amount(&self) -> Money {
        match self {
            Self::Span(amount, _) => *amount,
            Self::Change(_, proration) => proration.amount(),
        }
    }

    /// The lines; `total` is what they come to once the tax is decided, and `to_pay` does the same for a part.
    fn items(self, agreed: &Terms, total: Money, to_pay: impl Fn(Money) -> Money) -> Vec<OrderItem> {
        let name = |terms: &Terms| format!("{}, {}", terms.plan_name, terms.interval.adjective());
        let item = |description, unit, period| OrderItem { description, quantity: 1, unit, period };
        match self {
            Self::Span(_, period) => vec![item(name(agreed), total, period)],
            Self::Change(new, p) => {
                let left =
                    Period { start: p.period.start, end: p.period.start + Days::new(u64::from(p.days_left)) };
                let credit =
                    format!("{}: {} of {} days not used", name(agreed), p.days_left, p.days_of_period);
                // Who accounts for the tax sees net prices only; the second line takes what rounding left.
                let charge = to_pay(p.charge);
                let back = Money::new(total.minor - charge.minor, total.currency);
                vec![item(name(&new), charge, Some(p.period)), item(credit, back, Some(left))]
            }
        }
    }
}

async fn place(
    event: &RecordedEvent,
    cx: &Services,
    order: Uuid,
    reason: OrderReason,
    supplied_on: NaiveDate,
    sold: Sold,
) -> Result<(), WorkflowError> {
    let subscription = event.stream_uuid();
    let state = EventRepository::<Subscription>::new(cx.pool.clone(), cx.journal.clone())
        .load(subscription)
        .await?
        .state;
    let terms = state.terms().ok_or_else(|| WorkflowError::Failed("the subscription has no terms".into()))?;
    let seller =
        Country::parse(&cx.config.studio.country).map_err(|e| WorkflowError::Failed(e.to_string()))?;
    let buyer = state.buyer(seller);
    let tax = Tax::decide(sold.amount(), buyer, seller, supplied_on);
    let number = order_number(order);
    let settlement = match (terms.collection, state.method()) {
        (Collection::Automatic, Some(method)) => Settlement::Charge { gateway: method.gateway.clone() },
        (Collection::Automatic, None) => {
            Settlement::Charge { gateway: payments::card_gateway(cx).unwrap_or("none").to_owned() }
        }
        _ => Settlement::Transfer {
            iban: bank_account(&cx.config).map(|(iban, _)| iban.as_str().to_owned()).unwrap_or_default(),
            reference: transfer_reference(&number),
        },
    };
    let reason_word: &'static str = reason.into();
    // A period is billed once; plans may be changed more than once a day.
    let billed = match reason {
        OrderReason::Join | OrderReason::Renewal => format!("{subscription}/{supplied_on}/{reason_word}"),
        OrderReason::PlanChange => format!("{subscription}/{order}/{reason_word}"),
    };
    let claims = vec![Claim::new("order-number", number.clone()), Claim::new("billed-period", billed)];
    let command = OrderCommand::Place(Box::new(PlaceOrder {
        order,
        number,
        account: state.owner(),
        subscription,
        reason,
        items: sold.items(terms, tax.gross, |price| Tax::decide(price, buyer, seller, supplied_on).gross),
        tax,
        settlement,
        billing: state.billing().cloned(),
        vat_number: state.vat_number().cloned(),
        at: event.effective_at,
    }));
    let (id, meta) = cx.follow(event, NAME, "place");
    let sent = cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta).with_claims(claims)).await;
    sent.map(|_| ()).map_err(|e| WorkflowError::Failed(e.to_string()))
}
