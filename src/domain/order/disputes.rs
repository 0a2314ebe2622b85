//! Disputes: the holder of the card asks their bank for the money back. The gateway takes it away at once and
//! decides later; whatever it decides is written down.

use super::{AttemptState, Order, OrderError, OrderEvent, PaidBy, RefundOf};
use crate::domain::shared::Money;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a dispute stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumString,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum DisputeState {
    /// Nobody has decided yet.
    Open,
    /// The studio keeps the money.
    Won,
    /// The money is gone.
    Lost,
}

/// A dispute as the gateway tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeReport {
    /// The gateway's own number of it.
    pub dispute: String,
    /// The charge.
    pub attempt: Uuid,
    /// How much of it.
    pub amount: Money,
    /// The gateway's word for why, such as `fraudulent`.
    pub reason: String,
    /// Where it stands.
    pub state: DisputeState,
}

/// A dispute that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The gateway's own number of it.
    pub id: String,
    /// The charge.
    pub attempt: Uuid,
    /// How much of it.
    pub amount: Money,
    /// Where it stands.
    pub state: DisputeState,
}

/// What goes back to a buyer, once nobody disputes the price any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedRefund {
    /// The refund.
    pub refund: Uuid,
    /// Of the price this part…
    pub part: u64,
    /// …of so many.
    pub of: u64,
    /// Since when it waits.
    pub at: DateTime<Utc>,
}

impl Order {
    /// Its disputes, oldest first.
    #[must_use]
    pub fn disputes(&self) -> &[Dispute] {
        &self.disputes
    }

    /// What the money of a charge is: the price if the charge settled the order, else it came too much.
    pub(super) fn side(&self, attempt: Uuid) -> RefundOf {
        match self.paid_by {
            Some(PaidBy::Charge { attempt: settled }) if settled == attempt => RefundOf::Price,
            _ => RefundOf::Overpayment,
        }
    }

    /// Whether nobody has decided yet who keeps some of that money.
    pub(super) fn is_disputed(&self, of: RefundOf) -> bool {
        self.disputes.iter().any(|d| d.state == DisputeState::Open && self.side(d.attempt) == of)
    }

    /// What of that money is gone because a dispute was lost.
    pub(in crate::domain) fn lost(&self, of: RefundOf) -> i64 {
        let lost = self.disputes.iter().filter(|d| d.state == DisputeState::Lost);
        lost.filter(|d| self.side(d.attempt) == of).map(|d| d.amount.minor).sum()
    }

    pub(super) fn dispute(
        &self,
        report: DisputeReport,
        at: DateTime<Utc>,
    ) -> Result<Vec<OrderEvent>, OrderError> {
        let charge =
            self.attempts.iter().find(|a| a.id == report.attempt && a.state == AttemptState::Succeeded);
        let Some(charge) = charge else { return Err(OrderError::NoAttempt) };
        let known = self.disputes.iter().find(|d| d.id == report.dispute);
        let too_much = self.side(report.attempt) == RefundOf::Overpayment;
        let opened = known.is_none().then(|| OrderEvent::PaymentDisputed {
            dispute: report.dispute.clone(),
            attempt: report.attempt,
            subscription: self.subscription,
            gateway: charge.gateway.clone(),
            amount: report.amount,
            reason: report.reason,
            too_much,
            at,
        });
        let open = known.is_none_or(|d| d.state == DisputeState::Open);
        let closed = (open && report.state != DisputeState::Open).then_some(OrderEvent::DisputeClosed {
            dispute: report.dispute,
            won: report.state == DisputeState::Won,
            amount: report.amount,
            too_much,
            at,
        });
        let mut events: Vec<OrderEvent> = opened.into_iter().chain(closed).collect();
        events.extend(self.refunds_after(&events, at));
        Ok(events)
    }

    /// What waited for the end of the last dispute, if `decided` brings it.
    fn refunds_after(&self, decided: &[OrderEvent], at: DateTime<Utc>) -> Vec<OrderEvent> {
        let mut next = self.clone();
        decided.iter().for_each(|event| next.apply(event.clone()));
        let Some(total) = next.total.filter(|_| !next.is_disputed(RefundOf::Price)) else { return vec![] };
        let mut events = Vec::new();
        for waits in self.awaits_dispute.clone() {
            let back = next.refund_part(waits.refund, (waits.part, waits.of), total, at);
            back.iter().for_each(|event| next.apply(event.clone()));
            events.extend(back);
        }
        events
    }
}
