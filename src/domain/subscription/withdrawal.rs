//! The right of withdrawal: consumers may go back on the contract for some days, and pay only for the days
//! that were begun (directive 2011/83/EU, articles 9, 14 and 16).

use super::paid_span::days;
use super::span_value::SpanValue;
use super::{CancelCause, Proration, Subscription, SubscriptionError, SubscriptionEvent, Terms};
use crate::domain::shared::calendar::Period;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most days for which a studio may let people go back on the contract.
pub const LONGEST_WITHDRAWAL: u16 = 60;

/// An order of which something could be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refundable {
    /// The order.
    pub order: Uuid,
    /// The span of days that its price is worn down by.
    pub span: Period,
    /// Of its price this part was left at the beginning of the span…
    pub part: u64,
    /// …of so many.
    pub of: u64,
}

impl Refundable {
    /// Days that are left from `day` on, and days of the whole span.
    fn left(&self, day: NaiveDate) -> (u32, u32) {
        let whole = days(self.span.start, self.span.end);
        (days(day.max(self.span.start), self.span.end), whole.max(1))
    }
}

/// That the buyer went back on the contract, and why that was possible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The day of the contract.
    pub joined_on: NaiveDate,
    /// The last day on which that was possible.
    pub last_day: NaiveDate,
    /// Days of the contract after which it was over, by law or by what the studio adds.
    pub days: u16,
    /// A charge was under way: the contract ends, with what goes back, when its result is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits: Option<AwaitedResult>,
}

/// The result that a withdrawal waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedResult {
    /// Of which order.
    pub order: Uuid,
    /// When the buyer went back on the contract: from the day after that nothing is paid, however late the result is.
    pub declared_at: DateTime<Utc>,
}

/// A withdrawal that waits for the result of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawing {
    /// What it waits for.
    pub awaits: AwaitedResult,
    /// There was no access when it was declared: nothing of what the charge pays for was used.
    pub unused: bool,
}

/// Days that were paid for and not begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusedDays {
    /// Of which order.
    pub order: Uuid,
    /// Of its price this part…
    pub part: u64,
    /// …of so many.
    pub of: u64,
    /// Days that are left.
    pub days_left: u32,
    /// Days of the span that was paid for.
    pub days_of_span: u32,
}

impl Subscription {
    /// Notes that an order paid for a span, as long as that can matter.
    pub(super) fn note_refundable(&mut self, order: Uuid, span: Period) {
        let begun = self.joined_at.zip(self.terms.as_ref()).map(|(at, terms)| terms.zone.date_of(at));
        if begun.is_some_and(|day| days(day, span.start) <= u32::from(LONGEST_WITHDRAWAL)) {
            self.refundable.push(Refundable { order, span, part: 1, of: 1 });
        }
    }

    /// Notes that a period was paid, and for how much.
    pub(super) fn note_period_paid(&mut self, order: Uuid, period: Period) {
        self.note_refundable(order, period);
        self.note_paid(order, period, days(period.start, period.end));
        let price = self.ordered.or(self.terms.as_ref().map(|t| t.price));
        self.span_value = SpanValue::period(order, price.map_or(0, |p| p.minor));
    }

    /// Notes that a change of plan was paid: with a new interval what was left of the orders before went into
    /// its price, so it is worn down with the new span.
    pub(super) fn note_change_paid(&mut self, order: Uuid, change: &Proration) {
        if change.restarts {
            for r in &mut self.refundable {
                let (left, whole) = r.left(change.period.start);
                r.part *= u64::from(left);
                r.of *= u64::from(whole);
                r.span = change.period;
            }
        }
        self.note_refundable(order, change.period);
        let whole = if change.restarts {
            days(change.period.start, change.period.end)
        } else {
            change.days_of_period
        };
        self.note_paid(order, change.period, whole);
        self.span_value.changed(order, change.amount().minor, change.charge.minor);
    }

    /// Whether anything was paid for it.
    #[must_use]
    pub const fn has_paid(&self) -> bool {
        self.last_paid_order.is_some()
    }

    /// What of the price of the orders goes back if the buyer withdraws on `today`: for each a part and of how many.
    #[must_use]
    pub fn refunds_on(&self, today: NaiveDate) -> Vec<(Uuid, u64, u64)> {
        let share = |r: &Refundable| {
            let (left, whole) = r.left(self.unbegun(today));
            (r.order, r.part * u64::from(left), r.of * u64::from(whole))
        };
        self.refundable.iter().map(share).filter(|(_, part, _)| *part > 0).collect()
    }

    /// When the right of withdrawal was given up, if it was.
    #[must_use]
    pub fn withdrawal_waived_at(&self) -> Option<DateTime<Utc>> {
        self.joined_at.filter(|_| self.withdrawal_waived)
    }

    /// The last day on which the buyer may go back on the contract.
    ///
    /// # Errors
    /// If the law gives that right to consumers only, or it was given up.
    pub fn withdrawal_until(&self, days: u16) -> Result<NaiveDate, SubscriptionError> {
        let (Some(status), Some(terms), Some(joined)) = (self.status, self.terms.as_ref(), self.joined_at)
        else {
            return Err(SubscriptionError::Missing);
        };
        if status.is_final() {
            return Err(SubscriptionError::Ended);
        }
        if self.is_business() {
            return Err(SubscriptionError::NotAConsumer);
        }
        if self.withdrawal_waived || days == 0 {
            return Err(SubscriptionError::WithdrawalWaived);
        }
        // The day of the contract is not counted.
        let first = terms.zone.date_of(joined);
        first.checked_add_days(Days::new(u64::from(days))).ok_or(SubscriptionError::Calendar)
    }

    pub(super) fn withdraw(
        &self,
        terms: &Terms,
        days: u16,
        at: DateTime<Utc>,
    ) -> Result<Vec<SubscriptionEvent>, SubscriptionError> {
        let last_day = self.withdrawal_until(days)?;
        let today = terms.zone.date_of(at);
        if today > last_day {
            return Err(SubscriptionError::WithdrawalOver);
        }
        if self.withdrawing.is_some() {
            return Ok(vec![]);
        }
        let joined_on = self.joined_at.map_or(today, |at| terms.zone.date_of(at));
        // The right must not lapse while a gateway does not answer: the wish counts from now.
        let in_flight = self.open.as_ref().filter(|o| o.charge.is_some());
        let awaits = in_flight.map(|o| AwaitedResult { order: o.order, declared_at: at });
        let declared = Withdrawal { joined_on, last_day, days, awaits };
        let declared = SubscriptionEvent::WithdrawalDeclared(declared);
        if awaits.is_some() {
            return Ok(vec![declared]);
        }
        Ok([declared].into_iter().chain(self.end_withdrawn(today, None, at)).collect())
    }

    /// What goes back for the days after `today`, and the end; of the order `unused` everything goes back.
    fn end_withdrawn(
        &self,
        today: NaiveDate,
        unused: Option<Uuid>,
        ended_at: DateTime<Utc>,
    ) -> Vec<SubscriptionEvent> {
        let refunds = self.refundable.iter().filter_map(|r| {
            let before = r.span.start.pred_opt().filter(|_| unused == Some(r.order));
            let (days_left, days_of_span) = r.left(self.unbegun(before.map_or(today, |day| day.min(today))));
            let (part, of) = (r.part * u64::from(days_left), r.of * u64::from(days_of_span));
            let order = r.order;
            let unused = UnusedDays { order, part, of, days_left, days_of_span };
            (part > 0).then_some(SubscriptionEvent::UnusedDaysRefundRequested(unused))
        });
        let ended = SubscriptionEvent::SubscriptionCancelled {
            cause: CancelCause::Withdrawn,
            ended_at,
            abandoned_order: self.open.as_ref().map(|o| o.order),
            reason: None,
        };
        refunds.chain([ended]).collect()
    }

    /// The withdrawal that waits for the result of a charge.
    #[must_use]
    pub const fn withdrawing(&self) -> Option<&Withdrawing> {
        self.withdrawing.as_ref()
    }

    /// What the result of a charge decides, and, if the buyer withdrew meanwhile, the end that follows.
    pub(super) fn then_withdrawn(
        &self,
        terms: &Terms,
        mut decided: Vec<SubscriptionEvent>,
        at: DateTime<Utc>,
    ) -> Vec<SubscriptionEvent> {
        let Some(Withdrawing { awaits, unused }) = self.withdrawing else { return decided };
        let mut next = self.clone();
        for event in &decided {
            next.apply(event.clone());
        }
        let day = terms.zone.date_of(awaits.declared_at);
        let unused = unused.then_some(awaits.order);
        decided.extend(next.end_withdrawn(day, unused, at.max(awaits.declared_at)));
        decided
    }
}
