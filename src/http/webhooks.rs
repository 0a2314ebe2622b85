//! `/webhooks/{gateway}`: what gateways send on their own. Described in `docs/gateway-protocol.md`.

use super::error::HttpError;
use super::request::Req;
use super::response::{self, Res};
use super::route::{Access, Route};
use crate::actors::webhooks::{self, WebhookError};
use std::time::Duration;
use warp::http::StatusCode;

/// The addresses of this file.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![Route::post("/webhooks/{gateway}", Access::Anyone, take)]
}

async fn take(mut req: Req) -> Result<Res, HttpError> {
    if !req.header("content-type").starts_with("application/json") {
        return Err(HttpError::UnsupportedType("Send this as application/json.".into()));
    }
    let body = req.bytes().await?;
    let gateway = req.param("gateway").to_owned();
    let signature = req.header(webhooks::signature_header(&gateway)).to_owned();
    match webhooks::take(&req.app, &gateway, &signature, &body).await {
        Ok(new) => response::json(StatusCode::OK, &serde_json::json!({ "taken": true, "repeated": !new })),
        // Well received, and nothing to be sent again.
        Err(WebhookError::Foreign) => response::json(StatusCode::OK, &serde_json::json!({ "taken": false })),
        Err(WebhookError::NoGateway | WebhookError::Unknown) => Err(HttpError::NotFound),
        Err(why @ (WebhookError::Signature(_) | WebhookError::Body(_))) => {
            Err(HttpError::BadRequest(why.to_string()))
        }
        Err(WebhookError::Payment(payments_down)) => {
            tracing::warn!(error = %payments_down, "a webhook could not be followed up");
            Err(HttpError::Unavailable {
                why: "The payment service could not be asked.".into(),
                retry_after: Duration::from_secs(30),
            })
        }
        Err(WebhookError::Store(error)) => Err(error.into()),
    }
}
