//! What gateways send on their own. A webhook is a hint: it says what to look at, never what is true.
//! The charge or refund it names is fetched from the gateway again before anything is decided.

use super::disputes;
use super::payments::{self, PaymentError};
use super::refunds;
use super::services::Services;
use crate::domain::shared::derive_id;
use crate::projections;
use crate::store::{Metadata, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::collections::HashMap;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How far the time of a signature may be from ours, either way.
const WINDOW: TimeDelta = TimeDelta::minutes(5);
/// How long the id of a webhook is remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// Why a webhook is not taken.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No gateway of that name sends webhooks here.
    #[error("no gateway of this name sends webhooks here")]
    NoGateway,
    /// Not signed with the shared key, or too long ago.
    #[error("{0}")]
    Signature(&'static str),
    /// The body has another form.
    #[error("the body cannot be read: {0}")]
    Body(String),
    /// It is about something that is none of ours.
    #[error("this is about nothing that is known here")]
    Foreign,
    /// Nothing here has that key (yet).
    #[error("no charge or refund with this key is known here; send it again later if it is new")]
    Unknown,
    /// The gateway could not be asked, or the result not be recorded.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The header in which a gateway signs.
#[must_use]
pub fn signature_header(gateway: &str) -> &'static str {
    if gateway == "stripe" { "stripe-signature" } else { "kinora-signature" }
}

#[derive(Deserialize)]
struct Hint {
    id: String,
    charge: Uuid,
    refund: Option<Uuid>,
    /// It is about a dispute of the charge.
    #[serde(default)]
    dispute: bool,
}

/// An event of Stripe, as far as it says what to look at.
#[derive(Deserialize)]
struct StripeEvent {
    id: String,
    data: StripeData,
}

#[derive(Deserialize)]
struct StripeData {
    object: StripeObject,
}

#[derive(Deserialize)]
struct StripeObject {
    id: String,
    object: String,
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

impl StripeEvent {
    /// The charge that it is about, by its number.
    fn charge(&self) -> Option<&str> {
        let object = &self.data.object;
        if object.object == "payment_intent" { Some(&object.id) } else { object.payment_intent.as_deref() }
    }

    fn refund(&self) -> Option<Uuid> {
        self.data.object.metadata.get("kinora_refund")?.parse().ok()
    }
}

/// What a body of `gateway` hints at; none if it is about nothing of ours.
async fn read(cx: &Services, gateway: &str, body: &[u8]) -> Result<Option<Hint>, WebhookError> {
    let wrong = |e: serde_json::Error| WebhookError::Body(e.to_string());
    if gateway != "stripe" {
        return serde_json::from_slice(body).map(Some).map_err(wrong);
    }
    let event: StripeEvent = serde_json::from_slice(body).map_err(wrong)?;
    let Some(charge) = event.charge() else { return Ok(None) };
    let key = payments::stripe(cx)?.key_of(charge).await.map_err(PaymentError::from)?;
    let (refund, dispute) = (event.refund(), event.data.object.object == "dispute");
    Ok(key.map(|charge| Hint { id: event.id, charge, refund, dispute }))
}

/// Checks `header`, `t=SECONDS,v1=HEX[,v1=HEX]`: HMAC-SHA256 over `SECONDS.BODY`.
pub(super) fn verify(
    secret: &str,
    header: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), WebhookError> {
    let mut time = None;
    let mut given = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", seconds)) => time = seconds.parse::<i64>().ok(),
            Some(("v1", hex)) => given.extend(hex::decode(hex).ok()),
            _ => {}
        }
    }
    let Some(time) = time else {
        return Err(WebhookError::Signature("the header of the signature lacks its time, t=…"));
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return Err(WebhookError::Signature("the shared key cannot be used"));
    };
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let expected = mac.finalize().into_bytes();
    if !given.iter().any(|g| bool::from(g.as_slice().ct_eq(expected.as_slice()))) {
        return Err(WebhookError::Signature("the signature is not ours: check the shared key"));
    }
    // Last, so that only who has the key learns about our clock.
    if (now.timestamp() - time).abs() > WINDOW.num_seconds() {
        return Err(WebhookError::Signature("the signature is older or newer than five minutes"));
    }
    Ok(())
}

/// Takes one webhook. `false`: it was taken before.
///
/// # Errors
/// If it is forged or malformed, or the gateway does not answer: it should be sent again.
pub async fn take(cx: &Services, gateway: &str, header: &str, body: &[u8]) -> Result<bool, WebhookError> {
    let outcome = taken(cx, gateway, header, body).await;
    let word = match &outcome {
        Ok(true) => "taken",
        Ok(false) => "repeated",
        Err(WebhookError::NoGateway) => return outcome,
        Err(WebhookError::Foreign) => "ignored",
        Err(WebhookError::Signature(_) | WebhookError::Body(_)) => "refused",
        Err(WebhookError::Unknown) => "unknown",
        Err(_) => "failed",
    };
    cx.metrics.billing.webhooks.with_label_values(&[gateway, word]).inc();
    outcome
}

async fn taken(cx: &Services, gateway: &str, header: &str, body: &[u8]) -> Result<bool, WebhookError> {
    let gateways = &cx.config.gateways;
    let secret = match gateway {
        "sandbox" => gateways.sandbox.webhook_secret.as_deref(),
        "stripe" => gateways.stripe.webhook_secret.as_deref(),
        _ => None,
    };
    let Some(secret) = secret.filter(|s| !s.is_empty()) else { return Err(WebhookError::NoGateway) };
    payments::gateway(cx, gateway).map_err(|_| WebhookError::NoGateway)?;
    // The gateway's clock is the world's, also where ours was moved for a demo.
    verify(secret, header, body, Utc::now())?;
    let hint = read(cx, gateway, body).await?.ok_or(WebhookError::Foreign)?;
    if hint.id.is_empty() || hint.id.len() > 200 {
        return Err(WebhookError::Body("id must have 1 to 200 characters".into()));
    }
    if was_seen(cx, gateway, &hint.id).await? {
        return Ok(false);
    }
    let id = derive_id(&format!("webhook/{gateway}"), &hint.id);
    let meta = Metadata::system("webhook", id, cx.clock.now());
    let order = projections::orders::of_attempt(&cx.reader, hint.charge).await?;
    let order = order.ok_or(WebhookError::Unknown)?;
    match hint.refund {
        // What could not be written down now, the hourly look at the list tries again.
        _ if hint.dispute => {
            disputes::look(cx, cx.clock.now(), &meta).await?;
        }
        Some(refund) => {
            refunds::look_up(cx, order, refund, Some((id, None)), meta).await?;
        }
        None => payments::hinted(cx, order, hint.charge, (id, meta)).await?,
    }
    // Only now: one that was cut off is acted upon when it comes again, under the same command id.
    Ok(mark_seen(cx, gateway, &hint.id).await?)
}

/// Whether a webhook was taken before.
pub(super) async fn was_seen(cx: &Services, gateway: &str, id: &str) -> Result<bool, StoreError> {
    let sql = "select 1 from webhooks_seen where gateway = $1 and id = $2";
    Ok(cx.pool.get().await?.query_opt(sql, &[&gateway, &id]).await?.is_some())
}

/// Writes down that a webhook was taken; `false` if it was before.
pub(super) async fn mark_seen(cx: &Services, gateway: &str, id: &str) -> Result<bool, StoreError> {
    let sql =
        "insert into webhooks_seen (gateway, id, received_at) values ($1, $2, $3) on conflict do nothing";
    Ok(cx.pool.get().await?.execute(sql, &[&gateway, &id, &cx.clock.now()]).await? > 0)
}

/// Forgets ids of long ago. Gives how many.
///
/// # Errors
/// If the database fails.
pub async fn clear(cx: &Services, at: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "delete from webhooks_seen where received_at < $1";
    Ok(client.execute(sql, &[&(at - REMEMBERED)]).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(secret: &str, time: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{time}.").as_bytes());
        mac.update(body);
        format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn only_what_is_signed_with_the_key_and_fresh_is_taken() {
        let now: DateTime<Utc> = "2026-11-27T12:00:00Z".parse().unwrap();
        let (t, body) = (now.timestamp(), b"{\"id\":\"1\"}");
        let check = |header: &str, body: &[u8]| verify("key", header, body, now).is_ok();
        let good = signed("key", t, body);
        assert!(check(&good, body));
        assert!(check(&format!("{good},v1=00"), body), "one of several signatures is enough");
        assert!(!check(&good, b"{\"id\":\"2\"}"), "another body");
        assert!(!check(&signed("other", t, body), body), "another key");
        assert!(!check(&good.replace(&t.to_string(), &(t + 1).to_string()), body), "another time");
        assert!(check(&signed("key", t - 300, body), body) && !check(&signed("key", t - 301, body), body));
        assert!(check(&signed("key", t + 300, body), body) && !check(&signed("key", t + 301, body), body));
        for bad in ["", "t=", "v1=00", "t=1,v1=zz", "nonsense"] {
            assert!(!check(bad, body), "{bad}");
        }
    }
}
