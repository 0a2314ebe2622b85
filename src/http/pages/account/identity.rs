//! `/account/security/identity`: links the sign-in service to an account, or unlinks it. Both sides are proved:
//! this one by session and password, the other by signing in there.

use super::security;
use crate::actors::accounts::service_flow::Purpose;
use crate::actors::accounts::sign_in_service::{self, ServiceError};
use crate::actors::accounts::{self, AccountsError, sign_in};
use crate::domain::account::Account;
use crate::http::error::HttpError;
use crate::http::pages::people::{add_cookie, form_errors, narrow};
use crate::http::response::{after, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Tone, Weight, button, chip, form};
use crate::http::{Req, Res, session};
use maud::{Markup, html};

const PAGE: &str = "/account/security/identity";
/// The field of the password.
const PROOF: &str = "identity_password";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::SignedIn, go_on),
        Route::post(PAGE, Access::SignedIn, link),
        Route::post("/account/security/identity/remove", Access::SignedIn, unlink),
    ]
}

fn proof_errors(error: AccountsError) -> Result<Errors, HttpError> {
    match error {
        AccountsError::WrongPassword | AccountsError::NoPassword => Ok(Errors::one(PROOF, error.to_string())),
        other => form_errors(other),
    }
}

async fn link(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    if let Err(error) = sign_in::prove(&req.app, id, form.raw(PROOF)).await {
        return security::again(&req, &proof_errors(error)?).await;
    }
    let purpose = Purpose { link: Some(id), ..Purpose::default() };
    match sign_in_service::begin(&req.app, purpose).await {
        Ok(cookie) => {
            let mut res = see_other(PAGE);
            add_cookie(&mut res, &session::service_cookie(&req.app, &cookie));
            Ok(res)
        }
        Err(ServiceError::Accounts(error)) => security::again(&req, &form_errors(error)?).await,
        Err(_) => Err(HttpError::NotFound),
    }
}

/// The password was right: on to the provider, by a link.
async fn go_on(req: Req) -> Result<Res, HttpError> {
    let cookie = session::service_of(&req.app, &req.headers).unwrap_or_default();
    let Some(label) = sign_in_service::label(&req.app.config) else { return Err(HttpError::NotFound) };
    match sign_in_service::address(&req.app, cookie).await {
        Ok(address) => {
            let lead = format!("{label} asks you to sign in there and leads you back here.");
            let body = html! {
                p { (button::link(&format!("Go on to {label}"), address.as_str(), Weight::Main)) }
                p { a href="/account/security" { "Leave it as it is" } }
            };
            Ok(narrow(&req, &format!("Link {label}"), Some(&lead), &Errors::none(), &body))
        }
        Err(ServiceError::Accounts(error)) => security::again(&req, &form_errors(error)?).await,
        Err(ServiceError::Off) => Err(HttpError::NotFound),
        Err(other) => security::again(&req, &Errors::one("", other.to_string())).await,
    }
}

async fn unlink(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let command = req.command_id(&form);
    match sign_in_service::unlink(&req.app, command, req.meta(), id, form.raw(PROOF)).await {
        Ok(receipt) => Ok(after(receipt, "/account/security?done=unlinked")),
        Err(error) => security::again(&req, &proof_errors(error)?).await,
    }
}

/// The part of the security page; nothing where the service is neither offered nor linked.
pub(super) async fn section(req: &Req, errors: &Errors) -> Result<Markup, HttpError> {
    let Account { identity, password, .. } = accounts::load(&req.app, req.account()?.id).await?;
    let (offered, linked) = (sign_in_service::label(&req.app.config), identity.is_some());
    if offered.is_none() && !linked {
        return Ok(html! {});
    }
    let label = offered.unwrap_or("another service");
    let words = if linked { format!("Unlink {label}") } else { format!("Link {label}") };
    let action = if linked { "/account/security/identity/remove" } else { PAGE };
    let fields = html! {
        (Field::new(PROOF, "Current password").kind("password").autocomplete("current-password").mid().errors(errors).render())
        (button::submit(&words, Weight::Plain))
    };
    Ok(html! {
        section.stack.mid {
            h2 { "Sign in with " (label) }
            @if linked {
                p { (chip(Tone::Success, "Linked")) " " (label) " opens your account." }
            } @else {
                p { "Link your identity at " (label) " to sign in with it. You sign in there once, to prove that it is yours." }
            }
            @if password.is_some() { (form(req, action, &fields)) }
            @else { p { "You have no password here yet, so this stays linked. " a href="/reset" { "Set a password" } " by a link in a mail." } }
        }
    })
}
