//! What can be read off a subscription: for lists, pages and the clock.

use super::{CancelCause, Pause, Status, Subscription, Terms};
use crate::domain::shared::PersonalRef;
use crate::domain::shared::payment::{Collection, PaymentMethod};
use crate::domain::shared::tax::{Buyer, Country};
use chrono::{DateTime, Days, NaiveDate, Utc};
use uuid::Uuid;

/// Longest time before a due date at which anything can happen (orders by hand, reminders).
const LONGEST_NOTICE: Days = Days::new(92);

impl Subscription {
    /// Its own id.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// What is charged.
    #[must_use]
    pub const fn method(&self) -> Option<&PaymentMethod> {
        self.method.as_ref()
    }

    /// Country of the billing address.
    #[must_use]
    pub const fn country(&self) -> Option<Country> {
        self.country
    }

    /// Name and address of the buyer.
    #[must_use]
    pub const fn billing(&self) -> Option<&PersonalRef> {
        self.billing.as_ref()
    }

    /// VAT number of the business that buys; none: a private buyer.
    #[must_use]
    pub const fn vat_number(&self) -> Option<&PersonalRef> {
        self.vat_number.as_ref()
    }

    /// Who buys, as far as tax is concerned; somebody at the seller's home where the country is unknown.
    #[must_use]
    pub fn buyer(&self, home: Country) -> Buyer {
        Buyer { country: self.country.unwrap_or(home), business: self.is_business() }
    }

    /// Day from which periods are counted; none before the first payment.
    #[must_use]
    pub const fn anchor(&self) -> Option<NaiveDate> {
        self.anchor
    }

    /// The next day that is not paid for; none before the first payment, after the end, and in a pause
    /// whose end is not known.
    #[must_use]
    pub fn next_due_on(&self) -> Option<NaiveDate> {
        if self.status.is_none_or(Status::is_final) {
            return None;
        }
        if let Some((days_left, pause)) = self.pause.and_then(|p| Some((p.days_left?, p))) {
            return pause.until?.checked_add_days(Days::new(u64::from(days_left)));
        }
        self.next_period(self.terms.as_ref()?).ok().map(|p| p.start)
    }

    /// The pause that is planned and puts the next payment off: it begins before the paid time is over. One that
    /// is cancelled does not rest any more.
    #[must_use]
    pub fn pause_ahead(&self) -> Option<&Pause> {
        let due = self.next_due_on()?;
        let rests = self.status == Some(Status::Active);
        self.pause.as_ref().filter(|p| rests && !p.began() && p.from <= due)
    }

    /// The next day that is not paid for, with a pause that is planned reckoned in; none also where that one has no
    /// end yet.
    #[must_use]
    pub fn due_after_pause(&self) -> Option<NaiveDate> {
        let due = self.next_due_on()?;
        match self.pause_ahead() {
            Some(pause) => pause.until?.checked_add_signed(due - pause.from),
            None => Some(due),
        }
    }

    /// The day on which it will be paid for next; none for one that ends instead.
    #[must_use]
    pub fn next_payment_on(&self) -> Option<NaiveDate> {
        self.next_due_on().filter(|_| self.status != Some(Status::PendingCancellation))
    }

    /// The first instant that is not paid for.
    #[must_use]
    pub fn paid_up_to(&self) -> Option<DateTime<Utc>> {
        let zone = self.terms.as_ref()?.zone;
        self.next_due_on().map(|day| zone.start_of_day(day))
    }

    /// Why it ends as soon as the result of the charge under way is known; none if it does not.
    #[must_use]
    pub const fn ending(&self) -> Option<CancelCause> {
        self.ending
    }

    /// Whether an order is owed on which what runs now does not rest: the bank took its payment back.
    #[must_use]
    pub fn owes(&self, order: Uuid) -> bool {
        self.unpaid_before.contains(&order)
    }

    /// When it expires if it stays on hold.
    #[must_use]
    pub const fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.expires_at
    }

    /// The first time at which a tick may decide anything; none if only people or a gateway can
    /// move it. Earlier than needed is harmless, later would be a missed payment.
    #[must_use]
    pub fn look_at(&self) -> Option<DateTime<Utc>> {
        let (status, terms) = (self.status?, self.terms.as_ref()?);
        let begins = self.plan_begins(status, terms).map(|plan| terms.zone.start_of_day(plan.on));
        earliest(begins, self.decides_at(status, terms))
    }

    /// When a tick may decide anything about an order, a pause or the end.
    fn decides_at(&self, status: Status, terms: &Terms) -> Option<DateTime<Utc>> {
        if let Some(charge) = self.open.as_ref().and_then(|o| o.charge.as_ref()) {
            return charge.action_until.filter(|_| !charge.withdrawn);
        }
        match status {
            Status::Cancelled | Status::Expired => None,
            Status::Active if self.parked => None,
            Status::OnHold => {
                self.expires_at.or_else(|| self.unpaid_since.map(|day| terms.zone.start_of_day(day)))
            }
            Status::PendingCancellation => self.paid_up_to(),
            Status::Active if self.is_paused() => {
                self.pause.and_then(|p| p.until).map(|day| terms.zone.start_of_day(day))
            }
            Status::Active => earliest(
                self.card_reminder_from(terms),
                match &self.open {
                    Some(open) => earliest(open.retry_at.or(open.pay_by), self.trial_reminder_from(terms)),
                    None => {
                        let due = self.next_due_on()?;
                        let noticed = terms.collection == Collection::Manual
                            || (terms.interval.is_yearly()
                                && self.announced != Some(due)
                                && self.trial_until.is_none());
                        let mut from = if noticed { due.checked_sub_days(LONGEST_NOTICE)? } else { due };
                        if let Some(pause) = &self.pause {
                            from = from.min(pause.from);
                        }
                        let at = terms.zone.start_of_day(from);
                        Some(self.trial_reminder_from(terms).map_or(at, |reminder| reminder.min(at)))
                    }
                },
            ),
        }
    }
}

/// The earlier of two times, either of which may never come.
fn earliest(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    a.into_iter().chain(b).min()
}
