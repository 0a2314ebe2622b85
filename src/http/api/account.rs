//! The own account.

use super::{Endpoint, one};
use crate::actors::accounts::access_tokens::Scope;
use crate::http::route::Access;
use crate::http::{HttpError, Req, Res};
use crate::projections::people;
use serde_json::json;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/account", Scope::AccountRead, "Your account", "Account", show)
            .access(Access::SignedIn),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let person = people::by_id(reader, req.account()?.id).await?.ok_or(HttpError::NotFound)?;
    let asked = [&person.mail, &person.display_name, &person.username];
    let open: Vec<_> = asked.iter().filter_map(|r| (*r).clone()).collect();
    let values = reader.open_many(&open).await?;
    let value = |i: usize| asked[i].as_ref().and_then(|r| values.get(r));
    one(
        &req,
        &json!({
            "id": person.id, "mail": value(0), "display_name": value(1), "username": value(2),
            "confirmed": person.confirmed, "roles": person.roles.names(), "registered_at": person.registered_at,
            "complimentary": person.complimentary.as_ref().map(|c| json!({ "until": c.until })),
            "scopes": req.account()?.scopes,
        }),
    )
}
