//! `/webhooks/{gateway}`: what gateways send on their own, described in `docs/gateway-protocol.md`; and
//! `/webhooks/profile`: what the sign-in service tells of people, described in `docs/profile-webhook.md`.

use super::error::HttpError;
use super::request::Req;
use super::response::{self, Res};
use super::route::{Access, Route};
use crate::actors::accounts::AccountsError;
use crate::actors::accounts::profile_webhook::{self, ProfileError};
use crate::actors::webhooks::{self, WebhookError};
use std::time::Duration;
use warp::http::StatusCode;

/// The addresses of this file.
#[must_use]
pub fn routes() -> Vec<Route> {
    vec![
        Route::post("/webhooks/{gateway}", Access::Anyone, take),
        Route::post("/webhooks/profile", Access::Anyone, profile),
    ]
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

async fn profile(mut req: Req) -> Result<Res, HttpError> {
    if !req.header("content-type").starts_with("application/json") {
        return Err(HttpError::UnsupportedType("Send this as application/json.".into()));
    }
    let too_large = || {
        let most = profile_webhook::LONGEST;
        HttpError::TooLarge(format!("This is more than the {most} bytes that are allowed here."))
    };
    // Refused by what it says of itself, before a byte is read.
    if req.header("content-length").parse::<usize>().is_ok_and(|n| n > profile_webhook::LONGEST) {
        return Err(too_large());
    }
    let body = req.bytes().await?;
    if body.len() > profile_webhook::LONGEST {
        return Err(too_large());
    }
    let signature = req.header(profile_webhook::HEADER).to_owned();
    match profile_webhook::take(&req.app, &signature, &body).await {
        Ok(new) => response::json(StatusCode::OK, &serde_json::json!({ "taken": true, "repeated": !new })),
        Err(ProfileError::Webhook(WebhookError::NoGateway) | ProfileError::Unknown) => {
            Err(HttpError::NotFound)
        }
        Err(ProfileError::Webhook(why)) => Err(HttpError::BadRequest(why.to_string())),
        Err(ProfileError::Unusable(words)) => Err(HttpError::Unprocessable(words)),
        Err(ProfileError::Refused(why)) => Err(HttpError::Conflict(why)),
        Err(ProfileError::Accounts(AccountsError::Store(error))) => Err(error.into()),
        Err(ProfileError::Accounts(_)) => Err(HttpError::busy()),
    }
}
