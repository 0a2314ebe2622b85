//! Where a subscription stands in its calendar, and what happens when it fell behind.

use super::{Status, Subscription, SubscriptionError, SubscriptionEvent, Terms};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::Period;
use crate::domain::shared::payment::BillingPolicy;
use chrono::{DateTime, Utc};

impl Subscription {
    /// The first period that is not paid.
    pub(super) fn next_period(&self, terms: &Terms) -> Result<Period, SubscriptionError> {
        let anchor = self.anchor.ok_or(SubscriptionError::Calendar)?;
        Ok(Period::nth(anchor, terms.interval, self.paid)?)
    }

    /// The period that begins on `due_on`, and those before it, are settled elsewhere.
    pub(super) fn pass(&mut self, due_on: chrono::NaiveDate) {
        let Some((anchor, interval)) = self.anchor.zip(self.terms.as_ref().map(|t| t.interval)) else {
            return;
        };
        while interval.start_of(anchor, self.paid).is_ok_and(|start| start <= due_on) {
            self.paid += 1;
        }
    }

    /// The first instant that is not paid for.
    pub(super) fn paid_until(&self, terms: &Terms) -> Result<DateTime<Utc>, SubscriptionError> {
        Ok(terms.zone.start_of_day(self.next_period(terms)?.start))
    }

    /// How many unpaid periods have begun by `at`.
    pub(super) fn behind(&self, terms: &Terms, at: DateTime<Utc>) -> Result<u32, SubscriptionError> {
        let anchor = self.anchor.ok_or(SubscriptionError::Calendar)?;
        let today = terms.zone.date_of(at);
        let mut count = 0;
        while terms.interval.start_of(anchor, self.paid + count)? <= today {
            count += 1;
        }
        Ok(count)
    }

    /// What the periods that are over and were not billed would have cost; none if it is not parked.
    #[must_use]
    pub fn missed_price(&self, at: DateTime<Utc>) -> Option<Money> {
        let terms = self.terms.as_ref().filter(|_| self.parked)?;
        let over = self.behind(terms, at).ok()?.saturating_sub(1);
        Some(Money::new(terms.price.minor.saturating_mul(i64::from(over)), terms.price.currency))
    }

    /// The event that parks it for staff, if it fell further behind than is caught up unasked.
    pub(super) fn too_far_behind(
        &self,
        terms: &Terms,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Result<Option<SubscriptionEvent>, SubscriptionError> {
        let behind = self.behind(terms, at)?;
        let cleared = self.cleared_until.is_some_and(|until| self.paid < until);
        if cleared || behind <= u32::from(policy.most_periods_behind) {
            return Ok(None);
        }
        Ok(Some(SubscriptionEvent::SubscriptionParked {
            behind,
            limit: policy.most_periods_behind,
            oldest_due_on: self.next_period(terms)?.start,
        }))
    }

    pub(super) fn unpark(
        &self,
        status: Status,
        terms: &Terms,
        waive_missed: bool,
        at: DateTime<Utc>,
    ) -> Result<Vec<SubscriptionEvent>, SubscriptionError> {
        if status.is_final() {
            return Err(SubscriptionError::Ended);
        }
        if !self.parked {
            return Err(SubscriptionError::NotParked);
        }
        // The period that runs now is billed; only those that are over can be waived.
        let over = self.behind(terms, at)?.saturating_sub(1);
        let (waived, billed) = if waive_missed { (over, 0) } else { (0, over) };
        let anchor = self.anchor.ok_or(SubscriptionError::Calendar)?;
        let next_due_on = terms.interval.start_of(anchor, self.paid + waived)?;
        Ok(vec![SubscriptionEvent::SubscriptionUnparked { waived, billed, next_due_on }])
    }
}
