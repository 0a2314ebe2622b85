//! What became of a request that was sent with an `Idempotency-Key`.

use super::{Endpoint, one};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::idempotency::{self, Key};
use crate::http::route::Access;
use crate::http::{HttpError, Req, Res, idempotent};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/api/v1/commands/{key}",
            Scope::AccountRead,
            "The outcome of a request by its Idempotency-Key; your own only, for eight days. A token sees what its own scopes could ask for, with account:read everything",
            "Outcome",
            show,
        )
        .access(Access::SignedIn)
        .any_token(),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let account = req.account()?;
    let key = Key {
        who: idempotent::who(&req)?,
        account: Some(account.id),
        key: req.param("key").to_owned(),
        scope: None,
    };
    let found = idempotency::find(&req.app, &key).await?.ok_or(HttpError::NotFound)?;
    if let Some(scopes) = &account.scopes {
        let may = |code: &str| scopes.iter().any(|s| s == code);
        // Whatever else the account did is none of the token's business.
        if !may(Scope::AccountRead.code()) && !found.scope.as_deref().is_some_and(may) {
            return Err(HttpError::NotFound);
        }
    }
    let answer = found.answer.as_ref().map(|a| {
        let body = serde_json::from_slice::<Value>(&a.body).ok();
        json!({ "status": a.status, "location": a.location, "body": body })
    });
    let state = if found.done { "done" } else { "running" };
    one(
        &req,
        &json!({ "key": req.param("key"), "request": found.request, "at": found.at, "state": state, "answer": answer }),
    )
}
