//! Another price for those who have a plan already: from a day on, and never without notice.

use super::{Status, Subscription, SubscriptionEvent, Terms};
use crate::domain::shared::Money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A change of price that the member was told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChange {
    /// The price that will no longer be asked.
    pub of: Uuid,
    /// What will be agreed.
    pub terms: Terms,
    /// Periods that begin on this day or later cost the new price.
    pub from: NaiveDate,
}

/// What a member is told of another price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceNotice {
    /// The price that will no longer be asked.
    pub of: Uuid,
    /// What a period costs until then.
    pub previous: Money,
    /// What will be agreed.
    pub terms: Terms,
    /// Periods that begin on this day or later cost the new price.
    pub from: NaiveDate,
    /// Days before which nobody is asked for it without having been told.
    pub notice_days: u16,
    /// The day that they were told before, which this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<NaiveDate>,
}

impl Subscription {
    /// The change of price that the member was told of and that concerns what comes next.
    #[must_use]
    pub fn price_change(&self) -> Option<&PriceChange> {
        let next = self.planned.as_ref().or(self.terms.as_ref())?;
        self.told_of(next.variation)
    }

    fn told_of(&self, variation: Uuid) -> Option<&PriceChange> {
        self.price_changes.iter().find(|c| c.of == variation)
    }

    /// Tells the member; nothing if the price is not theirs, or they were told before. What the studio announces
    /// `anew` takes the place of what they were told: nobody pays a price earlier than it was decided last.
    pub(super) fn announce_price(
        &self,
        status: Status,
        agreed: &Terms,
        (of, variation, price): (Uuid, Uuid, Money),
        from: NaiveDate,
        (notice_days, anew): (u16, bool),
    ) -> Vec<SubscriptionEvent> {
        let has = [Some(agreed), self.planned.as_ref()].into_iter().flatten().find(|t| t.variation == of);
        let (Some(has), false) = (has, status.is_final()) else { return vec![] };
        let terms = Terms { variation, price, ..has.clone() };
        let told = self.told_of(of);
        let same = |c: &PriceChange| c.terms == terms && c.from == from;
        if told.is_some_and(|c| !anew || same(c)) || price.currency != has.price.currency {
            return vec![];
        }
        let instead_of = told.map(|c| c.from);
        let notice = PriceNotice { of, previous: has.price, terms, from, notice_days, instead_of };
        vec![SubscriptionEvent::PriceChangeAnnounced(notice)]
    }

    /// What is agreed for a period that begins on `start`, if that is something else than now.
    pub(super) fn coming(&self, agreed: &Terms, start: NaiveDate) -> Option<&Terms> {
        let planned = self.planned.as_ref().filter(|_| self.planned_from.is_none_or(|on| start >= on));
        let told = self.told_of(planned.unwrap_or(agreed).variation);
        told.filter(|c| start >= c.from).map(|c| &c.terms).or(planned)
    }

    /// What the period that begins on `start` will cost, with the discount it has.
    pub(super) fn price_on(&self, agreed: &Terms, start: NaiveDate) -> Money {
        self.reduced(self.coming(agreed, start).unwrap_or(agreed).price).0
    }

    /// The first day from `day` on on which a period begins, if the periods go on as they are.
    #[must_use]
    pub fn first_due_from(&self, day: NaiveDate) -> Option<NaiveDate> {
        let (terms, anchor, next) = (self.terms.as_ref()?, self.anchor?, self.next_payment_on()?);
        if next >= day {
            return Some(next);
        }
        (self.paid..self.paid + 1000)
            .find_map(|n| terms.interval.start_of(anchor, n).ok().filter(|d| *d >= day))
    }

    /// What is agreed for a period that begins on `start`.
    #[must_use]
    pub fn terms_on(&self, start: NaiveDate) -> Option<&Terms> {
        let agreed = self.terms.as_ref()?;
        Some(self.coming(agreed, start).unwrap_or(agreed))
    }

    /// What the next period will cost; none for one that ends instead.
    #[must_use]
    pub fn next_price(&self) -> Option<Money> {
        Some(self.price_on(self.terms.as_ref()?, self.next_payment_on()?))
    }
}
