//! What a tick of the clock finds due.

use super::{
    CancelCause, HoldCause, OpenOrder, Status, Subscription, SubscriptionError, SubscriptionEvent, Terms,
    Trigger,
};
use crate::domain::shared::calendar::Period;
use crate::domain::shared::payment::{
    BillingPolicy, Collection, NO_CHARGE_MADE, OrderReason, attempt_id, order_id,
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

type Decision = Result<Vec<SubscriptionEvent>, SubscriptionError>;

/// An attempt made up to a day after it was due counts as made in time: a daily clock is as good as
/// an hourly one.
const PUNCTUAL: TimeDelta = TimeDelta::days(1);

impl Subscription {
    pub(super) fn tick(
        &self,
        status: Status,
        terms: &Terms,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Decision {
        if status.is_final() {
            return Ok(vec![]);
        }
        // It is about no order.
        if let Some(begun) = self.begin_plan(status, terms, at) {
            let mut next = self.clone();
            next.apply(begun.clone());
            let following = next.tick(status, terms, policy, at)?;
            return Ok([begun].into_iter().chain(following).collect());
        }
        if let Some(charge) = self.open.as_ref().and_then(|o| o.charge.as_ref()) {
            // Nothing is decided about an order while money may be on its way.
            let order = self.open.as_ref().map(|o| o.order).unwrap_or_default();
            let missed = charge.action_until.filter(|until| *until <= at && !charge.withdrawn);
            let attempt = charge.attempt;
            let event = missed.map(|until| SubscriptionEvent::ChargeActionMissed { order, attempt, until });
            return Ok(event.into_iter().collect());
        }
        match status {
            Status::Cancelled | Status::Expired => Ok(vec![]),
            Status::OnHold => self.tick_on_hold(terms, policy, at),
            Status::PendingCancellation => self.tick_cancelling(terms, at),
            Status::Active if self.parked => Ok(vec![]),
            Status::Active => {
                if let Some(decided) = self.tick_pause(terms, at)? {
                    // What is due once it goes on does not wait for the next tick.
                    let mut next = self.clone();
                    decided.iter().for_each(|event| next.apply(event.clone()));
                    let goes_on = !decided.is_empty() && next.pause.is_none();
                    let following = if goes_on { next.tick(status, terms, policy, at)? } else { vec![] };
                    return Ok(decided.into_iter().chain(following).collect());
                }
                self.tick_active(terms, policy, at)
            }
        }
    }

    fn tick_active(&self, terms: &Terms, policy: BillingPolicy, at: DateTime<Utc>) -> Decision {
        if let Some(reminder) = self.remind_of_trial(terms, policy, at) {
            return Ok(vec![reminder]);
        }
        // It must not hold up what else is due at this tick.
        if let Some(reminder) = self.remind_of_card(terms, policy, at) {
            let mut next = self.clone();
            next.apply(reminder.clone());
            let following = next.tick_active(terms, policy, at)?;
            return Ok([reminder].into_iter().chain(following).collect());
        }
        // A planned change comes into force when the period it is for is ordered.
        let agreed_anew = self.planned.is_some() || !self.price_changes.is_empty();
        if agreed_anew
            && self.open.is_none()
            && at >= self.order_at(terms, policy)?
            && let Some(changed) = self.planned_change(terms, at)?
        {
            let mut next = self.clone();
            next.apply(changed.clone());
            let Some(terms) = next.terms.clone() else { return Ok(vec![changed]) };
            let following = next.tick_active(&terms, policy, at)?;
            return Ok([changed].into_iter().chain(following).collect());
        }
        match terms.collection {
            Collection::Automatic => self.tick_automatic(terms, policy, at),
            Collection::Manual => self.tick_manual(terms, policy, at),
            Collection::Managed => self.tick_managed(terms, at),
        }
    }

    /// When the next period is ordered: on its first day, or some days before if the member pays by hand.
    fn order_at(&self, terms: &Terms, policy: BillingPolicy) -> Result<DateTime<Utc>, SubscriptionError> {
        let notice = match terms.collection {
            Collection::Manual => u64::from(policy.manual_notice_days),
            Collection::Automatic | Collection::Managed => 0,
        };
        let start = self.next_period(terms)?.start;
        let day = start.checked_sub_days(Days::new(notice)).ok_or(SubscriptionError::Calendar)?;
        Ok(terms.zone.start_of_day(day))
    }

    fn tick_on_hold(&self, terms: &Terms, policy: BillingPolicy, at: DateTime<Utc>) -> Decision {
        let Some(due_on) = self.unpaid_since else { return Ok(vec![]) };
        let expires_at = match self.expires_at {
            Some(fixed) => fixed,
            None => expiry(terms, due_on, policy)?,
        };
        if at < expires_at {
            return Ok(vec![]);
        }
        Ok(vec![SubscriptionEvent::SubscriptionExpired {
            due_on,
            weeks: self.expires_after.unwrap_or(policy.expire_after_weeks),
            ended_at: expires_at,
            abandoned_order: self.open.as_ref().map(|o| o.order),
        }])
    }

    fn tick_cancelling(&self, terms: &Terms, at: DateTime<Utc>) -> Decision {
        let ended_at = self.paid_until(terms)?;
        if at < ended_at {
            return Ok(vec![]);
        }
        let abandoned_order = self.open.as_ref().map(|o| o.order);
        let cause = CancelCause::PaidTimeEnded;
        Ok(vec![SubscriptionEvent::SubscriptionCancelled { cause, ended_at, abandoned_order, reason: None }])
    }

    fn tick_automatic(&self, terms: &Terms, policy: BillingPolicy, at: DateTime<Utc>) -> Decision {
        if let Some(open) = &self.open {
            return match open.retry_at {
                Some(due) if at >= due => self.attempt(terms, open, due, policy, at),
                _ => Ok(vec![]),
            };
        }
        let period = self.next_period(terms)?;
        let due_at = terms.zone.start_of_day(period.start);
        if at < due_at {
            return self.announce(terms, period, policy, at);
        }
        if let Some(parked) = self.too_far_behind(terms, policy, at)? {
            return Ok(vec![parked]);
        }
        // After an outage one missed period is charged a day, oldest first.
        if self.last_clock_charge.is_some_and(|last| due_at <= last && at < last + TimeDelta::days(1)) {
            return Ok(vec![]);
        }
        let ordered = self.order_renewal(terms, period, due_at, None, policy, at)?;
        if self.trial_until.is_some() && self.method.is_none() {
            return self.end_trial_unpaid(terms, ordered, policy, at);
        }
        let mut next = self.clone();
        next.apply(ordered.clone());
        let Some(open) = &next.open else { return Ok(vec![ordered]) };
        let charge = next.attempt(terms, open, due_at, policy, at)?;
        Ok([ordered].into_iter().chain(charge).collect())
    }

    /// Charges the open order, or counts a failed attempt if there is nothing to charge.
    pub(super) fn attempt(
        &self,
        terms: &Terms,
        open: &OpenOrder,
        scheduled_for: DateTime<Utc>,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Decision {
        let Some(method) = self.method.clone() else {
            let code = String::from("no_payment_method");
            return self.after_failure(terms, open, None, code, false, (scheduled_for, at), policy);
        };
        // What is known to have ended is a decline that no gateway has to be asked for.
        if !method.is_usable(terms.zone.date_of(at)) {
            let code = String::from("expired_card");
            return self.after_failure(terms, open, None, code, false, (scheduled_for, at), policy);
        }
        Ok(vec![SubscriptionEvent::ChargeRequested {
            order: open.order,
            attempt: attempt_id(open.order, open.attempts + 1),
            method,
            trigger: Trigger::Clock,
            number: open.failures + 1,
            scheduled_for,
            requested_at: at,
        }])
    }

    /// What follows from a failed attempt that counts; `times` is when it was due and when it was made.
    #[expect(clippy::too_many_arguments, reason = "all of it is written into the event")]
    pub(super) fn after_failure(
        &self,
        terms: &Terms,
        open: &OpenOrder,
        attempt: Option<uuid::Uuid>,
        code: String,
        hard: bool,
        times: (DateTime<Utc>, DateTime<Utc>),
        policy: BillingPolicy,
    ) -> Decision {
        let (scheduled_for, made_at) = times;
        // A gateway that was away is not the member's fault; but one that never answers for this card is no outage.
        let uncounted = code == NO_CHARGE_MADE && !hard && open.unreached < policy.attempts;
        let failures = open.failures + u8::from(!uncounted);
        // One that was cancelled meanwhile ends with the next tick instead of being put on hold.
        let ending = self.status == Some(Status::PendingCancellation);
        let last = hard || failures >= policy.attempts || ending;
        let counted_from = if made_at - scheduled_for <= PUNCTUAL { scheduled_for } else { made_at };
        let days = if uncounted { 1 } else { policy.retry_after_days };
        let retry_at = (!last).then(|| counted_from + TimeDelta::days(i64::from(days)));
        let mut events = vec![SubscriptionEvent::RenewalPaymentFailed {
            order: open.order,
            attempt,
            code,
            hard,
            failures,
            retry_at,
            counted_from,
            uncounted,
            policy,
        }];
        if last && !ending {
            let cause = if hard { HoldCause::HardDecline } else { HoldCause::DeclinedTooOften };
            events.push(self.put_on_hold(terms, open, cause, policy, made_at)?);
        }
        Ok(events)
    }

    pub(super) fn put_on_hold(
        &self,
        terms: &Terms,
        open: &OpenOrder,
        cause: HoldCause,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Result<SubscriptionEvent, SubscriptionError> {
        // However long ago it was due (a clock that stood still, a payment taken back late): there is time to pay.
        let notice = Days::new(u64::from(policy.manual_notice_days));
        let soonest = terms.zone.date_of(at).checked_add_days(notice).ok_or(SubscriptionError::Calendar)?;
        let expires_at = expiry(terms, open.due_on, policy)?.max(terms.zone.start_of_day(soonest));
        let (order, due_on) = (open.order, open.due_on);
        Ok(SubscriptionEvent::SubscriptionPutOnHold { order, cause, due_on, expires_at, policy })
    }

    fn tick_manual(&self, terms: &Terms, policy: BillingPolicy, at: DateTime<Utc>) -> Decision {
        if let Some(open) = &self.open {
            let late = open.pay_by.is_some_and(|by| at >= by);
            return if late {
                Ok(vec![self.put_on_hold(terms, open, HoldCause::NotPaidInTime, policy, at)?])
            } else {
                Ok(vec![])
            };
        }
        let period = self.next_period(terms)?;
        let due_at = terms.zone.start_of_day(period.start);
        let notice = u64::from(policy.manual_notice_days);
        let ask_at = self.order_at(terms, policy)?;
        if at < ask_at {
            return Ok(vec![]);
        }
        if let Some(parked) = self.too_far_behind(terms, policy, at)? {
            return Ok(vec![parked]);
        }
        // Asked for late, the member still has the full time to pay. By days, so that it does not count at what hour of a
        // day a clock comes.
        let late_by = terms.zone.date_of(at) - terms.zone.date_of(ask_at);
        let pay_by = if late_by <= PUNCTUAL {
            due_at
        } else {
            let full = terms.zone.date_of(at).checked_add_days(Days::new(notice));
            terms.zone.start_of_day(full.ok_or(SubscriptionError::Calendar)?).max(due_at)
        };
        Ok(vec![self.order_renewal(terms, period, due_at, Some(pay_by), policy, at)?])
    }

    fn tick_managed(&self, terms: &Terms, at: DateTime<Utc>) -> Decision {
        let today = terms.zone.date_of(at);
        let Some(anchor) = self.anchor else { return Ok(vec![]) };
        let mut due_on = self.next_period(terms)?.start;
        let mut index = self.paid;
        // Only the latest date that has come: one mail, however long the clock stood still.
        loop {
            index += 1;
            let following = terms.interval.start_of(anchor, index)?;
            if following > today {
                break;
            }
            due_on = following;
        }
        if due_on > today || self.manager_told.is_some_and(|told| told >= due_on) {
            return Ok(vec![]);
        }
        Ok(vec![SubscriptionEvent::ManagerToldOfRenewal { due_on, amount: terms.price }])
    }

    fn announce(&self, terms: &Terms, period: Period, policy: BillingPolicy, at: DateTime<Utc>) -> Decision {
        let (days, due_on) = (policy.reminder_days, period.start);
        // A trial has a reminder of its own.
        if !terms.interval.is_yearly() || self.announced == Some(due_on) || self.trial_until.is_some() {
            return Ok(vec![]);
        }
        let day = due_on.checked_sub_days(Days::new(u64::from(days))).ok_or(SubscriptionError::Calendar)?;
        if at < terms.zone.start_of_day(day) {
            return Ok(vec![]);
        }
        let amount = self.price_on(terms, due_on);
        Ok(vec![SubscriptionEvent::RenewalAnnounced { due_on, amount, days_before: days }])
    }

    fn order_renewal(
        &self,
        terms: &Terms,
        period: Period,
        due_at: DateTime<Utc>,
        pay_by: Option<DateTime<Utc>>,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Result<SubscriptionEvent, SubscriptionError> {
        let behind = self.behind(terms, at)?;
        let (amount, rebate) = self.reduced(terms.price);
        Ok(SubscriptionEvent::RenewalOrderRequested {
            order: order_id(self.id, period.start, OrderReason::Renewal),
            index: self.paid,
            period,
            anchor: self.anchor.ok_or(SubscriptionError::Calendar)?,
            due_at,
            pay_by,
            amount,
            behind,
            explain: behind > 1 && self.last_behind <= 1,
            rebate,
            policy,
        })
    }
}

fn expiry(
    terms: &Terms,
    due_on: NaiveDate,
    policy: BillingPolicy,
) -> Result<DateTime<Utc>, SubscriptionError> {
    let days = Days::new(7 * u64::from(policy.expire_after_weeks));
    let day = due_on.checked_add_days(days).ok_or(SubscriptionError::Calendar)?;
    Ok(terms.zone.start_of_day(day))
}
