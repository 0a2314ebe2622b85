//! Disputes, as Stripe lists them: <https://docs.stripe.com/api/disputes/object>.

use super::api::Api;
use super::books::Books;
use super::{is_id, text, units};
use crate::adapters::gateways::GatewayError;
use crate::domain::order::{DisputeReport, DisputeState};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Most pages of a hundred that are read at once.
const MOST_PAGES: usize = 20;

/// Every dispute of a charge of ours that was opened at `since` or later.
pub(super) async fn since(
    api: &Api,
    books: &Books,
    since: DateTime<Utc>,
) -> Result<Vec<DisputeReport>, GatewayError> {
    let mut found = Vec::new();
    let mut after = String::new();
    for _ in 0..MOST_PAGES {
        let path = format!("/v1/disputes?limit=100&created[gte]={}{after}", since.timestamp());
        let page = api.get(&path).await?.done()?;
        let all = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        for dispute in all {
            if let Some(report) = report(books, dispute).await? {
                found.push(report);
            }
        }
        let last = all.last().map(|d| text(d, "id")).filter(|id| is_id(id, "dp_") || is_id(id, "du_"));
        match (page["has_more"].as_bool(), last) {
            (Some(true), Some(last)) => after = format!("&starting_after={last}"),
            _ => break,
        }
    }
    Ok(found)
}

async fn report(books: &Books, dispute: &Value) -> Result<Option<DisputeReport>, GatewayError> {
    let state = match text(dispute, "status") {
        "won" | "warning_closed" => DisputeState::Won,
        "lost" => DisputeState::Lost,
        _ => DisputeState::Open,
    };
    let (id, intent) = (text(dispute, "id"), text(dispute, "payment_intent"));
    let Some(attempt) = books.key_of(intent).await? else { return Ok(None) };
    let amount = dispute["amount"].as_i64().and_then(|n| units::from_stripe(n, text(dispute, "currency")));
    let Some(amount) = amount else {
        tracing::error!(dispute = id, "a dispute at Stripe names an amount that cannot be read");
        return Ok(None);
    };
    Ok(Some(DisputeReport {
        dispute: id.to_owned(),
        attempt,
        amount,
        reason: text(dispute, "reason").to_owned(),
        state,
    }))
}
