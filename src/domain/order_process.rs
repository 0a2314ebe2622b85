//! How a subscription and its orders keep in step: what one decides becomes a command to the other.
//! Pure, so that years of it can be simulated.

#[cfg(test)]
mod ledger_tests;
pub mod what_if;
pub mod why;
pub mod why_gift;

use super::order::{
    OrderCommand, OrderEvent, OrderItem, PlaceOrder, Settlement, order_number, transfer_reference,
};
use super::shared::calendar::Period;
use super::shared::payment::{BillingPolicy, Collection, OrderReason};
use super::shared::tax::{Country, Tax};
use super::shared::tax_rates::RateTable;
use super::shared::{Money, derive_id};
use super::subscription::{
    EarlierReversal, PlanChangeRequest, Proration, Rebate, Subscription, SubscriptionCommand,
    SubscriptionEvent, Terms, Trigger, UnusedDays,
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use uuid::Uuid;

/// What a decision of a subscription asks for.
#[derive(Debug)]
pub enum OrderStep {
    /// A new order.
    Place(Sale),
    /// Something of an order that is there.
    Send {
        /// Which order.
        order: Uuid,
        /// For what, in a word: with the event it names the command.
        purpose: &'static str,
        /// What.
        command: OrderCommand,
    },
}

/// An order to be made.
#[derive(Debug)]
pub struct Sale {
    /// Its id.
    pub order: Uuid,
    /// Why.
    pub reason: OrderReason,
    /// The day that decides the rate of the tax.
    pub supplied_on: NaiveDate,
    sold: Sold,
}

/// Who sells, and by which ways money can come.
#[derive(Debug)]
pub struct Till {
    /// The seller's country.
    pub home: Country,
    /// The gateway that takes cards, if one does.
    pub card_gateway: Option<String>,
    /// The account for transfers; empty: none.
    pub iban: String,
    /// The rates of tax as they are known.
    pub rates: RateTable,
}

/// What an order sells.
#[derive(Debug)]
enum Sold {
    /// A period of the plan that is agreed, for its price, less what a coupon took off.
    Span(Money, Option<Period>, Option<Rebate>),
    /// Another plan for the rest of the time, less what is left of the one before.
    Change(Box<(Terms, Proration)>),
}

/// What follows for its orders from what a subscription decided at `at`.
#[must_use]
pub fn order_step(decided: SubscriptionEvent, at: DateTime<Utc>) -> Option<OrderStep> {
    use SubscriptionEvent as E;
    let place =
        |order, reason, supplied_on, sold| Some(OrderStep::Place(Sale { order, reason, supplied_on, sold }));
    let send = |order, purpose, command| Some(OrderStep::Send { order, purpose, command });
    let cancel =
        |order, cause: &str| send(order, "cancel", OrderCommand::Cancel { cause: cause.to_owned(), at });
    match decided {
        E::FirstOrderRequested { order, amount, due_on, rebate } => {
            place(order, OrderReason::Join, due_on, Sold::Span(amount, None, rebate))
        }
        E::RenewalOrderRequested { order, amount, period, rebate, .. } => {
            place(order, OrderReason::Renewal, period.start, Sold::Span(amount, Some(period), rebate))
        }
        E::UnusedDaysRefundRequested(UnusedDays { order, part, of, .. }) => {
            send(order, "refund", OrderCommand::RefundPart { refund: refund_id(order), part, of, at })
        }
        E::PlanChangeRequested(PlanChangeRequest { order, terms, proration, .. }) => {
            let on = proration.period.start;
            place(order, OrderReason::PlanChange, on, Sold::Change(Box::new((terms, proration))))
        }
        E::PlanChangeDropped { order, .. } => cancel(order, "plan-change-not-paid"),
        E::ChargeRequested { order, attempt, method, trigger, .. } => {
            let present = trigger != Trigger::Clock;
            send(order, "start", OrderCommand::StartAttempt { attempt, method, present, at })
        }
        E::SubscriptionPutOnHold { order, cause, .. } => {
            let cause: &'static str = cause.into();
            send(order, "fail", OrderCommand::Fail { cause: cause.into(), at })
        }
        E::SubscriptionCancelled { abandoned_order: Some(order), .. } => {
            cancel(order, "subscription-cancelled")
        }
        E::PeriodWaived { order, .. } => cancel(order, "waived"),
        E::EarlierPaymentReversed(EarlierReversal { order, given_up: true, .. }) => {
            cancel(order, "withdrawn")
        }
        E::SubscriptionExpired { abandoned_order: Some(order), .. } => cancel(order, "subscription-expired"),
        _ => None,
    }
}

/// What follows for its subscription from what happened to `order`.
#[must_use]
pub fn subscription_step(
    order: Uuid,
    happened: OrderEvent,
    policy: BillingPolicy,
) -> Option<(Uuid, SubscriptionCommand)> {
    use SubscriptionCommand as C;
    let failed = |attempt, code, hard, at| C::RecordFailure { order, attempt, code, hard, policy, at };
    match happened {
        OrderEvent::OrderPaid { subscription, at, .. } => Some((subscription, C::RecordPaid { order, at })),
        OrderEvent::PaymentDeclined { attempt, subscription, code, hard, at, .. } => {
            Some((subscription, failed(attempt, code, hard, at)))
        }
        OrderEvent::PaymentAttemptCancelled { attempt, subscription, at, .. } => {
            Some((subscription, failed(attempt, "action_not_taken".into(), false, at)))
        }
        OrderEvent::DirectDebitReturned { subscription, reopened: true, at, .. } => {
            Some((subscription, C::ReversePayment { order, policy, at }))
        }
        OrderEvent::PaymentActionRequired { attempt, subscription, until, at, .. } => {
            Some((subscription, C::RecordActionRequired { order, attempt, until, at }))
        }
        _ => None,
    }
}

/// The refund of the days of an order that were not used: there is one.
#[must_use]
pub fn refund_id(order: Uuid) -> Uuid {
    derive_id(&format!("order-{order}"), "unused-days")
}

impl Sale {
    /// The claims by which a period is billed once, for `subscription`: a kind and a name each.
    #[must_use]
    pub fn claims(&self, subscription: Uuid) -> [(&'static str, String); 2] {
        let reason: &'static str = self.reason.into();
        // Plans may be changed more than once a day.
        let billed = match self.reason {
            OrderReason::Join | OrderReason::Renewal => {
                format!("{subscription}/{}/{reason}", self.supplied_on)
            }
            OrderReason::PlanChange | OrderReason::Gift => {
                format!("{subscription}/{}/{reason}", self.order)
            }
        };
        [("order-number", order_number(self.order)), ("billed-period", billed)]
    }

    /// What makes the order for `subscription` as it stands; none if nothing is agreed.
    #[must_use]
    pub fn place(self, subscription: &Subscription, till: &Till, at: DateTime<Utc>) -> Option<PlaceOrder> {
        let terms = subscription.terms()?;
        let buyer = subscription.buyer(till.home);
        let to_pay = |price: Money| Tax::decide(price, buyer, till.home, self.supplied_on, &till.rates);
        let tax = to_pay(self.sold.amount());
        let number = order_number(self.order);
        let settlement = match (terms.collection, subscription.method()) {
            (Collection::Automatic, Some(method)) => Settlement::Charge { gateway: method.gateway.clone() },
            (Collection::Automatic, None) => {
                Settlement::Charge { gateway: till.card_gateway.clone().unwrap_or_else(|| "none".into()) }
            }
            _ => Settlement::Transfer { iban: till.iban.clone(), reference: transfer_reference(&number) },
        };
        Some(PlaceOrder {
            order: self.order,
            number,
            account: subscription.owner(),
            subscription: subscription.id(),
            reason: self.reason,
            items: self.sold.items(terms, tax.gross, |price| to_pay(price).gross),
            tax,
            settlement,
            billing: subscription.billing().cloned(),
            vat_number: subscription.vat_number().filter(|_| subscription.is_business()).cloned(),
            credit: None,
            at,
        })
    }
}

impl Sold {
    fn amount(&self) -> Money {
        match self {
            Self::Span(amount, ..) => *amount,
            Self::Change(change) => change.1.amount(),
        }
    }

    /// The lines; `total` is what they come to once the tax is decided, and `to_pay` does the same for a part.
    fn items(self, agreed: &Terms, total: Money, to_pay: impl Fn(Money) -> Money) -> Vec<OrderItem> {
        let item = |description, unit, period| OrderItem { description, quantity: 1, unit, period };
        match self {
            Self::Span(_, period, None) => vec![item(agreed.title(), total, period)],
            Self::Span(_, period, Some(rebate)) => {
                // The second line takes what rounding left.
                let full = to_pay(rebate.full);
                let off = Money::new(total.minor - full.minor, total.currency);
                let which = match rebate.of {
                    Some(of) if of > 1 => format!("Coupon {}, period {} of {of}", rebate.code, rebate.number),
                    _ => format!("Coupon {}", rebate.code),
                };
                vec![item(agreed.title(), full, period), item(which, off, period)]
            }
            Self::Change(change) => {
                let (new, p) = *change;
                let left =
                    Period { start: p.period.start, end: p.period.start + Days::new(u64::from(p.days_left)) };
                let back = if p.held.is_some() { ", as far as it did not go back before" } else { "" };
                let (before, days, all) = (agreed.title(), p.days_left, p.days_of_period);
                let credit = format!("{before}: {days} of {all} days not used{back}");
                // Who accounts for the tax sees net prices only; the second line takes what rounding left.
                let charge = to_pay(p.charge);
                let back = Money::new(total.minor - charge.minor, total.currency);
                vec![item(new.title(), charge, Some(p.period)), item(credit, back, Some(left))]
            }
        }
    }
}
