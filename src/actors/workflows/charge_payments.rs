//! The only place where money moves: an intent in the log becomes a call to its gateway, and the
//! gateway's answer becomes an outcome.

use super::{Workflow, WorkflowError};
use crate::actors::payments;
use crate::actors::refunds;
use crate::actors::services::Services;
use crate::adapters::gateways::ChargeRequest;
use crate::domain::order::OrderEvent;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::subscription::SubscriptionEvent;
use crate::store::RecordedEvent;
use async_trait::async_trait;

/// The workflow.
pub struct ChargePayments;

/// Its name, by which its place in the log is known.
pub const NAME: &str = "charge_payments";

#[async_trait]
impl Workflow for ChargePayments {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[OrderEvent::CATEGORY, SubscriptionEvent::CATEGORY]
    }

    fn at_once(&self) -> usize {
        32
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let (id, mut meta) = cx.follow(event, NAME, "outcome");
        // A tick may be for a later time than the clock shows (demo), or for an earlier one.
        meta.at = meta.at.max(cx.clock.now());
        let done =
            if let Some(OrderEvent::PaymentAttemptStarted {
                attempt, number, amount, method, present, ..
            }) = event.decode::<OrderEvent>()?
            {
                let request = ChargeRequest {
                    key: attempt,
                    token: method.token,
                    amount,
                    description: number,
                    present,
                    at: meta.at,
                };
                payments::charge(cx, event.stream_uuid(), &request, &method.gateway, (id, meta)).await
            } else if let Some(OrderEvent::RefundStarted { refund, .. }) = event.decode::<OrderEvent>()? {
                refunds::refund(cx, event.stream_uuid(), refund, (id, meta)).await
            } else if let Some(SubscriptionEvent::ChargeActionMissed { order, attempt, .. }) =
                event.decode::<SubscriptionEvent>()?
            {
                payments::withdraw(cx, order, attempt, (id, meta)).await
            } else {
                return Ok(());
            };
        done.map_err(WorkflowError::from)
    }
}
