//! What the member still holds of the payments for the span that runs: what went back is not credited once more
//! when another plan takes its place.

use super::{Status, Subscription, SubscriptionEvent};
use crate::domain::shared::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One payment for the span that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SpanPayment {
    order: Uuid,
    /// What it was asked for, tax included, in minor units.
    price: i64,
    /// What of that went back, in the same units.
    back: i64,
}

/// What was paid for the span that runs, and what of it is still there; in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SpanValue {
    payments: Vec<SpanPayment>,
    left: i64,
}

impl SpanValue {
    /// A period was paid.
    pub(super) fn period(order: Uuid, price: i64) -> Self {
        Self { payments: vec![SpanPayment { order, price, back: 0 }], left: price }
    }

    /// Another plan was paid for the rest of the span, or for a new one: it is worth `worth` from now on.
    pub(super) fn changed(&mut self, order: Uuid, price: i64, worth: i64) {
        self.payments.push(SpanPayment { order, price, back: 0 });
        self.left = worth;
    }

    /// Of the payment by `order` so much went back in all, and so much is left of all of them.
    pub(super) fn refunded(&mut self, order: Uuid, back: i64, left: i64) {
        self.left = left;
        for payment in self.payments.iter_mut().filter(|p| p.order == order) {
            payment.back = back;
        }
    }

    pub(super) const fn left(&self) -> i64 {
        self.left
    }
}

impl Subscription {
    /// Notes that of what `order` took, `of`, in all `refunded` went back, is about to, or is in dispute. A business that
    /// accounts for the tax paid less than the price: what counts is the share.
    pub(super) fn record_refund(
        &self,
        status: Status,
        order: Uuid,
        refunded: Money,
        of: Money,
    ) -> Vec<SubscriptionEvent> {
        let paid = self.span_value.payments.iter().find(|p| p.order == order);
        let (Some(paid), false) = (paid, status.is_final()) else { return vec![] };
        let (share, whole) = (i128::from(refunded.minor.clamp(0, of.minor)), i128::from(of.minor.max(1)));
        let back = (2 * i128::from(paid.price) * share + whole).div_euclid(2 * whole);
        let back = i64::try_from(back).unwrap_or(paid.price).min(paid.price);
        if back == paid.back {
            return vec![];
        }
        let left = (self.span_value.left - (back - paid.back)).max(0);
        let money = |minor| Money::new(minor, of.currency);
        vec![SubscriptionEvent::PaymentRefunded { order, back: money(back), left: money(left) }]
    }
}
