//! An order that the buyer's credit pays for, wholly or in part.
//!
//! What a new order uses is set aside in the account's credit before the order is placed, and stands in the event that places it: invoice, charge and mail know from the beginning what is left to pay.

use super::{Order, OrderError, OrderEvent, OrderStatus, PaidBy, PlaceOrder};
use crate::domain::shared::Money;
use chrono::{DateTime, Utc};
use uuid::Uuid;

impl Order {
    /// What counts towards its price so far: transfers, and the buyer's credit.
    #[must_use]
    pub const fn covered(&self) -> i64 {
        self.transferred.saturating_add(self.credit)
    }

    /// What of the buyer's credit pays for it.
    #[must_use]
    pub fn credit(&self) -> Option<Money> {
        self.total.map(|t| Money::new(self.credit, t.currency)).filter(|c| c.minor > 0)
    }

    /// What is still to pay; none before it was placed.
    #[must_use]
    pub fn rest(&self) -> Option<Money> {
        let left = |t: Money| if self.is_open() { (t.minor - self.covered()).max(0) } else { 0 };
        self.total.map(|t| Money::new(left(t), t.currency))
    }

    /// The payment of an order whose whole price the credit covers; none if something is left to pay.
    pub(super) fn paid_from_credit(place: &PlaceOrder) -> Result<Option<OrderEvent>, OrderError> {
        let Some(credit) = place.credit else { return Ok(None) };
        let gross = place.tax.gross;
        if credit.currency != gross.currency || credit.minor <= 0 || credit.minor > gross.minor {
            return Err(OrderError::Credit);
        }
        Ok((credit.minor == gross.minor).then_some(OrderEvent::OrderPaid {
            subscription: place.subscription,
            amount: gross,
            paid_by: PaidBy::Credit,
            at: place.at,
        }))
    }

    /// The credit pays what an open order lacks. While money may be on its way by another way, it does not.
    pub(super) fn apply_credit(
        &self,
        id: Uuid,
        amount: Money,
        total: Money,
        at: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        if self.applied.contains(&id) {
            return Ok(vec![]);
        }
        match self.status {
            Some(status) if status.is_settled() => return Err(OrderError::Paid),
            Some(OrderStatus::Cancelled) => return Err(OrderError::Cancelled),
            _ if self.in_flight() => return Err(OrderError::InFlight),
            _ if self.debit.as_ref().is_some_and(|d| !d.returned && !d.rejected) => {
                return Err(OrderError::DebitSent);
            }
            _ => {}
        }
        let lacks = total.minor - self.covered();
        if amount.currency != total.currency || amount.minor <= 0 || amount.minor > lacks {
            return Err(OrderError::Credit);
        }
        let rest = Money::new(lacks - amount.minor, total.currency);
        let paid = (rest.minor == 0).then_some(OrderEvent::OrderPaid {
            subscription: self.subscription,
            amount: total,
            paid_by: PaidBy::Credit,
            at,
        });
        Ok([OrderEvent::OrderCreditApplied { id, amount, rest, at }].into_iter().chain(paid).collect())
    }

    /// What goes back to the credit when nobody has to pay the order, less what has gone back otherwise.
    pub(super) fn release_credit(&self, gone: i64, total: Money, at: DateTime<Utc>) -> Option<OrderEvent> {
        let amount = Money::new((self.credit - gone).max(0), total.currency);
        (amount.minor > 0).then_some(OrderEvent::OrderCreditReleased { account: self.account, amount, at })
    }
}
