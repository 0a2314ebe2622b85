//! Another plan: dearer ones at once, for the rest of the period; cheaper ones when it is over.

use super::{Status, Subscription, SubscriptionError, SubscriptionEvent, Terms, Trigger};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Interval, IntervalUnit, Period};
use crate::domain::shared::payment::{Collection, attempt_id};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

type Decision = Result<Vec<SubscriptionEvent>, SubscriptionError>;

/// How an amount between two minor units is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// To the nearer one; a half goes up. It was so before it stood in events.
    #[default]
    HalfUp,
}

/// How the price of a change at once was reckoned: by whole days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proration {
    /// Days that are left of the period that is paid for, today included.
    pub days_left: u32,
    /// Days of that whole period.
    pub days_of_period: u32,
    /// What those days cost by the plan before: given back.
    pub credit: Money,
    /// What the span costs by the new plan.
    pub charge: Money,
    /// The span it is charged for.
    pub period: Period,
    /// A new interval starts today, which becomes the anchor; else the periods stay as they are.
    pub restarts: bool,
    /// What a whole period cost by the plan before: the rate of the credit. Not in the oldest events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_price: Option<Money>,
    /// What a whole period costs by the new plan: the rate of the charge. Not in the oldest events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_price: Option<Money>,
    /// How both were rounded to the minor unit.
    #[serde(default)]
    pub rounding: Rounding,
    /// Some of what was paid had gone back, and only so much of it was left to be credited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Money>,
}

impl Proration {
    /// What is to be paid now.
    #[must_use]
    pub const fn amount(&self) -> Money {
        Money::new(self.charge.minor - self.credit.minor, self.charge.currency)
    }
}

/// What a change of plan would mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeQuote {
    /// At once, for this price.
    Now(Proration),
    /// On that day, without a payment before.
    On(NaiveDate),
}

impl ChangeQuote {
    /// What is to be paid at once, in minor units.
    #[must_use]
    pub const fn now(&self) -> i64 {
        match self {
            Self::Now(proration) => proration.amount().minor,
            Self::On(_) => 0,
        }
    }
}

/// A change that waits for its payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingChange {
    /// What will be agreed.
    pub terms: Terms,
    /// How its price was reckoned.
    pub proration: Proration,
}

/// A plan whose first period was ordered before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanAhead {
    /// The first day on which what it gives counts.
    pub on: NaiveDate,
    /// What was agreed.
    pub terms: Terms,
}

/// The length of an interval in 1/48 of a day, by the mean month of the Gregorian calendar: only to compare
/// prices of different intervals.
fn length(interval: Interval) -> i128 {
    let one = match interval.unit() {
        IntervalUnit::Day => 48,
        IntervalUnit::Week => 7 * 48,
        IntervalUnit::Month => 1461,
        IntervalUnit::Year => 12 * 1461,
    };
    one * i128::from(interval.length())
}

/// Whether a day costs more by `new` than by `old`. The same plan in shorter instalments gives nothing more,
/// so it can wait until what is paid for is over.
fn dearer(new: &Terms, old: &Terms) -> bool {
    let same = new.plan == old.plan && new.seats == old.seats;
    let instalments = same && length(new.interval) < length(old.interval);
    !instalments
        && i128::from(new.price.minor) * length(old.interval)
            > i128::from(old.price.minor) * length(new.interval)
}

impl Terms {
    /// Whether more is to be paid by these than by `old`: at a time, or for a day.
    #[must_use]
    pub fn costs_more_than(&self, old: &Self) -> bool {
        let by_day = |a: &Self, b: &Self| i128::from(a.price.minor) * length(b.interval);
        self.price.minor > old.price.minor || by_day(self, old) > by_day(old, self)
    }
}

/// `price` × `days` / `of`, half up to the minor unit.
fn share(price: Money, days: i64, of: i64) -> Money {
    let (price_minor, days, of) = (i128::from(price.minor), i128::from(days), i128::from(of.max(1)));
    let minor = (2 * price_minor * days + of).div_euclid(2 * of);
    Money::new(i64::try_from(minor).unwrap_or(i64::MAX), price.currency)
}

/// A change of plan that is to be paid before it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanChangeRequest {
    /// The order for the difference.
    pub order: Uuid,
    /// What will be agreed.
    pub terms: Terms,
    /// How the price was reckoned.
    pub proration: Proration,
    /// What is to be paid.
    pub amount: Money,
    /// When.
    pub at: DateTime<Utc>,
}

impl Subscription {
    /// What is agreed from a later day on.
    #[must_use]
    pub const fn planned_terms(&self) -> Option<&Terms> {
        self.planned.as_ref()
    }

    /// What a change to `new` would mean if it were asked for at `at`.
    ///
    /// # Errors
    /// The reason for which it would be refused.
    pub fn quote_change(&self, new: &Terms, at: DateTime<Utc>) -> Result<ChangeQuote, SubscriptionError> {
        let (Some(status), Some(old)) = (self.status, self.terms.as_ref()) else {
            return Err(SubscriptionError::Missing);
        };
        match status {
            Status::Cancelled | Status::Expired => return Err(SubscriptionError::Ended),
            Status::OnHold | Status::PendingCancellation => return Err(SubscriptionError::NotRunning),
            Status::Active if self.parked => return Err(SubscriptionError::Parked),
            Status::Active if self.pause.is_some() => return Err(SubscriptionError::PauseExists),
            Status::Active if self.open.is_some() => return Err(SubscriptionError::OrderOpen),
            Status::Active => {}
        }
        if new.variation == old.variation {
            return Err(SubscriptionError::SamePlan);
        }
        if new.price.currency != old.price.currency || new.collection != old.collection {
            return Err(SubscriptionError::OtherTerms);
        }
        let next = self.next_period(old)?.start;
        let today = old.zone.date_of(at);
        // Time that was given (trial, days from staff, a waived period) has no price: the change waits for its end. So
        // does one for which nobody could be charged now, and one in a period that cost less by a coupon.
        let chargeable = self.method.as_ref().is_some_and(|m| m.is_usable(today));
        let waits = today >= next || !chargeable || self.reduced;
        let paid_for = self.paid_span.filter(|paid| !waits && paid.span.end == next);
        let (Some(paid), true, Collection::Automatic) = (paid_for, dearer(new, old), old.collection) else {
            return Ok(ChangeQuote::On(next.max(today)));
        };
        let current = paid.span;
        let (left, whole) = ((current.end - today).num_days(), i64::from(paid.of));
        let restarts = new.interval != old.interval;
        let (charge, period) = if restarts {
            (new.price, Period::nth(today, new.interval, 0)?)
        } else {
            (share(new.price, left, whole), Period { start: today, end: current.end })
        };
        let unused = share(old.price, left, whole);
        let held = Money::new(self.span_value.left(), unused.currency);
        let held = (held.minor < unused.minor).then_some(held);
        let days = |n: i64| u32::try_from(n).map_err(|_| SubscriptionError::Calendar);
        let proration = Proration {
            days_left: days(left)?,
            days_of_period: days(whole)?,
            credit: held.unwrap_or(unused),
            charge,
            period,
            restarts,
            old_price: Some(old.price),
            new_price: Some(new.price),
            rounding: Rounding::HalfUp,
            held,
        };
        Ok(if proration.amount().minor > 0 { ChangeQuote::Now(proration) } else { ChangeQuote::On(next) })
    }

    /// `shown` is what the member was told to pay now; none: nobody was told anything. `at_once` is whether it can be
    /// charged: a gateway takes no trifles.
    pub(super) fn change_plan(
        &self,
        order: Uuid,
        terms: Terms,
        (shown, at_once): (Option<Money>, bool),
        at: DateTime<Utc>,
    ) -> Decision {
        if self.open.as_ref().is_some_and(|o| o.order == order) || self.last_paid_order == Some(order) {
            return Ok(vec![]);
        }
        let quote = match (self.quote_change(&terms, at)?, self.terms.as_ref()) {
            (ChangeQuote::Now(_), Some(old)) if !at_once => ChangeQuote::On(self.next_period(old)?.start),
            (quote, _) => quote,
        };
        if shown.is_some_and(|shown| shown.minor != quote.now()) {
            return Err(SubscriptionError::OtherPrice);
        }
        match quote {
            ChangeQuote::On(_) if self.planned.as_ref() == Some(&terms) => Ok(vec![]),
            ChangeQuote::On(on) => Ok(vec![SubscriptionEvent::PlanChangeScheduled { terms, on }]),
            ChangeQuote::Now(proration) => {
                let method = self.method.clone().ok_or(SubscriptionError::NeedsMethod)?;
                let amount = proration.amount();
                Ok(vec![
                    SubscriptionEvent::PlanChangeRequested(PlanChangeRequest {
                        order,
                        terms,
                        proration,
                        amount,
                        at,
                    }),
                    SubscriptionEvent::ChargeRequested {
                        order,
                        attempt: attempt_id(order, 1),
                        method,
                        trigger: Trigger::Member,
                        number: 0,
                        scheduled_for: at,
                        requested_at: at,
                    },
                ])
            }
        }
    }

    pub(super) fn withdraw_change(&self, status: Status) -> Decision {
        if status.is_final() {
            return Err(SubscriptionError::Ended);
        }
        if self.planned.is_none() {
            return Err(SubscriptionError::NoChange);
        }
        Ok(vec![SubscriptionEvent::PlanChangeWithdrawn {}])
    }

    /// The event that puts a paid change in force.
    pub(super) fn changed(
        &self,
        order: Uuid,
        pending: &PendingChange,
        paid_at: DateTime<Utc>,
    ) -> Result<SubscriptionEvent, SubscriptionError> {
        let Proration { period, restarts, .. } = pending.proration;
        let anchor = self.anchor.ok_or(SubscriptionError::Calendar)?;
        let (anchor, periods) = if restarts { (period.start, 1) } else { (anchor, self.paid) };
        Ok(SubscriptionEvent::PlanChanged {
            order: Some(order),
            terms: pending.terms.clone(),
            anchor,
            periods,
            paid_until: pending.terms.zone.start_of_day(period.end),
            begins_on: None,
            at: paid_at,
        })
    }

    /// The event that puts a planned change in force when the next period is ordered.
    pub(super) fn planned_change(
        &self,
        old: &Terms,
        at: DateTime<Utc>,
    ) -> Result<Option<SubscriptionEvent>, SubscriptionError> {
        let start = self.next_period(old)?.start;
        // Nothing is ordered for managed ones: what counts is the day.
        let managed = old.collection == Collection::Managed;
        let day = if managed { start.max(old.zone.date_of(at)) } else { start };
        let Some(terms) = self.coming(old, day).cloned() else { return Ok(None) };
        // The same interval goes on counting from its anchor, so that a 31st stays one.
        let anchor = self.anchor.ok_or(SubscriptionError::Calendar)?;
        let (anchor, periods) = if terms.interval == old.interval { (anchor, self.paid) } else { (start, 0) };
        let paid_until = terms.zone.start_of_day(start);
        let begins_on = (at < paid_until).then_some(start);
        Ok(Some(SubscriptionEvent::PlanChanged {
            order: None,
            terms,
            anchor,
            periods,
            paid_until,
            begins_on,
            at,
        }))
    }

    /// The day on which what the agreed plan gives begins to count; none: it counts.
    #[must_use]
    pub fn begins_on(&self) -> Option<NaiveDate> {
        let (status, terms) = (self.status?, self.terms.as_ref()?);
        self.ahead.iter().rev().map(|plan| plan.on).find(|on| self.comes(status, terms, *on))
    }

    /// Whether a plan that was ordered before begins at all. Who gave notice has what was before until the end, unless
    /// that period is paid.
    fn comes(&self, status: Status, terms: &Terms, on: NaiveDate) -> bool {
        match status {
            Status::Active | Status::OnHold => true,
            Status::PendingCancellation => self.next_period(terms).is_ok_and(|next| next.start > on),
            Status::Cancelled | Status::Expired => false,
        }
    }

    /// The next plan to begin that was ordered before. In a pause nothing begins: its end moves the day.
    pub(super) fn plan_begins(&self, status: Status, terms: &Terms) -> Option<&PlanAhead> {
        let paused = |on: NaiveDate| status == Status::Active && self.pause.is_some_and(|p| p.from <= on);
        self.ahead.first().filter(|plan| self.comes(status, terms, plan.on) && !paused(plan.on))
    }

    /// That it has begun.
    pub(super) fn begin_plan(
        &self,
        status: Status,
        terms: &Terms,
        at: DateTime<Utc>,
    ) -> Option<SubscriptionEvent> {
        let PlanAhead { on, terms } =
            self.plan_begins(status, terms).filter(|plan| at >= terms.zone.start_of_day(plan.on))?;
        Some(SubscriptionEvent::PlanBegan { terms: terms.clone(), on: *on })
    }
}
