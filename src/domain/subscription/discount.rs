//! Periods that cost less for a while: what a coupon gives.

use super::{Status, Subscription, SubscriptionError, SubscriptionEvent, Terms};
use crate::domain::shared::Money;
use crate::domain::shared::discount::Discount;
use crate::domain::shared::payment::Collection;
use serde::{Deserialize, Serialize};

/// What a discount took off an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebate {
    /// What people typed.
    pub code: String,
    /// What the period costs without it.
    pub full: Money,
    /// What was taken off.
    pub off: Money,
    /// Which of the periods it is, from 1.
    pub number: u32,
    /// Of how many; none: for ever.
    pub of: Option<u32>,
}

/// A discount with what is used of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedDiscount {
    /// What was given.
    pub discount: Discount,
    /// Periods that were ordered with it.
    pub used: u32,
}

/// What the next periods cost by a discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discounted {
    /// One of them.
    pub amount: Money,
    /// How many have it; none: all.
    pub periods: Option<u32>,
}

impl GrantedDiscount {
    /// Whether another period costs less.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.discount.periods.is_none_or(|most| self.used < most)
    }
}

impl Subscription {
    /// The discount that the following periods have.
    #[must_use]
    pub fn discount(&self) -> Option<&GrantedDiscount> {
        self.discount.as_ref().filter(|d| d.goes_on())
    }

    /// What the last period was ordered for.
    #[must_use]
    pub const fn ordered(&self) -> Option<Money> {
        self.ordered
    }

    /// What a period of what is agreed now costs, less what a discount takes off that it was ordered with.
    #[must_use]
    pub fn running_price(&self) -> Option<Money> {
        let price = self.terms.as_ref()?.price;
        let given = self.discount.as_ref().filter(|_| self.reduced);
        let off = given.and_then(|d| d.discount.off.of(price)).map_or(0, |off| off.minor);
        Some(Money::new(price.minor - off, price.currency))
    }

    /// What a period of `price` costs now, and what was taken off.
    pub(super) fn reduced(&self, price: Money) -> (Money, Option<Rebate>) {
        let given = self.discount().and_then(|d| Some((d, d.discount.off.of(price)?)));
        match given {
            None => (price, None),
            Some((d, off)) => {
                let rebate = Rebate {
                    code: d.discount.code.clone(),
                    full: price,
                    off,
                    number: d.used + 1,
                    of: d.discount.periods,
                };
                (Money::new(price.minor - off.minor, price.currency), Some(rebate))
            }
        }
    }

    /// What the next periods cost at that price, and for how many, where a discount takes something off it.
    #[must_use]
    pub fn discounted(&self, price: Money) -> Option<Discounted> {
        // What a manager sees to is asked for in full.
        let ordered = self.terms.as_ref().is_some_and(|t| t.collection != Collection::Managed);
        let (amount, rebate) = if ordered { self.reduced(price) } else { (price, None) };
        let left = |r: Rebate| r.of.map(|of| of.saturating_sub(r.number.saturating_sub(1)));
        rebate.map(|rebate| Discounted { amount, periods: left(rebate) })
    }

    pub(super) fn grant(
        &self,
        status: Status,
        terms: &Terms,
        discount: Discount,
    ) -> Result<Vec<SubscriptionEvent>, SubscriptionError> {
        if self.discount.as_ref().is_some_and(|d| d.discount == discount) {
            return Ok(vec![]);
        }
        if status.is_final() {
            return Err(SubscriptionError::Ended);
        }
        if self.discount().is_some() {
            return Err(SubscriptionError::DiscountExists);
        }
        if discount.off.of(terms.price).is_none() || discount.periods == Some(0) {
            return Err(SubscriptionError::DiscountDoesNotFit);
        }
        Ok(vec![SubscriptionEvent::DiscountGranted { discount }])
    }
}
