//! What staff may do beyond what members can: end at once, give days, waive an order, charge again now.

use super::{CancelCause, Status, Subscription, SubscriptionError, SubscriptionEvent, Terms};
use crate::domain::shared::calendar::Period;
use crate::domain::shared::payment::BillingPolicy;
use chrono::{DateTime, Days, NaiveDate, Utc};

type Decision = Result<Vec<SubscriptionEvent>, SubscriptionError>;

/// Most days that are given at once.
pub const MOST_DAYS: u16 = 366;

impl Subscription {
    fn in_flight(&self) -> bool {
        self.open.as_ref().is_some_and(|o| o.charge.is_some())
    }

    pub(super) fn end_now(&self, status: Status, cause: CancelCause, at: DateTime<Utc>) -> Decision {
        if status.is_final() {
            return Err(SubscriptionError::Ended);
        }
        if let Some(order) = self.open.as_ref().filter(|o| o.charge.is_some()).map(|o| o.order) {
            // Nobody stands there to try it again.
            return match cause {
                CancelCause::Disputed if self.ending.is_some() => Ok(vec![]),
                CancelCause::Disputed => Ok(vec![SubscriptionEvent::EndAwaited { cause, order, at }]),
                _ => Err(SubscriptionError::InFlight),
            };
        }
        let abandoned_order = self.open.as_ref().map(|o| o.order);
        Ok(vec![SubscriptionEvent::SubscriptionCancelled {
            cause,
            ended_at: at,
            abandoned_order,
            reason: None,
        }])
    }

    /// The paid time grows by whole days; the day after it becomes the anchor, so that exactly these
    /// days are given whatever the lengths of the months.
    pub(super) fn extend(&self, status: Status, terms: &Terms, days: u16, by_staff: bool) -> Decision {
        if days == 0 || days > MOST_DAYS {
            return Err(SubscriptionError::Days);
        }
        let from = self.movable_due_day(status, terms)?;
        let to = from.checked_add_days(Days::new(u64::from(days))).ok_or(SubscriptionError::Calendar)?;
        let paid_until = terms.zone.start_of_day(to);
        Ok(vec![SubscriptionEvent::PaidTimeExtended { days, from, to, paid_until, by_staff }])
    }

    /// A later day gives days; an earlier one takes back days that staff gave, never a paid one.
    pub(super) fn move_due_day(
        &self,
        status: Status,
        terms: &Terms,
        on: NaiveDate,
        at: DateTime<Utc>,
    ) -> Decision {
        let from = self.movable_due_day(status, terms)?;
        if on > from {
            let days = u16::try_from((on - from).num_days()).map_err(|_| SubscriptionError::DueDay)?;
            return self.extend(status, terms, days, true).map_err(|why| match why {
                SubscriptionError::Days => SubscriptionError::DueDay,
                other => other,
            });
        }
        if on == from {
            return Ok(vec![]);
        }
        let earliest = from
            .checked_sub_days(Days::new(u64::from(self.given_days)))
            .ok_or(SubscriptionError::Calendar)?;
        if on < earliest {
            return Err(SubscriptionError::PaidFor(earliest));
        }
        if on <= terms.zone.date_of(at) {
            return Err(SubscriptionError::DueDay);
        }
        let days = u16::try_from((from - on).num_days()).map_err(|_| SubscriptionError::DueDay)?;
        let paid_until = terms.zone.start_of_day(on);
        Ok(vec![SubscriptionEvent::GivenDaysTakenBack { days, from, to: on, paid_until }])
    }

    /// The day on which the next payment is due, where it may be moved.
    fn movable_due_day(&self, status: Status, terms: &Terms) -> Result<NaiveDate, SubscriptionError> {
        match status {
            Status::Cancelled | Status::Expired => return Err(SubscriptionError::Ended),
            Status::OnHold => return Err(SubscriptionError::NotPaidFor),
            Status::Active | Status::PendingCancellation => {}
        }
        if self.parked {
            return Err(SubscriptionError::Parked);
        }
        if self.is_paused() {
            return Err(SubscriptionError::PauseExists);
        }
        if self.open.is_some() {
            return Err(SubscriptionError::OrderOpen);
        }
        Ok(self.next_period(terms)?.start)
    }

    /// The first day that staff may choose for the next payment, as far as given days go.
    #[must_use]
    pub fn earliest_due_day(&self) -> Option<NaiveDate> {
        self.next_due_on()?.checked_sub_days(Days::new(u64::from(self.given_days)))
    }

    /// The open order is given up, and its period is free.
    pub(super) fn waive(&self, status: Status, terms: &Terms, at: DateTime<Utc>) -> Decision {
        if status.is_final() {
            return Err(SubscriptionError::Ended);
        }
        let open = self.open.as_ref().ok_or(SubscriptionError::NothingOpen)?;
        if self.in_flight() {
            return Err(SubscriptionError::InFlight);
        }
        let restarts = status == Status::OnHold;
        let period = if restarts {
            // As with a late payment: the free period starts today, never on a day billed before.
            let today = terms.zone.date_of(at);
            let start = if self.anchor.is_some() { today.max(open.due_on) } else { today };
            Period::nth(start, terms.interval, 0)?
        } else {
            self.next_period(terms)?
        };
        let paid_until = terms.zone.start_of_day(period.end);
        let waived = SubscriptionEvent::PeriodWaived { order: open.order, period, restarts, paid_until };
        if restarts { self.and_days_owed(terms, waived, period.end) } else { Ok(vec![waived]) }
    }

    /// The next attempt of the clock is made now instead of when it was due; it counts as that one.
    pub(super) fn retry_now(
        &self,
        status: Status,
        terms: &Terms,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Decision {
        if status.is_final() {
            return Err(SubscriptionError::Ended);
        }
        let open = self.open.as_ref().ok_or(SubscriptionError::NothingOpen)?;
        if self.in_flight() {
            return Err(SubscriptionError::InFlight);
        }
        if status != Status::Active || open.retry_at.is_none() {
            return Err(SubscriptionError::NoRetry);
        }
        self.attempt(terms, open, at, policy, at)
    }

    /// Another day is the next to be paid for, and the anchor.
    pub(super) fn count_from(&mut self, day: NaiveDate) {
        self.trial_until = self.trial_until.map(|_| day);
        self.anchor = Some(day);
        self.paid = 0;
        self.cleared_until = None;
    }
}
