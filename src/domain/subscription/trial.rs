//! Trials: time before the first payment.

use super::{HoldCause, Subscription, SubscriptionError, SubscriptionEvent, Terms};
use crate::domain::shared::Money;
use crate::domain::shared::payment::BillingPolicy;
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Longest trial in days.
pub const LONGEST_TRIAL: u16 = 366;
/// Longest time before its end at which the member may be reminded.
const LONGEST_REMINDER: Days = Days::new(92);

/// What a member is told of the end of the trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialNotice {
    /// The day on which the first payment is due.
    pub ends_on: NaiveDate,
    /// How much.
    pub amount: Money,
    /// Whether there is a payment method that will be charged.
    pub charged: bool,
    /// Days before the end, by the setting in force.
    #[serde(default = "super::event_facts::three_days")]
    pub days_before: u16,
}

impl Subscription {
    /// The last day of the trial's following day: the day on which the first payment is due. None once
    /// something was paid, or if there never was a trial.
    #[must_use]
    pub const fn trial_until(&self) -> Option<NaiveDate> {
        self.trial_until
    }

    /// The trial that a new subscription begins with.
    pub(super) fn begin_trial(
        terms: &Terms,
        days: u16,
        at: DateTime<Utc>,
    ) -> Result<SubscriptionEvent, SubscriptionError> {
        if days > LONGEST_TRIAL {
            return Err(SubscriptionError::Days);
        }
        let from = terms.zone.date_of(at);
        let ends_on = from.checked_add_days(Days::new(u64::from(days))).ok_or(SubscriptionError::Calendar)?;
        let access_until = terms.zone.start_of_day(ends_on);
        Ok(SubscriptionEvent::TrialStarted { days, from, ends_on, access_until })
    }

    /// The end of the trial, if the member was not reminded of it yet.
    fn trial_end(&self) -> Option<NaiveDate> {
        self.trial_until.filter(|day| self.announced != Some(*day))
    }

    /// The earliest time at which the reminder may be due, whatever the settings say.
    pub(super) fn trial_reminder_from(&self, terms: &Terms) -> Option<DateTime<Utc>> {
        Some(terms.zone.start_of_day(self.trial_end()?.checked_sub_days(LONGEST_REMINDER)?))
    }

    /// The reminder, if it is due.
    pub(super) fn remind_of_trial(
        &self,
        terms: &Terms,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Option<SubscriptionEvent> {
        let ends_on = self.trial_end()?;
        let days_before = policy.trial_reminder_days;
        let due = terms.zone.start_of_day(ends_on.checked_sub_days(Days::new(days_before.into()))?);
        (at >= due && at < terms.zone.start_of_day(ends_on)).then(|| {
            let (amount, charged) = (self.price_on(terms, ends_on), self.method.is_some());
            SubscriptionEvent::TrialEndAnnounced(TrialNotice { ends_on, amount, charged, days_before })
        })
    }

    /// A trial that ends with nothing to charge: the order is made and waits on hold.
    pub(super) fn end_trial_unpaid(
        &self,
        terms: &Terms,
        ordered: SubscriptionEvent,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Result<Vec<SubscriptionEvent>, SubscriptionError> {
        let mut next = self.clone();
        next.apply(ordered.clone());
        let Some(open) = &next.open else { return Ok(vec![ordered]) };
        let hold = next.put_on_hold(terms, open, HoldCause::TrialEnded, policy, at)?;
        Ok(vec![ordered, hold])
    }
}
