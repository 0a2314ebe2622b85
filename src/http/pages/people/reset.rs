//! `/reset`: asking for a link to set a new password, and `/reset/{token}`: using it.

use super::login::remember_browser;
use super::{form_errors, narrow};
use crate::actors::accounts::limits::Buckets;
use crate::actors::accounts::{recover, tokens};
use crate::emails::TokenPurpose;
use crate::http::error::HttpError;
use crate::http::response::{after, see_other, set};
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Weight, button, form};
use crate::http::{Req, Res, session};
use maud::html;
use warp::http::header::SET_COOKIE;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/reset", Access::Anyone, show),
        Route::post("/reset", Access::Anyone, ask),
        Route::get("/reset/sent", Access::Anyone, sent),
        Route::get("/reset/{token}", Access::Anyone, choose),
        Route::post("/reset/{token}", Access::Anyone, reset),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    Ok(view(&req, "", &Errors::none()))
}

/// The answer is the same for every address.
async fn ask(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let mail = form.get("mail").to_owned();
    if mail.is_empty() {
        return Ok(view(&req, "", &Errors::one("mail", "Enter your mail address.")));
    }
    let now = req.now();
    let outcome = async {
        let buckets = Buckets::new(&req.app, "reset", &mail, Some(req.remote))?;
        buckets.check(&req.app, now).await?;
        buckets.count(&req.app, now).await?;
        recover::ask_reset(&req.app, req.command_id(&form), req.meta(), &mail).await
    };
    match outcome.await {
        Ok(()) => Ok(see_other("/reset/sent")),
        Err(error) => Ok(view(&req, &mail, &form_errors(error)?)),
    }
}

async fn sent(req: Req) -> Result<Res, HttpError> {
    let body = html! {
        p { "If there is an account with this address, a mail with a link is on its way. The link works once, within an hour." }
        @if !req.app.config.is_production() {
            p { "This studio is not in production: " a href="/demo/mail" { "read its mail here" } "." }
        }
    };
    Ok(narrow(&req, "Look into your mail", None, &Errors::none(), &body))
}

async fn choose(req: Req) -> Result<Res, HttpError> {
    let known = tokens::look_up(&req.app, TokenPurpose::Reset, req.param("token")).await?.is_some();
    Ok(if known { choose_view(&req, &Errors::none()) } else { stale(&req) })
}

async fn reset(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let token = req.param("token").to_owned();
    let Some(known) = tokens::look_up(&req.app, TokenPurpose::Reset, &token).await? else {
        return Ok(stale(&req));
    };
    match recover::reset(&req.app, req.command_id(&form), req.meta(), &token, form.raw("password")).await {
        Ok(receipt) => {
            let mut res = after(receipt, "/login?done=reset");
            set(&mut res, SET_COOKIE, &session::no_cookie(&req.app));
            // Who reads the owner's mail is the owner: strangers who guess make no pause in this browser any more.
            remember_browser(&req, known.account, &mut res).await?;
            Ok(res)
        }
        Err(error) => Ok(choose_view(&req, &form_errors(error)?)),
    }
}

fn view(req: &Req, mail: &str, errors: &Errors) -> Res {
    let fields = html! {
        (Field::new("mail", "Mail address").kind("email").autocomplete("email").value(mail).maxlength(254).errors(errors).render())
        (button::submit("Send the link", Weight::Main))
    };
    let lead = "We send you a link to set a new password.";
    narrow(req, "Forgot your password?", Some(lead), errors, &form(req, "/reset", &fields))
}

fn choose_view(req: &Req, errors: &Errors) -> Res {
    let fields = html! {
        (Field::new("password", "New password").kind("password").autocomplete("new-password")
            .hint("At least 10 characters. A few unrelated words are fine.").errors(errors).render())
        (button::submit("Set new password", Weight::Main))
    };
    let lead = "All your sessions end; sign in with the new password then.";
    narrow(req, "Set a new password", Some(lead), errors, &form(req, &req.path, &fields))
}

fn stale(req: &Req) -> Res {
    let errors = Errors::one(
        "",
        "This link is not valid any more: it was used, replaced by a newer one, or is older than an hour.",
    );
    narrow(req, "Link not valid", None, &errors, &html! { p { a href="/reset" { "Ask for a new link" } } })
}
