//! Money that comes by bank transfer.

use super::{Order, OrderError, OrderEvent, OrderStatus, PaidBy};
use crate::domain::shared::Money;
use chrono::{DateTime, Utc};

impl Order {
    pub(super) fn transfer(
        &self,
        received: Money,
        total: Money,
        at: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        if received.currency != total.currency || received.minor <= 0 {
            return Err(OrderError::Amount);
        }
        // Money that has come is recorded, whatever it is for; what nobody owes goes back.
        let not_owed = match self.status {
            Some(status) if status.is_settled() => Some("paid-before"),
            Some(OrderStatus::Cancelled) => Some("order-cancelled"),
            _ => None,
        };
        if let Some(cause) = not_owed {
            return Ok(vec![
                OrderEvent::TransferReceived { received, rest: Money::new(0, total.currency), at },
                OrderEvent::OrderOverpaid { over: received, cause: cause.into(), at },
            ]);
        }
        let sum = self.covered().saturating_add(received.minor);
        let rest = Money::new((total.minor - sum).max(0), total.currency);
        let came = OrderEvent::TransferReceived { received, rest, at };
        // What becomes of a charge that is under way decides what the transfer was: the price, or too much.
        let settled = if self.in_flight() { vec![] } else { self.settled_by_transfer(sum, total, at) };
        Ok([came].into_iter().chain(settled).collect())
    }

    /// What follows for an open order to which so much has come by transfer, credit included.
    fn settled_by_transfer(&self, sum: i64, total: Money, at: DateTime<Utc>) -> Vec<OrderEvent> {
        if sum < total.minor {
            return vec![];
        }
        let (subscription, paid_by) = (self.subscription, PaidBy::Transfer);
        let paid = OrderEvent::OrderPaid { subscription, amount: total, paid_by, at };
        let over = Money::new(sum - total.minor, total.currency);
        let over = OrderEvent::OrderOverpaid { over, cause: "transfer-too-large".into(), at };
        [paid].into_iter().chain((sum > total.minor).then_some(over)).collect()
    }

    /// The end of an attempt that took nothing, and what then follows for what came by transfer meanwhile.
    pub(super) fn not_taken(&self, ended: OrderEvent, total: Money, at: DateTime<Utc>) -> Vec<OrderEvent> {
        let mut then = self.clone();
        then.apply(ended.clone());
        let waits = then.is_open() && !then.in_flight() && then.transferred > 0;
        let settled = if waits { then.settled_by_transfer(then.covered(), total, at) } else { vec![] };
        [ended].into_iter().chain(settled).collect()
    }
}
