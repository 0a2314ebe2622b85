//! What the gateway's answers mean for an order.

use super::{AttemptState, Order, OrderError, OrderEvent, OrderStatus, PaidBy};
use crate::domain::shared::Money;
use crate::domain::shared::payment::{Outcome, PaymentMethod};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long to wait before look-up 1, 2, … of a lost answer; after the last one staff take over.
pub(super) const LOOKUPS: [TimeDelta; 8] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::hours(1),
    TimeDelta::days(1),
    TimeDelta::days(1),
    TimeDelta::days(1),
    TimeDelta::days(1),
    TimeDelta::days(1),
];

impl Order {
    pub(super) fn start(
        &self,
        attempt: Uuid,
        (method, present): (PaymentMethod, bool),
        amount: Money,
        at: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        if self.attempts.iter().any(|a| a.id == attempt) {
            return Ok(vec![]);
        }
        match self.status {
            Some(status) if status.is_settled() => Err(OrderError::Paid),
            Some(OrderStatus::Cancelled) => Err(OrderError::Cancelled),
            _ if self.in_flight() => Err(OrderError::InFlight),
            _ => Ok(vec![OrderEvent::PaymentAttemptStarted {
                attempt,
                number: self.number.clone(),
                subscription: self.subscription,
                // What has already come by transfer, or from the buyer's credit, is not charged again.
                amount: Money::new(amount.minor - self.covered(), amount.currency),
                method,
                present,
                at,
            }]),
        }
    }

    pub(super) fn outcome(
        &self,
        attempt: Uuid,
        outcome: Outcome,
        total: Money,
        at: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        let known = self.attempts.iter().find(|a| a.id == attempt).ok_or(OrderError::NoAttempt)?;
        let (gateway, subscription) = (known.gateway.clone(), self.subscription);
        match outcome {
            Outcome::Succeeded { .. } if known.state == AttemptState::Succeeded => Ok(vec![]),
            // Money that was taken is recorded, whatever was believed before.
            Outcome::Succeeded { gateway_reference } => {
                // The gateway took what it was asked for, whatever came by other ways since.
                let left = Money::new(total.minor - self.covered(), total.currency);
                let amount = known.asked.unwrap_or(left);
                let taken = OrderEvent::PaymentSucceeded { attempt, amount, gateway, gateway_reference, at };
                let over = |minor: i64, cause: &str| {
                    let over = Money::new(minor, total.currency);
                    OrderEvent::OrderOverpaid { over, cause: cause.into(), at }
                };
                Ok(match self.status {
                    Some(status) if status.is_settled() => vec![taken, over(amount.minor, "paid-before")],
                    Some(OrderStatus::Cancelled) => vec![taken, over(amount.minor, "order-cancelled")],
                    // It comes late, and since then what had come otherwise was taken back: it does not settle
                    // the order, and is owed.
                    _ if amount.minor < left.minor => vec![taken, over(amount.minor, "charge-too-small")],
                    _ => {
                        let paid_by = PaidBy::Charge { attempt };
                        let paid = OrderEvent::OrderPaid { subscription, amount: total, paid_by, at };
                        let too_much = amount.minor - left.minor;
                        let more = (too_much > 0).then(|| over(too_much, "charge-too-large"));
                        [taken, paid].into_iter().chain(more).collect()
                    }
                })
            }
            _ if known.state.is_final() => Ok(vec![]),
            Outcome::Declined { code, hard } => {
                let ended = OrderEvent::PaymentDeclined { attempt, subscription, gateway, code, hard, at };
                Ok(self.not_taken(ended, total, at))
            }
            Outcome::Cancelled => {
                let ended = OrderEvent::PaymentAttemptCancelled { attempt, subscription, gateway, at };
                Ok(self.not_taken(ended, total, at))
            }
            Outcome::RequiresAction { .. } if known.state == AttemptState::ActionRequired => Ok(vec![]),
            Outcome::RequiresAction { until } => {
                Ok(vec![OrderEvent::PaymentActionRequired { attempt, subscription, gateway, until, at }])
            }
            Outcome::Unknown => {
                let lookups = if known.state == AttemptState::Unknown { known.lookups + 1 } else { 0 };
                Ok(vec![match (known.state, LOOKUPS.get(usize::from(lookups))) {
                    (AttemptState::Parked, _) => return Ok(vec![]),
                    (_, Some(wait)) => OrderEvent::PaymentOutcomeUnknown {
                        attempt,
                        gateway,
                        lookups,
                        look_again_at: at + *wait,
                        at,
                    },
                    (_, None) => OrderEvent::PaymentParked { attempt, gateway, lookups, at },
                }])
            }
        }
    }
}
