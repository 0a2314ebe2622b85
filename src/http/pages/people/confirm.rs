//! `/confirm`: what to do after registering, and `/confirm/{token}`: the link of the mail.

use super::login::{on_the_way, own_path};
use super::{form_errors, narrow};
use crate::actors::accounts::{recover, tokens};
use crate::emails::TokenPurpose;
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Weight, button, form};
use crate::http::{Req, Res};
use maud::html;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/confirm", Access::Anyone, sent),
        Route::get("/confirm/{token}", Access::Anyone, ask),
        Route::post("/confirm/{token}", Access::Anyone, confirm),
    ]
}

async fn sent(req: Req) -> Result<Res, HttpError> {
    let next = own_path(req.query("next"));
    let again = on_the_way("/register", &next);
    let body = html! {
        p { "If the address is right, the mail is there within a minute or two. Open the link in it, then sign in." }
        @if next != "/" { p { "Keep this page open: when your address is confirmed, " a href=(on_the_way("/login", &next)) { "sign in here" } " and you go on where you were." } }
        p { "No mail? Look into the folder for unwanted mail, or " a href=(again) { "try again" }
            ". If the address has an account already, the mail says so." }
        @if !req.app.config.is_production() {
            p { "This studio is not in production: " a href="/demo/mail" { "read its mail here" } "." }
        }
    };
    Ok(narrow(&req, "Look into your mail", None, &Errors::none(), &body))
}

/// Opening the link only asks, because mail programs open links too.
async fn ask(req: Req) -> Result<Res, HttpError> {
    let token = req.param("token").to_owned();
    if tokens::look_up(&req.app, TokenPurpose::Confirm, &token).await?.is_none() {
        return Ok(stale(&req));
    }
    let body =
        form(&req, &format!("/confirm/{token}"), &button::submit("Confirm mail address", Weight::Main));
    Ok(narrow(&req, "Confirm your mail address", None, &Errors::none(), &body))
}

async fn confirm(mut req: Req) -> Result<Res, HttpError> {
    let token = req.param("token").to_owned();
    let form = req.form().await?;
    match recover::confirm(&req.app, req.command_id(&form), req.meta(), &token).await {
        Ok(receipt) if req.viewer.account.is_some() => Ok(after(receipt, "/account/security?done=mail")),
        Ok(receipt) => Ok(after(receipt, "/login?done=confirmed")),
        Err(error) => {
            form_errors(error)?;
            Ok(stale(&req))
        }
    }
}

fn stale(req: &Req) -> Res {
    let errors = Errors::one(
        "",
        "This link is not valid any more: it was used, replaced by a newer one, or is too old.",
    );
    let body = html! {
        p { "If you have confirmed already, " a href="/login" { "sign in" } ". Otherwise sign in with your password: we then send a new link." }
    };
    narrow(req, "Link not valid", None, &errors, &body)
}
