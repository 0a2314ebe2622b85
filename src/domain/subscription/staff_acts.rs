//! What staff may do beyond what members can: end at once, give days, waive an order, charge again now.

use super::{CancelCause, Status, Subscription, SubscriptionError, SubscriptionEvent, Terms};
use crate::domain::shared::calendar::Period;
use crate::domain::shared::payment::BillingPolicy;
use chrono::{DateTime, Days, Utc};

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
        if self.in_flight() {
            return Err(SubscriptionError::InFlight);
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
    pub(super) fn extend(&self, status: Status, terms: &Terms, days: u16) -> Decision {
        if days == 0 || days > MOST_DAYS {
            return Err(SubscriptionError::Days);
        }
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
        let from = self.next_period(terms)?.start;
        let to = from.checked_add_days(Days::new(u64::from(days))).ok_or(SubscriptionError::Calendar)?;
        let paid_until = terms.zone.start_of_day(to);
        Ok(vec![SubscriptionEvent::PaidTimeExtended { days, from, to, paid_until }])
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
        Ok(vec![SubscriptionEvent::PeriodWaived { order: open.order, period, restarts, paid_until }])
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
}
