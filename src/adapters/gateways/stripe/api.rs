//! Stripe's HTTP API: forms out, JSON in.

use crate::adapters::gateways::GatewayError;
use crate::adapters::https::Https;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

/// The form of the answers that this code reads.
const VERSION: &str = "2024-06-20";
/// How long an answer may take; after that it is unknown what became of the call.
const PATIENCE: Duration = Duration::from_secs(30);

/// The API of one account at Stripe.
#[derive(Clone)]
pub(super) struct Api {
    https: Https,
    base: Url,
    secret_key: String,
}

/// An answer.
pub(super) struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Value,
}

impl Answer {
    /// Whether it was done.
    pub(super) const fn is_done(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Whether it says that the call was refused for good. Of a conflict, too many calls and faults on
    /// its side nobody knows what became.
    pub(super) const fn is_refused(&self) -> bool {
        matches!(self.status, 400..=499) && !matches!(self.status, 401 | 403 | 408 | 409 | 425 | 429)
    }

    /// A text of the body.
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer).and_then(Value::as_str)
    }

    /// The body of a call that was done.
    pub(super) fn done(self) -> Result<Value, GatewayError> {
        if self.is_done() {
            return Ok(self.body);
        }
        if self.is_refused() {
            let words = self.text("/error/message").unwrap_or("The payment service refused.");
            return Err(GatewayError::Refused(words.to_owned()));
        }
        Err(GatewayError::TimedOut)
    }
}

impl Api {
    pub(super) const fn new(https: Https, base: Url, secret_key: String) -> Self {
        Self { https, base, secret_key }
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, GatewayError> {
        self.call("GET", path, &[], None).await
    }

    /// Writes; the same `once` is the same call, however often it is sent.
    pub(super) async fn post(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        once: &str,
    ) -> Result<Answer, GatewayError> {
        self.call("POST", path, fields, Some(once)).await
    }

    /// Removes.
    pub(super) async fn delete(&self, path: &str) -> Result<Answer, GatewayError> {
        self.call("DELETE", path, &[], None).await
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        once: Option<&str>,
    ) -> Result<Answer, GatewayError> {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base.as_str().trim_end_matches('/')))
            .header("authorization", format!("Bearer {}", self.secret_key))
            .header("stripe-version", VERSION)
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(once) = once {
            request = request.header("idempotency-key", once);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| {
            tracing::error!(%error, "the settings of Stripe cannot be used");
            GatewayError::TimedOut
        })?;
        let (status, bytes) = self.https.send(request, PATIENCE).await.map_err(|error| {
            tracing::warn!(%error, "Stripe cannot be reached");
            GatewayError::TimedOut
        })?;
        if matches!(status, 401 | 403) {
            tracing::error!(status, "Stripe refuses the secret key");
        }
        let body = serde_json::from_slice(&bytes).map_err(|_| GatewayError::TimedOut)?;
        Ok(Answer { status, body })
    }
}
