//! What is taken over from the life that was lived: what people and banks did, and what gateways answered. What the
//! clock caused is left out, it comes by itself.

use super::{Difference, History};
use crate::domain::order::OrderEvent;
use crate::domain::shared::Money;
use crate::domain::shared::payment::{BillingPolicy, Outcome};
use crate::domain::subscription::{
    AwaitedDebit, CancelCause, PauseOver, PlanChangeRequest, PriceNotice, RejectedDebit, Status,
    Subscription, SubscriptionCommand, SubscriptionEvent, Trigger, Withdrawal,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// What people did, or what became of money, at a time.
pub(super) enum Input {
    /// What was asked of the subscription, and the event that followed from it.
    Act(Box<SubscriptionEvent>, Box<SubscriptionCommand>),
    /// What became of money for an order.
    Money(Uuid, Moved),
}

/// Money that gateways know nothing of.
pub(super) enum Moved {
    /// It came by transfer; with it nothing was missing any more, or something still was.
    Came { received: Money, whole: bool },
    /// It stands in a file for the bank.
    Debit { file: Uuid, mandate: Uuid, amount: Money, collect_on: NaiveDate },
    /// The bank does not collect it.
    Rejected(String),
    /// The bank gave it back.
    Returned(String),
    /// The buyer's credit paid.
    Credit { id: Uuid, amount: Money },
}

/// An input, when it took effect, and when it was known: money may be booked for a day that is over.
pub(super) struct Timed {
    pub(super) known_at: DateTime<Utc>,
    pub(super) at: DateTime<Utc>,
    pub(super) input: Input,
}

/// What people and banks did, oldest first; `policy` is what is in force today.
pub(super) fn inputs(history: &History, policy: BillingPolicy) -> Vec<Timed> {
    let mut all = acts(history, policy);
    let mut known_at = DateTime::<Utc>::MIN_UTC;
    for (at, order, event) in &history.orders {
        known_at = known_at.max(*at);
        if let Some(moved) = moved(event) {
            all.push(Timed { known_at, at: *at, input: Input::Money(*order, moved) });
        }
    }
    all.sort_by_key(|timed| timed.known_at);
    all
}

fn moved(event: &OrderEvent) -> Option<Moved> {
    Some(match event {
        OrderEvent::TransferReceived { received, rest, .. } => {
            Moved::Came { received: *received, whole: rest.minor == 0 }
        }
        OrderEvent::DirectDebitSent { file, mandate, amount, collect_on, .. } => {
            Moved::Debit { file: *file, mandate: *mandate, amount: *amount, collect_on: *collect_on }
        }
        OrderEvent::DirectDebitRejected { reason, .. } => Moved::Rejected(reason.clone()),
        OrderEvent::DirectDebitReturned { reason, .. } => Moved::Returned(reason.clone()),
        OrderEvent::OrderCreditApplied { id, amount, .. } => Moved::Credit { id: *id, amount: *amount },
        _ => return None,
    })
}

/// What is known on the way through the events of a subscription.
#[derive(Default)]
struct Reader {
    /// As it stood before the event.
    before: Subscription,
    joined: Option<DateTime<Utc>>,
    /// When days that were owed last followed what began.
    begun: Option<DateTime<Utc>>,
    /// Orders of changes of plan: their charge is part of the change.
    changes: Vec<Uuid>,
}

fn acts(history: &History, policy: BillingPolicy) -> Vec<Timed> {
    let mut all = Vec::new();
    let mut reader = Reader { joined: history.subscription.first().map(|(at, _)| *at), ..Reader::default() };
    let mut known_at = DateTime::<Utc>::MIN_UTC;
    for (at, event) in &history.subscription {
        known_at = known_at.max(*at);
        if let Some(command) = reader.act(history, event, *at, policy) {
            let input = Input::Act(Box::new(event.clone()), Box::new(command));
            all.push(Timed { known_at, at: *at, input });
        }
        reader.before.apply(event.clone());
    }
    all
}

impl Reader {
    /// The act behind an event; none if something else was.
    fn act(
        &mut self,
        history: &History,
        event: &SubscriptionEvent,
        at: DateTime<Utc>,
        policy: BillingPolicy,
    ) -> Option<SubscriptionCommand> {
        use SubscriptionCommand as C;
        use SubscriptionEvent as E;
        Some(match event.clone() {
            E::CancellationScheduled { reason, .. }
            | E::SubscriptionCancelled { cause: CancelCause::WasOnHold, reason, .. } => {
                C::Cancel { reason, at }
            }
            // What the clock ends was cancelled before.
            E::SubscriptionCancelled { cause: CancelCause::PaidTimeEnded, reason, .. }
                if self.before.status() == Some(Status::Active) =>
            {
                C::Cancel { reason, at }
            }
            E::CancellationUndone { .. } => C::UndoCancel { at },
            E::PauseScheduled { from, until } => C::Pause { from, until, at },
            // On the day that was planned the clock ends it.
            E::PauseEnded(PauseOver { on, .. })
                if self.before.pause().is_some_and(|p| p.until == Some(on)) =>
            {
                return None;
            }
            E::PauseEnded(_) | E::PauseWithdrawn { .. } => C::EndPause { at },
            E::PaymentMethodChanged { method } => C::ChangeMethod { method, at },
            E::BillingDetailsChanged { country, billing, vat_number, vat_check } => {
                C::ChangeBilling { country, billing, vat_number, vat_check }
            }
            E::VatNumberChecked { check, at } => {
                C::RecordVatCheck { number: self.before.vat_number()?.clone(), check, at }
            }
            // That nothing was charged may have been because it was too little.
            E::PlanChangeScheduled { terms, .. } => {
                C::ChangePlan { order: Uuid::nil(), terms, shown: None, at_once: false, at }
            }
            E::PlanChangeRequested(PlanChangeRequest { order, terms, .. }) => {
                self.changes.push(order);
                C::ChangePlan { order, terms, shown: None, at_once: true, at }
            }
            E::PlanChangeWithdrawn {} => C::WithdrawPlanChange,
            E::SubscriptionActivated { .. }
            | E::SubscriptionResumed { .. }
            | E::PeriodWaived { restarts: true, .. } => return self.begins(event, at),
            // Days that follow what began come with it.
            E::PaidTimeExtended { by_staff: false, .. } if self.begun == Some(at) => return None,
            E::PaidTimeExtended { days, by_staff, .. } => C::Extend { days, gift: !by_staff },
            E::GivenDaysTakenBack { to, .. } => C::MoveDueDay { on: to, at },
            E::PaymentRefunded { order, back, .. } => {
                let of = total_of(history, order).unwrap_or(back);
                C::RecordRefund { order, refunded: back, of }
            }
            E::PeriodWaived { .. } => C::Waive { at },
            E::SubscriptionUnparked { waived, .. } => C::Unpark { waive_missed: waived > 0, at },
            // With the act of joining it is part of that.
            E::DiscountGranted { discount } if self.joined != Some(at) => C::GrantDiscount { discount },
            E::PriceChangeAnnounced(PriceNotice { of, terms, from, notice_days, .. }) => {
                let (variation, price) = (terms.variation, terms.price);
                C::AnnouncePrice { of, variation, price, from, notice_days, anew: true }
            }
            E::WithdrawalDeclared(Withdrawal { days, .. }) => C::Withdraw { days, at },
            E::DebitAwaited { debit: AwaitedDebit { order, collect_on, until } } => {
                C::AwaitDebit { order, collect_on, until }
            }
            E::DebitRejected(RejectedDebit { order, reason, at, .. }) => C::RejectDebit { order, reason, at },
            E::EndAwaited { cause, .. } => C::EndNow { cause, at },
            E::SubscriptionCancelled {
                cause: cause @ (CancelCause::EndedByStaff | CancelCause::Disputed),
                ..
            } if self.before.ending().is_none() => C::EndNow { cause, at },
            E::ChargeRequested { order, trigger: Trigger::Member, attempt, method, .. }
                if !self.changes.contains(&order) =>
            {
                C::PayNow { attempt, method, at }
            }
            E::ChargeRequested { order, trigger: Trigger::Clock, .. } if self.too_soon(order, at) => {
                C::RetryNow { policy, at }
            }
            _ => return None,
        })
    }

    fn begins(&mut self, event: &SubscriptionEvent, at: DateTime<Utc>) -> Option<SubscriptionCommand> {
        self.begun = Some(at);
        let waived = matches!(event, SubscriptionEvent::PeriodWaived { .. });
        waived.then_some(SubscriptionCommand::Waive { at })
    }

    /// Whether the clock would not have charged yet: staff did.
    fn too_soon(&self, order: Uuid, at: DateTime<Utc>) -> bool {
        let open = self.before.open_order().filter(|open| open.order == order);
        open.and_then(|open| open.retry_at).is_some_and(|due| at < due)
    }
}

/// What an order asked for, before tax was looked at.
fn total_of(history: &History, wanted: Uuid) -> Option<Money> {
    history.subscription.iter().find_map(|(_, event)| match event {
        SubscriptionEvent::FirstOrderRequested { order, amount, .. }
        | SubscriptionEvent::RenewalOrderRequested { order, amount, .. }
            if *order == wanted =>
        {
            Some(*amount)
        }
        SubscriptionEvent::PlanChangeRequested(asked) if asked.order == wanted => Some(asked.amount),
        _ => None,
    })
}

/// The command of joining, with what would be different.
pub(super) fn join(
    history: &History,
    difference: &Difference,
) -> Option<(DateTime<Utc>, SubscriptionCommand)> {
    let joined = history.subscription.iter().find_map(|(at, event)| match event {
        SubscriptionEvent::SubscriptionJoined { .. } => Some((*at, event.clone())),
        _ => None,
    })?;
    let (
        effective,
        SubscriptionEvent::SubscriptionJoined {
            subscription,
            owner,
            mut terms,
            method,
            country,
            billing,
            vat_number,
            vat_check,
            withdrawal_waived,
            at,
        },
    ) = joined
    else {
        return None;
    };
    let with_it = || history.subscription.iter().filter(|(at, _)| *at == effective).map(|(_, e)| e);
    let trial = with_it().find_map(|e| match e {
        SubscriptionEvent::TrialStarted { days, .. } => Some(*days),
        _ => None,
    });
    let discount = with_it().find_map(|e| match e {
        SubscriptionEvent::DiscountGranted { discount } => Some(discount.clone()),
        _ => None,
    });
    terms.price = difference.price.unwrap_or(terms.price);
    terms.interval = difference.interval.unwrap_or(terms.interval);
    // A coupon that does not fit the other price is not used.
    let discount = discount.filter(|d| d.off.of(terms.price).is_some());
    let command = SubscriptionCommand::Join {
        subscription,
        owner,
        terms,
        method,
        country,
        billing,
        vat_number,
        vat_check,
        trial_days: trial.unwrap_or(0),
        discount,
        waives_withdrawal: withdrawal_waived,
        at,
    };
    Some((at, command))
}

/// What became of one attempt: what the gateway said, and how long after it was begun.
pub(super) struct Attempted {
    pub(super) attempt: Uuid,
    pub(super) begun: DateTime<Utc>,
    pub(super) answers: Vec<(TimeDelta, Outcome)>,
}

/// The attempts to charge, in the order in which they were begun.
pub(super) fn attempts(history: &History) -> Vec<Attempted> {
    let mut all: Vec<Attempted> = Vec::new();
    for (at, _, event) in &history.orders {
        let (id, outcome) = match event {
            OrderEvent::PaymentAttemptStarted { attempt, .. } => {
                all.push(Attempted { attempt: *attempt, begun: *at, answers: Vec::new() });
                continue;
            }
            OrderEvent::PaymentSucceeded { attempt, gateway_reference, .. } => {
                (attempt, Outcome::Succeeded { gateway_reference: gateway_reference.clone() })
            }
            OrderEvent::PaymentDeclined { attempt, code, hard, .. } => {
                (attempt, Outcome::Declined { code: code.clone(), hard: *hard })
            }
            OrderEvent::PaymentActionRequired { attempt, until, .. } => {
                (attempt, Outcome::RequiresAction { until: *until })
            }
            OrderEvent::PaymentAttemptCancelled { attempt, .. } => (attempt, Outcome::Cancelled),
            _ => continue,
        };
        if let Some(known) = all.iter_mut().find(|a| a.attempt == *id) {
            known.answers.push((*at - known.begun, outcome));
        }
    }
    all.sort_by_key(|a| a.begun);
    all
}

/// Orders by id: what they asked for in all, and what of the buyer's credit paid for them at once.
pub(super) fn placed(history: &History) -> HashMap<Uuid, (Money, Option<Money>)> {
    let of = |order: &Uuid, event: &OrderEvent| match event {
        OrderEvent::OrderPlaced { tax, credit, .. } => Some((*order, (tax.gross, *credit))),
        _ => None,
    };
    history.orders.iter().filter_map(|(_, order, event)| of(order, event)).collect()
}

/// The rules of collection that events recorded, oldest first.
pub(super) fn rules(history: &History) -> Vec<(DateTime<Utc>, BillingPolicy)> {
    use SubscriptionEvent as E;
    let of = |event: &E| match event {
        E::RenewalOrderRequested { policy, .. }
        | E::RenewalPaymentFailed { policy, .. }
        | E::SubscriptionPutOnHold { policy, .. } => Some(*policy),
        _ => None,
    };
    let mut all: Vec<_> =
        history.subscription.iter().filter_map(|(at, event)| Some((*at, of(event)?))).collect();
    all.sort_by_key(|(at, _)| *at);
    all
}
