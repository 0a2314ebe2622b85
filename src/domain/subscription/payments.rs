//! What a paid order or a failed charge means for a subscription.

use super::paid_span::days;
use super::{
    CancelCause, Charge, HoldCause, OpenOrder, Status, Subscription, SubscriptionError, SubscriptionEvent,
    Terms, Trigger, UnusedDays,
};
use crate::domain::shared::calendar::Period;
use crate::domain::shared::payment::BillingPolicy;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A direct debit of the open order that the bank was told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedDebit {
    /// Which order.
    pub order: Uuid,
    /// The day on which is collected.
    pub collect_on: NaiveDate,
    /// Until when the money is awaited: before that the order does not count as late.
    pub until: DateTime<Utc>,
}

/// A direct debit of the open order that the bank does not collect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedDebit {
    /// Of which order.
    pub order: Uuid,
    /// The bank's code.
    pub reason: String,
    /// From when the order counts as late, if it is to be paid by a day.
    pub pay_by: DateTime<Utc>,
    /// When it said so.
    pub at: DateTime<Utc>,
}

/// A payment that the bank took back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReversedPayment {
    /// Of which order.
    pub order: Uuid,
    /// The first day of the period that is unpaid again.
    pub due_on: NaiveDate,
    /// When.
    pub at: DateTime<Utc>,
}

/// A payment that the bank took back when something else was paid or due since, or nothing runs any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierReversal {
    /// Of which order.
    pub order: Uuid,
    /// The contract was gone back on: nobody has to pay it any more.
    pub given_up: bool,
    /// When.
    pub at: DateTime<Utc>,
}

type Decision = Result<Vec<SubscriptionEvent>, SubscriptionError>;

impl Subscription {
    /// The charge of that order and attempt, if it is the one under way.
    pub(super) fn charge(&self, order: Uuid, attempt: Uuid) -> Option<&Charge> {
        let open = self.open.as_ref().filter(|o| o.order == order)?;
        open.charge.as_ref().filter(|c| c.attempt == attempt)
    }

    pub(super) fn record_paid(
        &self,
        status: Status,
        terms: &Terms,
        order: Uuid,
        paid_at: DateTime<Utc>,
    ) -> Decision {
        let Some(open) = self.open.as_ref().filter(|o| o.order == order) else {
            return self.paid_otherwise(terms, order, paid_at);
        };
        if let (Some(cause), None) = (self.ending, self.withdrawing) {
            return self.paid_and_ended(terms, order, cause, paid_at);
        }
        let settled = self.settled(status, terms, open, paid_at)?;
        Ok(self.then_withdrawn(terms, settled, paid_at))
    }

    /// What a payment of an order brings that is not the open one.
    fn paid_otherwise(&self, terms: &Terms, order: Uuid, paid_at: DateTime<Utc>) -> Decision {
        if self.unpaid_before.contains(&order) {
            return Ok(vec![SubscriptionEvent::EarlierOrderPaid { order, paid_at }]);
        }
        if self.last_paid_order == Some(order) {
            return Ok(vec![]);
        }
        let received = SubscriptionEvent::PaymentReceivedAfterEnd { order, paid_at };
        if self.waived != Some(order) {
            return Ok(vec![received]);
        }
        // Its period was given at the moment in which it was paid: what nobody had to pay goes back.
        let period = Period::nth(terms.zone.date_of(paid_at), terms.interval, 0)?;
        let days = days(period.start, period.end);
        let unused = UnusedDays { order, part: 1, of: 1, days_left: days, days_of_span: days };
        Ok(vec![received, SubscriptionEvent::UnusedDaysRefundRequested(unused)])
    }

    /// It was to end before the result was known: nobody pays for time that is not given.
    fn paid_and_ended(
        &self,
        terms: &Terms,
        order: Uuid,
        cause: CancelCause,
        paid_at: DateTime<Utc>,
    ) -> Decision {
        let period = match self.anchor {
            Some(_) => self.next_period(terms)?,
            None => Period::nth(terms.zone.date_of(paid_at), terms.interval, 0)?,
        };
        let days = days(period.start, period.end);
        let unused = UnusedDays { order, part: 1, of: 1, days_left: days, days_of_span: days };
        Ok(vec![
            SubscriptionEvent::PaymentReceivedAfterEnd { order, paid_at },
            SubscriptionEvent::UnusedDaysRefundRequested(unused),
            ended(cause, paid_at, None),
        ])
    }

    /// What the payment of the open order brings.
    fn settled(&self, status: Status, terms: &Terms, open: &OpenOrder, paid_at: DateTime<Utc>) -> Decision {
        let order = open.order;
        if let Some(pending) = &open.change {
            return Ok(vec![self.changed(order, pending, paid_at)?]);
        }
        if status != Status::OnHold {
            let period = self.next_period(terms)?;
            let paid_until = terms.zone.start_of_day(period.end);
            // The bank was told to collect before the member cancelled: nobody pays for a period that they gave up.
            // (Whoever pays it by hand wants it.)
            if status == Status::PendingCancellation && open.debit_until.is_some() {
                let days = days(period.start, period.end);
                let unused = UnusedDays { order, part: 1, of: 1, days_left: days, days_of_span: days };
                return Ok(vec![
                    SubscriptionEvent::PaymentReceivedAfterEnd { order, paid_at },
                    SubscriptionEvent::UnusedDaysRefundRequested(unused),
                ]);
            }
            return Ok(vec![SubscriptionEvent::SubscriptionRenewed { order, paid_at, period, paid_until }]);
        }
        // The day of payment becomes the anchor, but never a day that was billed before: a payment may
        // be dated earlier than the tick that put the subscription on hold (a clock that runs ahead).
        let paid_on = terms.zone.date_of(paid_at);
        let start = if self.anchor.is_some() { paid_on.max(open.due_on) } else { paid_on };
        let period = Period::nth(start, terms.interval, 0)?;
        let paid_until = terms.zone.start_of_day(period.end);
        let begun = match self.anchor {
            None => SubscriptionEvent::SubscriptionActivated { order, paid_at, period, paid_until },
            Some(previous_anchor) => {
                SubscriptionEvent::SubscriptionResumed { order, paid_at, previous_anchor, period, paid_until }
            }
        };
        self.and_days_owed(terms, begun, period.end)
    }

    /// Behind what has begun and ends on `from`, the days that were given before and not used.
    pub(super) fn and_days_owed(&self, terms: &Terms, begun: SubscriptionEvent, from: NaiveDate) -> Decision {
        let days = self.owed_days;
        if days == 0 {
            return Ok(vec![begun]);
        }
        let to = from.checked_add_days(Days::new(u64::from(days))).ok_or(SubscriptionError::Calendar)?;
        let paid_until = terms.zone.start_of_day(to);
        let given = SubscriptionEvent::PaidTimeExtended { days, from, to, paid_until, by_staff: false };
        Ok(vec![begun, given])
    }

    /// The open order counts as late only when the debit had its time.
    pub(super) fn await_debit(
        &self,
        order: Uuid,
        collect_on: NaiveDate,
        until: DateTime<Utc>,
    ) -> Vec<SubscriptionEvent> {
        match self.open.as_ref().filter(|o| o.order == order) {
            Some(open) if open.debit_until.is_none() => {
                vec![SubscriptionEvent::DebitAwaited { debit: AwaitedDebit { order, collect_on, until } }]
            }
            _ => vec![],
        }
    }

    /// The money of the open order is not awaited from the bank any more: it is due on its day, or when the bank said
    /// so, if that is later.
    pub(super) fn reject_debit(
        &self,
        terms: &Terms,
        order: Uuid,
        reason: String,
        at: DateTime<Utc>,
    ) -> Vec<SubscriptionEvent> {
        match self.open.as_ref().filter(|o| o.order == order) {
            Some(open) if open.debit_until.is_some() => {
                let pay_by = terms.zone.start_of_day(open.due_on).max(at);
                vec![SubscriptionEvent::DebitRejected(RejectedDebit { order, reason, pay_by, at })]
            }
            _ => vec![],
        }
    }

    /// The period that the order paid for last is unpaid again: on hold, until it is paid. What ends anyway, or
    /// has another order open, stays as it is: this one is owed, and the member is asked for it.
    pub(super) fn reverse_payment(
        &self,
        status: Status,
        terms: &Terms,
        order: Uuid,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Decision {
        let last = self.paid_span.filter(|paid| paid.order == order && self.open.is_none());
        let (Status::Active, Some(paid)) = (status, last) else {
            let known = self.unpaid_before.contains(&order)
                || self.open.as_ref().is_some_and(|open| open.order == order);
            let earlier = EarlierReversal { order, given_up: self.withdrawn, at };
            return Ok(if known { vec![] } else { vec![SubscriptionEvent::EarlierPaymentReversed(earlier)] });
        };
        let due_on = paid.span.start;
        // Paid until now, it is unpaid from today.
        let today = OpenOrder::new(order, terms.zone.date_of(at).max(due_on));
        let held = match self.put_on_hold(terms, &today, HoldCause::DebitReturned, policy, at)? {
            SubscriptionEvent::SubscriptionPutOnHold { order, cause, expires_at, policy, .. } => {
                SubscriptionEvent::SubscriptionPutOnHold { order, cause, due_on, expires_at, policy }
            }
            other => other,
        };
        Ok(vec![SubscriptionEvent::PaymentReversed { unpaid: ReversedPayment { order, due_on, at } }, held])
    }

    /// The span that a payment of `order` at `paid_at` pays for; none if it pays for something else, or was
    /// told before.
    #[must_use]
    pub fn span_paid_by(&self, order: Uuid, paid_at: DateTime<Utc>) -> Option<Period> {
        let (status, terms) = (self.status?, self.terms.as_ref()?);
        let decided = self.record_paid(status, terms, order, paid_at).ok()?;
        decided.iter().find_map(SubscriptionEvent::paid_span).map(|(_, period)| period)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one command")]
    pub(super) fn record_failure(
        &self,
        terms: &Terms,
        order: Uuid,
        attempt: Uuid,
        code: String,
        hard: bool,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Decision {
        let Some((open, charge)) = self.open.as_ref().zip(self.charge(order, attempt)) else {
            return Ok(vec![]);
        };
        if self.withdrawing.is_some() {
            // The end gives the order up, so that it is neither tried again nor waited for.
            return Ok(self.then_withdrawn(terms, vec![], at));
        }
        if let Some(cause) = self.ending {
            return Ok(vec![ended(cause, at, Some(order))]);
        }
        if charge.trigger != Trigger::Clock {
            return Ok(vec![if open.change.is_some() {
                SubscriptionEvent::PlanChangeDropped { order, attempt, code, hard }
            } else {
                SubscriptionEvent::MemberPaymentFailed { order, attempt, code, hard }
            }]);
        }
        // The spacing counts from when the charge was asked for; an answer that was long in coming
        // counts from when it came, so that a retry never follows at once.
        let made_at =
            if at - charge.requested_at > chrono::TimeDelta::days(1) { at } else { charge.requested_at };
        let times = (charge.scheduled_for, made_at);
        self.after_failure(terms, open, Some(attempt), code, hard, times, policy)
    }
}

fn ended(cause: CancelCause, ended_at: DateTime<Utc>, abandoned_order: Option<Uuid>) -> SubscriptionEvent {
    SubscriptionEvent::SubscriptionCancelled { cause, ended_at, abandoned_order, reason: None }
}
