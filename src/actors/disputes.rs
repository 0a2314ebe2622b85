//! Disputes: gateways are asked which there are, and what they say is written down.

use super::bus::{CommandError, Envelope};
use super::payments::{PaymentError, card_gateway, gateway};
use super::services::Services;
use crate::domain::order::{DisputeReport, Order, OrderCommand, OrderError};
use crate::domain::shared::derive_id;
use crate::projections::orders;
use crate::store::Metadata;
use chrono::{DateTime, TimeDelta, Utc};

/// How far back is asked: banks take up to 120 days to open a dispute, and months to decide one.
const SINCE: TimeDelta = TimeDelta::days(400);

/// What a look at the gateway's list brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Things that were new.
    pub new: i64,
    /// Disputes that could not be written down.
    pub failed: i64,
}

/// Asks the gateway that takes cards. What cannot be written down of one dispute keeps no other waiting.
///
/// # Errors
/// If it does not answer.
pub async fn look(cx: &Services, now: DateTime<Utc>, meta: &Metadata) -> Result<Looked, PaymentError> {
    let mut looked = Looked::default();
    let Some(name) = card_gateway(cx) else { return Ok(looked) };
    for report in gateway(cx, name)?.disputes(now - SINCE, now).await? {
        let dispute = report.dispute.clone();
        match write(cx, name, report, now, meta).await {
            Ok(new) => looked.new += i64::from(new),
            Err(error) => {
                looked.failed += 1;
                tracing::error!(dispute, %error, "a dispute could not be written down");
            }
        }
    }
    Ok(looked)
}

async fn write(
    cx: &Services,
    name: &str,
    report: DisputeReport,
    at: DateTime<Utc>,
    meta: &Metadata,
) -> Result<bool, PaymentError> {
    // A charge of another studio on the same account, or one whose order is not listed yet.
    let Some(order) = orders::of_attempt(&cx.reader, report.attempt).await? else { return Ok(false) };
    let state: &'static str = report.state.into();
    let id = derive_id(&format!("dispute/{name}"), &format!("{}/{state}", report.dispute));
    let command = OrderCommand::RecordDispute { report, at };
    match cx.bus.dispatch::<Order>(Envelope::new(id, order, command, meta.clone())).await {
        Ok(receipt) => {
            let new = !receipt.replayed && receipt.position > 0;
            if new {
                cx.metrics.billing.payments.with_label_values(&[name, "disputed"]).inc();
            }
            Ok(new)
        }
        Err(CommandError::Refused(OrderError::NoAttempt)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
