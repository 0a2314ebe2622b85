//! `/login/oidc` and its way back: signing in through a service of others.
//!
//! The way there is a link and no form: a policy that lets forms go only to this site holds for redirects, too.

use super::login::{self, open, own_path};
use super::{form_errors, narrow, second_step};
use crate::actors::accounts::AccountsError;
use crate::actors::accounts::service_flow::Purpose;
use crate::actors::accounts::sign_in::SignIn;
use crate::actors::accounts::sign_in_service::{self, Answer, BACK, Outcome, ServiceError};
use crate::http::error::HttpError;
use crate::http::response::{elsewhere, see_other, with_position};
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Weight, button};
use crate::http::{Req, Res, session};
use maud::{Markup, html};
use warp::http::StatusCode;
use warp::http::header::{RETRY_AFTER, SET_COOKIE};

const PAGE: &str = "/login/oidc";
const SIGNED_OUT: &str = "/logout/oidc";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::Anyone, begin),
        Route::get(BACK, Access::Anyone, back),
        Route::get(SIGNED_OUT, Access::Anyone, signed_out),
    ]
}

/// The button for pages on which people sign in or register; nothing where it is not offered.
pub(super) fn offer(req: &Req, next: &str, invitation: &str) -> Markup {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let mut href = format!("{PAGE}?next={}", encode(next));
    if !invitation.is_empty() {
        href.push_str(&format!("&invitation={}", encode(invitation)));
    }
    html! {
        @if let Some(label) = sign_in_service::label(&req.app.config) {
            p { (button::link(&format!("Sign in with {label}"), &href, Weight::Plain)) }
        }
    }
}

async fn begin(req: Req) -> Result<Res, HttpError> {
    let next = own_path(req.query("next"));
    if req.viewer.account.is_some() {
        return Ok(see_other(&next));
    }
    let short = |text: &str| if text.len() <= 500 { text.to_owned() } else { String::new() };
    let purpose =
        Purpose { next: own_path(&short(&next)), invitation: short(req.query("invitation")), link: None };
    let begun = async {
        let cookie = sign_in_service::begin(&req.app, purpose).await?;
        let address = sign_in_service::address(&req.app, &cookie).await?;
        Ok((cookie, address))
    };
    match begun.await {
        Ok((cookie, address)) => {
            let mut res = elsewhere(&address);
            add_cookie(&mut res, &session::service_cookie(&req.app, &cookie));
            Ok(res)
        }
        Err(error) => refused(&req, &next, error).await,
    }
}

async fn back(req: Req) -> Result<Res, HttpError> {
    let cookie = session::service_of(&req.app, &req.headers).unwrap_or_default();
    let answer = Answer {
        code: req.query("code"),
        state: req.query("state"),
        issuer: req.query("iss"),
        error: req.query("error"),
    };
    let who = (cookie, req.viewer.id(), req.remote);
    let metrics = req.app.metrics.runtime.sign_ins.clone();
    let mut res = match sign_in_service::finish(&req.app, req.meta(), who, answer).await {
        Ok((_, Outcome::Linked(receipt))) => {
            see_other(&with_position(receipt, "/account/security?done=linked"))
        }
        Ok((purpose, Outcome::Known(step, receipt))) => {
            let next = own_path(&purpose.next);
            let next = receipt.map_or(next.clone(), |receipt| with_position(receipt, &next));
            let mut res = match step {
                SignIn::Proved(account) => {
                    metrics.with_label_values(&["accepted"]).inc();
                    open(&req, account, &next).await?
                }
                SignIn::SecondStep(account) => second_step::begin(&req, account, &next).await?,
                other => {
                    metrics.with_label_values(&["refused"]).inc();
                    login::refuse(&req, &own_path(&purpose.next), &login::words(&req, other)).await?
                }
            };
            add_cookie(&mut res, &session::via_cookie(&req.app, true));
            res
        }
        // What another page of this browser began is not ended by a foreign answer.
        Err(error @ ServiceError::Stale) => return refused(&req, "/", error).await,
        Err(error) => refused(&req, "/", error).await?,
    };
    add_cookie(&mut res, &session::no_service_cookie(&req.app));
    Ok(res)
}

async fn refused(req: &Req, next: &str, error: ServiceError) -> Result<Res, HttpError> {
    let words = error.to_string();
    let label = match &error {
        ServiceError::Accounts(AccountsError::TooMany(_)) => "throttled",
        _ => "refused",
    };
    req.app.metrics.runtime.sign_ins.with_label_values(&[label]).inc();
    match error {
        ServiceError::Off => Err(HttpError::NotFound),
        ServiceError::Accounts(error) => {
            let errors = form_errors(error)?;
            let words = errors.iter().next().map(|(_, words)| words.to_owned()).unwrap_or_default();
            login::refuse(req, next, &words).await
        }
        ServiceError::Down(_) => {
            let mut res = login::refuse(req, next, &words).await?;
            *res.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            crate::http::response::set(&mut res, RETRY_AFTER, "30");
            Ok(res)
        }
        _ => login::refuse(req, next, &words).await,
    }
}

/// After signing out here: the provider still knows the person, and may be told, too.
async fn signed_out(req: Req) -> Result<Res, HttpError> {
    let Some(label) = sign_in_service::label(&req.app.config).map(str::to_owned) else {
        return Ok(see_other("/"));
    };
    // A provider that cannot be asked has no such address today.
    let address = sign_in_service::sign_out_address(&req.app).await.ok().flatten();
    let body = html! {
        @if let Some(address) = address {
            p { "You are still signed in at " (label) ". On a device that others use, sign out there, too." }
            p { (button::link(&format!("Sign out of {label}"), address.as_str(), Weight::Main)) }
        } @else {
            p { "You may still be signed in at " (label) ". On a device that others use, sign out there, too." }
        }
        p { a href="/" { "To the studio" } }
    };
    Ok(narrow(&req, "You are signed out", None, &Errors::none(), &body))
}

/// Where to go after signing out.
pub(super) fn after_sign_out(req: &Req) -> &'static str {
    if session::came_via_service(&req.app, &req.headers) { SIGNED_OUT } else { "/" }
}

/// Further cookies go beside those that are there.
pub(in crate::http::pages) fn add_cookie(res: &mut Res, cookie: &str) {
    if let Ok(value) = cookie.parse() {
        res.headers_mut().append(SET_COOKIE, value);
    }
}
