//! Another rate of tax that changes what somebody pays: who accounts for the tax pays the net price, and that
//! moves with the rate. Prices of everybody else include the tax and stay.

use super::{Status, Subscription, SubscriptionEvent, Terms};
use crate::domain::shared::Money;
use crate::domain::shared::tax::{Country, Tax};
use crate::domain::shared::tax_rates::RateTable;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A change of what a member pays by another rate of tax, as the member was told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxChange {
    /// Country of the billing address.
    pub country: Country,
    /// The first day of the rate.
    pub from: NaiveDate,
    /// The rate, in hundredths of a percent; none: no tax from then on.
    pub basis_points: Option<u32>,
    /// What that price comes to under the rate of the day before.
    pub previous: Money,
    /// What it comes to from then on; the same if a change they were told of does not come.
    pub amount: Money,
    /// The first payment that is another one.
    pub first_due: NaiveDate,
}

/// The rates before and after a decision of staff for one day and country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatesMove {
    /// The seller's country.
    pub home: Country,
    /// The country.
    pub country: Country,
    /// The first day of the rate.
    pub from: NaiveDate,
    /// All rates without the decision.
    pub before: RateTable,
    /// All rates with it.
    pub after: RateTable,
}

impl Subscription {
    /// Tells the member; nothing where the payment after that day stays the same.
    pub(super) fn announce_tax(
        &self,
        status: Status,
        agreed: &Terms,
        moved: &RatesMove,
    ) -> Vec<SubscriptionEvent> {
        if status.is_final() || self.country != Some(moved.country) {
            return vec![];
        }
        let Some(first_due) = self.first_due_from(moved.from) else { return vec![] };
        let (price, buyer) = (self.price_on(agreed, first_due), self.buyer(moved.home));
        let pay = |on, rates| Tax::decide(price, buyer, moved.home, on, rates);
        let (before, after) = (pay(first_due, &moved.before), pay(first_due, &moved.after));
        if before.gross == after.gross {
            return vec![];
        }
        // What is paid until then, which a correction of a change to come does not touch.
        let until_then = pay(moved.from.pred_opt().unwrap_or(moved.from), &moved.after);
        let change = TaxChange {
            country: moved.country,
            from: moved.from,
            basis_points: after.rate_since.map(|_| after.basis_points),
            previous: until_then.gross,
            amount: after.gross,
            first_due,
        };
        vec![SubscriptionEvent::TaxChangeAnnounced { change }]
    }
}
