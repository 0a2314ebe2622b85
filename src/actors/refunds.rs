//! Money that goes back through a gateway: the call, the look-up of a lost answer, the outcome.

use super::bus::Envelope;
use super::payments::{PaymentError, gateway, load_order};
use super::services::Services;
use crate::adapters::gateways::{GatewayError, RefundRequest};
use crate::domain::order::{Order, OrderCommand, Refund, RefundState, RefundVia};
use crate::domain::shared::payment::RefundOutcome;
use crate::domain::shared::{PersonalValue, derive_id};
use crate::store::Metadata;
use std::time::Instant;
use uuid::Uuid;

/// The code of a refund of which staff say that nothing went back.
pub const NOT_RETURNED: &str = "not_returned_says_staff";

/// Asks the gateway for a refund whose intent is in the log, and records its answer under `id`. Sent
/// again after a crash it is the same refund: its id is the gateway's key.
///
/// # Errors
/// If the outcome cannot be recorded.
pub async fn refund(
    cx: &Services,
    order: Uuid,
    refund: Uuid,
    (id, meta): (Uuid, Metadata),
) -> Result<(), PaymentError> {
    let state = load_order(cx, order).await?;
    let Some(known) = state.refunds().iter().find(|r| r.id == refund && r.state == RefundState::Started)
    else {
        return Ok(());
    };
    // A transfer is sent by a person, who says so.
    let RefundVia::Charge { attempt, gateway: name } = &known.via else { return Ok(()) };
    let outcome = ask(cx, known, *attempt, name, &meta).await;
    record(cx, order, known.id, name, outcome, (id, meta, None)).await
}

async fn ask(cx: &Services, refund: &Refund, charge: Uuid, name: &str, meta: &Metadata) -> RefundOutcome {
    let request = RefundRequest { key: refund.id, charge, amount: refund.amount, at: meta.at };
    let asked = Instant::now();
    let answer = match gateway(cx, name) {
        Ok(gateway) => gateway.refund(&request).await,
        // The gateway may have been asked before it was switched off: it is looked up once it is on again.
        Err(error) => {
            tracing::error!(%error, "a refund cannot be made");
            Err(GatewayError::TimedOut)
        }
    };
    cx.metrics.billing.gateway_duration.with_label_values(&[name]).observe(asked.elapsed().as_secs_f64());
    match answer {
        Ok(outcome) => outcome,
        Err(GatewayError::TimedOut) => RefundOutcome::Unknown,
        Err(GatewayError::Refused(_)) => RefundOutcome::Refused { code: "gateway_refused".into() },
        Err(GatewayError::Unsupported) => RefundOutcome::Refused { code: "gateway_unavailable".into() },
    }
}

/// Finds out what became of a refund without an answer. One that the gateway never heard of is asked
/// for again under its own key: it cannot be made twice. `asked_by` is the id of a command of staff or
/// of a webhook; without it the look-up is the next one of the schedule.
///
/// # Errors
/// If the order cannot be read or the result not be recorded.
pub async fn look_up(
    cx: &Services,
    order: Uuid,
    refund: Uuid,
    asked_by: Option<(Uuid, Option<PersonalValue>)>,
    mut meta: Metadata,
) -> Result<bool, PaymentError> {
    let state = load_order(cx, order).await?;
    let Some(known) = state.refunds().iter().find(|r| r.id == refund) else { return Ok(false) };
    let RefundVia::Charge { attempt, gateway: name } = &known.via else { return Ok(false) };
    let said = match gateway(cx, name) {
        Ok(gateway) => gateway.look_up_refund(*attempt, refund).await,
        Err(error) => {
            tracing::error!(%order, %error, "a refund cannot be looked up");
            Err(GatewayError::TimedOut)
        }
    };
    let outcome = match known.state {
        RefundState::Started | RefundState::Unknown | RefundState::Parked => match said {
            Ok(Some(outcome)) => outcome,
            Ok(None) => ask(cx, known, *attempt, name, &meta).await,
            Err(_) => RefundOutcome::Unknown,
        },
        // What was returned may come back days later.
        RefundState::Succeeded => match said {
            Ok(Some(refused @ RefundOutcome::Refused { .. })) => refused,
            _ => return Ok(false),
        },
        _ => return Ok(false),
    };
    // Somebody who asks out of turn, or a hint, and hears nothing new uses up none of the look-ups of the schedule.
    let waits = matches!(known.state, RefundState::Unknown | RefundState::Parked);
    if outcome == RefundOutcome::Unknown && asked_by.is_some() && waits {
        return Ok(false);
    }
    meta.causation = None;
    let scheduled =
        || derive_id(&refund.to_string(), &format!("look-up/{:?}/{}", known.state, known.lookups));
    let (id, reason) = asked_by.unwrap_or_else(|| (scheduled(), None));
    record(cx, order, refund, name, outcome, (id, meta, reason)).await?;
    Ok(true)
}

async fn record(
    cx: &Services,
    order: Uuid,
    refund: Uuid,
    gateway: &str,
    outcome: RefundOutcome,
    (id, meta, reason): (Uuid, Metadata, Option<PersonalValue>),
) -> Result<(), PaymentError> {
    let word = match &outcome {
        RefundOutcome::Succeeded { .. } => "refunded",
        RefundOutcome::Refused { .. } => "refused",
        RefundOutcome::Unknown => "unknown",
    };
    let command = OrderCommand::RecordRefund { refund, outcome, at: meta.at };
    let envelope = Envelope::new(id, order, command, meta).with_private(reason.into_iter().collect());
    let receipt = cx.bus.dispatch::<Order>(envelope).await?;
    if !receipt.replayed && receipt.position > 0 {
        cx.metrics.billing.payments.with_label_values(&[gateway, word]).inc();
    }
    Ok(())
}
