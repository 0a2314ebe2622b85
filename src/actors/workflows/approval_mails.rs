//! Who is told that something waits for a second person: everybody who could be that person.

use super::WorkflowError;
use super::billing_mails::tell;
use crate::actors::payments::load_order;
use crate::actors::services::Services;
use crate::domain::approval::{Act, Approval, ApprovalState};
use crate::domain::order::{RefundState, order_number};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::{AccountId, Money, Role};
use crate::emails::billing::BillingMail;
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// An act was laid down by `by`, which would give something to `account`: neither of them may agree.
pub(super) async fn act_waits(
    event: &RecordedEvent,
    cx: &Services,
    (by, account): (AccountId, AccountId),
    act: &Act,
    lapses_at: DateTime<Utc>,
) -> Result<(), WorkflowError> {
    let approval = event.stream_uuid();
    let state = EventRepository::<Approval>::new(cx.pool.clone(), cx.journal.clone()).load(approval).await?;
    if state.state.state() != ApprovalState::Waiting {
        return Ok(());
    }
    let path = format!("/billing/approvals/{approval}");
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| WorkflowError::Failed(e.to_string()))?;
    let mail = BillingMail::ApprovalWaits { what: act.words(zone), path, lapses_at: Some(lapses_at) };
    tell(event, cx, &[Role::Billing, Role::Admin], &[by, account], &mail).await
}

/// A refund was proposed by `by`: neither they nor the buyer may agree.
pub(super) async fn refund_waits(
    event: &RecordedEvent,
    cx: &Services,
    (by, refund): (AccountId, Uuid),
    amount: Money,
    lapses_at: Option<DateTime<Utc>>,
) -> Result<(), WorkflowError> {
    let order = event.stream_uuid();
    let state = load_order(cx, order).await?;
    if !state.refunds().iter().any(|r| r.id == refund && r.state == RefundState::Proposed) {
        return Ok(());
    }
    let what = format!("Give {amount} back for order {}", order_number(order));
    let mail = BillingMail::ApprovalWaits { what, path: format!("/billing/refunds/{refund}"), lapses_at };
    tell(event, cx, &[Role::Billing, Role::Admin], &[by, state.account()], &mail).await
}
