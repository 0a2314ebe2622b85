//! What became of a request that was sent with an `Idempotency-Key`.

use super::{Endpoint, one};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::idempotency;
use crate::http::route::Access;
use crate::http::{HttpError, Req, Res, idempotent};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/api/v1/commands/{key}",
            Scope::AccountRead,
            "The outcome of a request by its Idempotency-Key; your own only, for eight days",
            "Outcome",
            show,
        )
        .access(Access::SignedIn),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let who = idempotent::who(&req)?;
    let found = idempotency::find(&req.app, &who, req.param("key")).await?.ok_or(HttpError::NotFound)?;
    let answer = found.answer.as_ref().map(|a| {
        let body = serde_json::from_slice::<Value>(&a.body).ok();
        json!({ "status": a.status, "location": a.location, "body": body })
    });
    let state = if answer.is_some() { "done" } else { "running" };
    one(
        &req,
        &json!({ "key": req.param("key"), "request": found.request, "at": found.at, "state": state, "answer": answer }),
    )
}
