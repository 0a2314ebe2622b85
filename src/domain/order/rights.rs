//! What goes back to a buyer who has a right to it, and the ways it goes.

use super::{AwaitedRefund, Order, OrderEvent, PaidBy, RefundOf, RefundVia};
use crate::domain::shared::{Money, derive_id};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The next part of a refund to which the buyer has a right: what did not come the way in which the part `refund`
/// goes back. There are three ways: the charge, the bank, the buyer's credit.
#[must_use]
pub fn rest_of(refund: Uuid) -> Uuid {
    derive_id(&refund.to_string(), "rest")
}

impl Order {
    /// What of the price came by transfer and has not gone back that way.
    fn left_of_transfers(&self, total: Money) -> i64 {
        let charged = match self.paid_by {
            Some(PaidBy::Charge { attempt }) => {
                let charge = self.attempts.iter().find(|a| a.id == attempt);
                charge.and_then(|a| a.asked.or(a.amount)).map_or(total.minor, |m| m.minor)
            }
            _ => 0,
        };
        let came = total.minor - self.credit - charged;
        came - self.held(|r| r.of == RefundOf::Price && r.via == RefundVia::Transfer)
    }

    /// What of the price goes back to a buyer who has a right to `part` of `of`, half up: never more than what
    /// did not go back before. What only waits for a second person stands in nobody's way.
    #[must_use]
    pub fn part_going_back(&self, (part, of): (u64, u64)) -> i64 {
        let total = self.total.map_or(0, |t| t.minor);
        let (part, of) = (i128::from(part.min(of)), i128::from(of.max(1)));
        let share = (2 * i128::from(total) * part + of).div_euclid(2 * of);
        let waits = self.refunds.iter().filter(|r| r.waits_of(RefundOf::Price)).map(|r| r.amount.minor);
        let left = self.left_of(RefundOf::Price) + waits.sum::<i64>();
        // What the bank has taken away already is not sent once more.
        if self.is_disputed(RefundOf::Price) {
            return 0;
        }
        i64::try_from(share).unwrap_or(left).min(left).max(0)
    }

    /// The part of the price to which the buyer has a right, the way it came. Nothing if nothing was paid, or it went
    /// back before. It takes the place of what waits for a second person: who turned that down would take away what the
    /// buyer has a right to.
    pub(super) fn refund_part(
        &self,
        refund: Uuid,
        share: (u64, u64),
        total: Money,
        at: DateTime<Utc>,
    ) -> Vec<OrderEvent> {
        // The right does not lapse with the dispute: what is left when it is decided goes back then.
        if self.is_disputed(RefundOf::Price) {
            let (known, (part, of)) = (self.awaits_dispute.iter().any(|w| w.refund == refund), share);
            let waits = AwaitedRefund { refund, part, of, at };
            return if known { vec![] } else { vec![OrderEvent::RefundAwaitsDispute(waits)] };
        }
        let minor = self.part_going_back(share);
        if minor <= 0 || self.refunds.iter().any(|r| r.id == refund) {
            return vec![];
        }
        let by = self.account;
        let waiting = self.refunds.iter().filter(|r| r.waits_of(RefundOf::Price));
        let mut events: Vec<OrderEvent> =
            waiting.map(|r| OrderEvent::RefundRejected { refund: r.id, by, at }).collect();
        let mut freed = self.clone();
        for event in &events {
            freed.apply(event.clone());
        }
        // Through the charge as far as it goes; the rest to where it came from, the bank and then the buyer's credit.
        let (charge, of_charge) = match freed.source(RefundOf::Price) {
            Some((via, left)) => (Some(via), left.clamp(0, minor)),
            None => (None, 0),
        };
        let to_bank = freed.left_of_transfers(total).clamp(0, minor - of_charge);
        let to_credit = minor - of_charge - to_bank;
        let (bank, credit) = match self.credit > 0 {
            true => (to_bank, to_credit),
            // Nothing came from a credit: whatever else there is goes by transfer.
            false => (to_bank + to_credit, 0),
        };
        let parts =
            [(charge, of_charge), (Some(RefundVia::Transfer), bank), (Some(RefundVia::Credit), credit)];
        let mut next = refund;
        for (via, minor) in parts {
            let (Some(via), true) = (via, minor > 0) else { continue };
            let refund = next;
            next = rest_of(refund);
            let (of, amount) = (RefundOf::Price, Money::new(minor, total.currency));
            let done = freed.to_credit(refund, (of, &via), amount, at, total);
            let started = OrderEvent::RefundStarted { refund, of, via, amount, by, approved_by: None, at };
            for event in [started].into_iter().chain(done) {
                freed.apply(event.clone());
                events.push(event);
            }
        }
        events
    }
}
