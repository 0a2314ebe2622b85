//! What a paid order or a failed charge means for a subscription.

use super::{Charge, Status, Subscription, SubscriptionError, SubscriptionEvent, Terms, Trigger};
use crate::domain::shared::calendar::Period;
use crate::domain::shared::payment::BillingPolicy;
use chrono::{DateTime, Utc};
use uuid::Uuid;

type Decision = Result<Vec<SubscriptionEvent>, SubscriptionError>;

impl Subscription {
    /// The charge of that order and attempt, if it is the one under way.
    pub(super) fn charge(&self, order: Uuid, attempt: Uuid) -> Option<&Charge> {
        let open = self.open.as_ref().filter(|o| o.order == order)?;
        open.charge.as_ref().filter(|c| c.attempt == attempt)
    }

    pub(super) fn record_paid(
        &self,
        status: Status,
        terms: &Terms,
        order: Uuid,
        paid_at: DateTime<Utc>,
    ) -> Decision {
        let Some(open) = self.open.as_ref().filter(|o| o.order == order) else {
            let known = self.last_paid_order == Some(order);
            return Ok(if known {
                vec![]
            } else {
                vec![SubscriptionEvent::PaymentReceivedAfterEnd { order, paid_at }]
            });
        };
        if let Some(pending) = &open.change {
            return Ok(vec![self.changed(order, pending, paid_at)?]);
        }
        if status != Status::OnHold {
            let period = self.next_period(terms)?;
            let paid_until = terms.zone.start_of_day(period.end);
            let order = open.order;
            return Ok(vec![SubscriptionEvent::SubscriptionRenewed { order, paid_at, period, paid_until }]);
        }
        // The day of payment becomes the anchor, but never a day that was billed before: a payment may
        // be dated earlier than the tick that put the subscription on hold (a clock that runs ahead).
        let paid_on = terms.zone.date_of(paid_at);
        let start = if self.anchor.is_some() { paid_on.max(open.due_on) } else { paid_on };
        let period = Period::nth(start, terms.interval, 0)?;
        let paid_until = terms.zone.start_of_day(period.end);
        Ok(vec![match self.anchor {
            None => SubscriptionEvent::SubscriptionActivated { order, paid_at, period, paid_until },
            Some(previous_anchor) => {
                SubscriptionEvent::SubscriptionResumed { order, paid_at, previous_anchor, period, paid_until }
            }
        }])
    }

    /// The span that a payment of `order` at `paid_at` pays for; none if it pays for something else, or was
    /// told before.
    #[must_use]
    pub fn span_paid_by(&self, order: Uuid, paid_at: DateTime<Utc>) -> Option<Period> {
        let (status, terms) = (self.status?, self.terms.as_ref()?);
        let decided = self.record_paid(status, terms, order, paid_at).ok()?;
        decided.iter().find_map(SubscriptionEvent::paid_span).map(|(_, period)| period)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one command")]
    pub(super) fn record_failure(
        &self,
        terms: &Terms,
        order: Uuid,
        attempt: Uuid,
        code: String,
        hard: bool,
        policy: BillingPolicy,
        at: DateTime<Utc>,
    ) -> Decision {
        let Some((open, charge)) = self.open.as_ref().zip(self.charge(order, attempt)) else {
            return Ok(vec![]);
        };
        if charge.trigger != Trigger::Clock {
            return Ok(vec![if open.change.is_some() {
                SubscriptionEvent::PlanChangeDropped { order, attempt, code, hard }
            } else {
                SubscriptionEvent::MemberPaymentFailed { order, attempt, code, hard }
            }]);
        }
        // The spacing counts from when the charge was asked for; an answer that was long in coming
        // counts from when it came, so that a retry never follows at once.
        let made_at =
            if at - charge.requested_at > chrono::TimeDelta::days(1) { at } else { charge.requested_at };
        let times = (charge.scheduled_for, made_at);
        self.after_failure(terms, open, Some(attempt), code, hard, times, policy)
    }
}
