//! `/account/security/confirm`: "Confirm that it is you". Asked before grave acts when the last proof is too
//! old (see [`crate::http::step_up`]), in place of the answer, with the interrupted form in it.

use crate::actors::accounts::{self, passkeys, sign_in_service};
use crate::domain::account::Account;
use crate::http::error::HttpError;
use crate::http::page::with_query;
use crate::http::pages::people::{narrow_with, passkey};
use crate::http::response::{is_own_path, see_other, set};
use crate::http::route::{Access, Body, Route};
use crate::http::step_up::{self, BY, PENDING};
use crate::http::ui::{Errors, Field, Tone, Weight, button, form, hidden_fields, notice};
use crate::http::{Req, Res};
use maud::{Markup, html};
use warp::http::header::CACHE_CONTROL;
use warp::http::{Method, StatusCode};

const PAGE: &str = "/account/security/confirm";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PAGE, Access::SignedIn, show), Route::post(PAGE, Access::SignedIn, prove)]
}

/// What is to be done with the proof, as hidden fields, and where the form goes.
struct Purpose<'a> {
    action: &'a str,
    field: &'static str,
    value: &'a str,
    what: &'a str,
}

/// Asks in place of an answer that needs a proof. Pages that are read, and files that are sent, come back here
/// by a redirect; a form goes on by itself.
///
/// # Errors
/// If the account cannot be read.
pub async fn ask(req: &mut Req, route: &Route, errors: &Errors) -> Result<Res, HttpError> {
    if matches!(req.method, Method::GET | Method::HEAD) || route.body == Body::Stream {
        let pairs: Vec<(&str, &str)> = req.query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        return Ok(see_other(&with_query(PAGE, &[("next", &with_query(&req.path, &pairs))])));
    }
    let carried = step_up::pending(req).await?;
    let what = route.step_up.map_or("", |rule| rule.what);
    let path = req.path.clone();
    let mut res =
        view(req, &Purpose { action: &path, field: PENDING, value: &carried, what }, errors).await?;
    // Neither done nor refused: programs that look at the number alone must not take it for a success.
    *res.status_mut() =
        if errors.is_empty() { StatusCode::FORBIDDEN } else { StatusCode::UNPROCESSABLE_ENTITY };
    set(&mut res, CACHE_CONTROL, "no-store");
    Ok(res)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let next = own_path(req.query("next"));
    let fresh = req
        .app
        .config
        .step_up()
        .is_none_or(|valid| req.account().is_ok_and(|account| req.now() - account.proved_at < valid));
    if fresh && !req.query("next").is_empty() {
        return Ok(see_other(&next));
    }
    view(&req, &Purpose { action: PAGE, field: "next", value: &next, what: "" }, &Errors::none()).await
}

async fn prove(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let next = own_path(form.get("next"));
    match step_up::prove(&mut req, &form).await {
        Ok(()) => Ok(see_other(&next)),
        Err(HttpError::StepUp(errors)) => {
            view(&req, &Purpose { action: PAGE, field: "next", value: &next, what: "" }, &errors).await
        }
        Err(other) => Err(other),
    }
}

/// Where to go afterwards: only to a path of our own, and not here again.
fn own_path(next: &str) -> String {
    let ours = is_own_path(next) && !next.starts_with(PAGE);
    if ours { next.to_owned() } else { "/account/security".to_owned() }
}

async fn view(req: &Req, purpose: &Purpose<'_>, errors: &Errors) -> Result<Res, HttpError> {
    let id = req.account()?.id;
    let Account { password, second_factor, passkeys, .. } = accounts::load(&req.app, id).await?;
    let minutes = req.app.config.step_up().map_or(0, |valid| valid.num_minutes());
    let lead = match purpose.what {
        "" => "Some things ask once more who you are.".to_owned(),
        what => format!(
            "You are about to {what}. What you entered is kept; it is done as soon as you have confirmed."
        ),
    };
    let by_passkey = !passkeys.is_empty() && passkeys::site(&req.app.config).is_some();
    let weight = |first: bool| if first { Weight::Main } else { Weight::Plain };
    let body = html! {
        @if password.is_some() {
            (form(req, purpose.action, &html! {
                (carried(purpose, "password"))
                (Field::new("proof_password", "Your password").kind("password").autocomplete("current-password").mid().errors(errors).render())
                (button::submit("Confirm with the password", Weight::Main))
            }))
        }
        @if second_factor.is_some() {
            (form(req, purpose.action, &html! {
                (carried(purpose, "code"))
                (Field::new("proof_code", "Or a code").autocomplete("one-time-code").maxlength(16).mid()
                    .hint("The six digits that your authenticator shows now, or one of your recovery codes.").errors(errors).render())
                (button::submit("Confirm with the code", weight(password.is_none())))
            }))
        }
        @if by_passkey {
            div data-passkeys hidden {
                form.form method="post" action=(purpose.action) data-passkey=(passkey::CHALLENGE) {
                    (hidden_fields(req))
                    (carried(purpose, "passkey"))
                    input type="hidden" name="token" value="";
                    input type="hidden" name="credential" value="";
                    (button::submit("Confirm with a passkey", weight(password.is_none())))
                }
            }
        }
        @if password.is_none() && second_factor.is_none() { (without(req, by_passkey)) }
        @if minutes > 0 { p.small.dim { "You are not asked again for " (minutes) " minutes in this browser." } }
    };
    Ok(narrow_with(req, "Confirm that it is you", Some(&lead), errors, vec![passkey::SCRIPT], &body))
}

fn carried(purpose: &Purpose<'_>, by: &str) -> Markup {
    html! {
        input type="hidden" name=(purpose.field) value=(purpose.value);
        input type="hidden" name=(BY) value=(by);
    }
}

/// Who has nothing to type is told what to do.
fn without(req: &Req, by_passkey: bool) -> Markup {
    let label = sign_in_service::label(&req.app.config);
    notice(
        Tone::Info,
        &html! {
            p {
                @if by_passkey { "Confirm with your passkey; that needs JavaScript. Or set a password: " }
                @else { "Your account has no password here yet. " }
                a href="/reset" { "Set one by a link in a mail" } "."
                @if let Some(label) = label { " Or sign out and in again with " (label) ": that counts as well." }
            }
        },
    )
}
