//! `/logout`: ends the session on the server, then the cookie.

use super::narrow;
use super::service::{add_cookie, after_sign_out};
use crate::actors::accounts::sessions;
use crate::http::error::HttpError;
use crate::http::response::{see_other, set};
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Weight, button, form};
use crate::http::{Req, Res, session};
use warp::http::header::SET_COOKIE;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/logout", Access::Anyone, ask), Route::post("/logout", Access::Anyone, sign_out)]
}

/// Following a link must not sign anybody out: it only asks.
async fn ask(req: Req) -> Result<Res, HttpError> {
    if req.viewer.account.is_none() {
        return Ok(see_other("/"));
    }
    let body = form(&req, "/logout", &button::submit("Sign out", Weight::Main));
    Ok(narrow(&req, "Sign out", Some("On this device only."), &Errors::none(), &body))
}

async fn sign_out(req: Req) -> Result<Res, HttpError> {
    if let Some(account) = &req.viewer.account {
        sessions::end(&req.app, account.impersonator.unwrap_or(account.id), &account.session).await?;
    }
    let mut res = see_other(after_sign_out(&req));
    set(&mut res, SET_COOKIE, &session::no_cookie(&req.app));
    add_cookie(&mut res, &session::via_cookie(&req.app, false));
    Ok(res)
}
