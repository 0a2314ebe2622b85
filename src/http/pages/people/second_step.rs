//! `/login/code`: the second step of signing in, for people with an authenticator or a passkey.
//!
//! Between the steps a cookie holds a secret of ten minutes; its hash is kept with the account, so that
//! neither the address nor the form says who is about to sign in.

use super::login::{open, own_path};
use super::{form_errors, narrow_with, passkey};
use crate::actors::accounts::{AccountsError, second_factor, tokens};
use crate::emails::TokenPurpose;
use crate::http::error::HttpError;
use crate::http::response::{see_other, set};
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Weight, button, form};
use crate::http::{Req, Res, session};
use maud::html;
use uuid::Uuid;
use warp::http::header::SET_COOKIE;

const PAGE: &str = "/login/code";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PAGE, Access::Anyone, show), Route::post(PAGE, Access::Anyone, prove)]
}

/// After the right password: on to the code.
pub(super) async fn begin(req: &Req, account: Uuid, next: &str) -> Result<Res, HttpError> {
    let id = req.app.clock.new_id();
    let token = tokens::Token { account, target: id };
    let secret = tokens::issue(&req.app, id, TokenPurpose::SecondStep, token, req.now()).await?;
    let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
    let mut res = see_other(&format!("{PAGE}?next={next}"));
    set(&mut res, SET_COOKIE, &session::step_cookie(&req.app, &secret));
    Ok(res)
}

async fn waiting(req: &Req) -> Result<Option<Uuid>, HttpError> {
    let Some(secret) = session::step_of(&req.app, &req.headers) else { return Ok(None) };
    Ok(tokens::look_up(&req.app, TokenPurpose::SecondStep, secret).await?.map(|t| t.account))
}

async fn show(req: Req) -> Result<Res, HttpError> {
    if waiting(&req).await?.is_none() {
        return Ok(see_other("/login"));
    }
    let next = own_path(req.query("next"));
    Ok(view(&req, &next, &Errors::none()))
}

async fn prove(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let next = own_path(form.get("next"));
    let Some(account) = waiting(&req).await? else { return Ok(see_other("/login")) };
    let metrics = req.app.metrics.runtime.sign_ins.clone();
    match second_factor::check(&req.app, req.meta(), account, form.get("code")).await {
        Ok(()) => {
            metrics.with_label_values(&["accepted"]).inc();
            tokens::spend(&req.app, TokenPurpose::SecondStep, account).await?;
            let mut res = open(&req, account, &next).await?;
            if let Ok(value) = session::no_step_cookie(&req.app).parse() {
                res.headers_mut().append(SET_COOKIE, value);
            }
            Ok(res)
        }
        // Removed meanwhile from the shell: the password alone is enough, from the start.
        Err(AccountsError::StaleLink) => Ok(see_other("/login")),
        Err(error) => {
            let label = if matches!(error, AccountsError::TooMany(_)) { "throttled" } else { "refused" };
            metrics.with_label_values(&[label]).inc();
            Ok(view(&req, &next, &form_errors(error)?))
        }
    }
}

fn view(req: &Req, next: &str, errors: &Errors) -> Res {
    let fields = html! {
        input type="hidden" name="next" value=(next);
        (Field::new("code", "Code").autocomplete("one-time-code").maxlength(16).mid()
            .hint("The six digits that your authenticator shows now, or one of your recovery codes. Or use a passkey.").errors(errors).render())
        (button::submit("Sign in", Weight::Main))
    };
    let body = html! {
        (form(req, PAGE, &fields))
        (passkey::offer(req, next))
        p { a href="/login" { "Start again" } }
    };
    narrow_with(req, "Your code", None, errors, vec![passkey::SCRIPT], &body)
}
