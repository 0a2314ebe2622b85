//! The right of withdrawal: consumers may go back on the contract for some days, and pay only for the days
//! that were begun (directive 2011/83/EU, articles 9, 14 and 16).

use super::paid_span::days;
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
        if self.open.as_ref().is_some_and(|o| o.charge.is_some()) {
            return Err(SubscriptionError::InFlight);
        }
        let joined_on = self.joined_at.map_or(today, |at| terms.zone.date_of(at));
        let refunds = self.refundable.iter().filter_map(|r| {
            let (days_left, days_of_span) = r.left(self.unbegun(today));
            let (part, of) = (r.part * u64::from(days_left), r.of * u64::from(days_of_span));
            let order = r.order;
            let unused = UnusedDays { order, part, of, days_left, days_of_span };
            (part > 0).then_some(SubscriptionEvent::UnusedDaysRefundRequested(unused))
        });
        let declared = SubscriptionEvent::WithdrawalDeclared(Withdrawal { joined_on, last_day, days });
        let ended = SubscriptionEvent::SubscriptionCancelled {
            cause: CancelCause::Withdrawn,
            ended_at: at,
            abandoned_order: self.open.as_ref().map(|o| o.order),
            reason: None,
        };
        Ok([declared].into_iter().chain(refunds).chain([ended]).collect())
    }
}
