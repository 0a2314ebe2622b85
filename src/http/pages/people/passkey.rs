//! `/login/passkey`: signing in with a passkey. Its form stands on the page of the password and on that of the
//! code, and shows itself where the browser knows passkeys.

use super::form_errors;
use super::login::{self, open, own_path};
use crate::actors::accounts::AccountsError;
use crate::actors::accounts::limits::Buckets;
use crate::actors::accounts::passkeys;
use crate::actors::accounts::sign_in::SignIn;
use crate::http::error::HttpError;
use crate::http::response;
use crate::http::route::{Access, Route};
use crate::http::ui::form::hidden_fields;
use crate::http::ui::{Weight, button};
use crate::http::{Req, Res};
use maud::{Markup, html};
use warp::http::StatusCode;
use warp::http::header::CACHE_CONTROL;

const PAGE: &str = "/login/passkey";
/// Where these forms get their challenge.
pub(in crate::http::pages) const CHALLENGE: &str = "/login/passkey/challenge";
/// The script of these forms.
pub(in crate::http::pages) const SCRIPT: &str = "passkeys.js";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post(CHALLENGE, Access::Anyone, challenge), Route::post(PAGE, Access::Anyone, sign_in)]
}

/// The form, for pages on which people sign in.
pub(super) fn offer(req: &Req, next: &str) -> Markup {
    html! {
        div data-passkeys hidden {
            form.form method="post" action=(PAGE) data-passkey=(CHALLENGE) {
                (hidden_fields(req))
                input type="hidden" name="next" value=(next);
                input type="hidden" name="token" value="";
                input type="hidden" name="credential" value="";
                (button::submit("Sign in with a passkey", Weight::Plain))
            }
        }
    }
}

/// What a browser asks its device with.
pub(in crate::http::pages) fn answer(challenge: &passkeys::Challenge) -> Result<Res, HttpError> {
    let mut res = response::json(StatusCode::OK, challenge)?;
    response::set(&mut res, CACHE_CONTROL, "no-store");
    Ok(res)
}

async fn challenge(req: Req) -> Result<Res, HttpError> {
    match passkeys::begin_signing_in(&req.app) {
        Ok(challenge) => answer(&challenge),
        Err(error) => {
            form_errors(error)?;
            Err(HttpError::NotFound)
        }
    }
}

async fn sign_in(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let next = own_path(form.get("next"));
    let metrics = req.app.metrics.runtime.sign_ins.clone();
    let count = |outcome| metrics.with_label_values(&[outcome]).inc();
    let now = req.now();
    let buckets = Buckets::new(&req.app, "passkey", &req.remote.to_string(), Some(req.remote))?;
    let outcome = async {
        buckets.check(&req.app, now).await?;
        passkeys::sign_in(&req.app, form.get("token"), form.get("credential")).await
    };
    match outcome.await {
        Ok(SignIn::Proved(account)) => {
            count("accepted");
            open(&req, account, &next).await
        }
        Ok(other) => {
            count("refused");
            login::refuse(&req, &next, &login::words(&req, other)).await
        }
        Err(error) => {
            match &error {
                AccountsError::TooMany(_) => count("throttled"),
                _ => {
                    count("refused");
                    buckets.count(&req.app, now).await?;
                }
            }
            let errors = form_errors(error)?;
            let words = errors.iter().next().map(|(_, words)| words.to_owned()).unwrap_or_default();
            login::refuse(&req, &next, &words).await
        }
    }
}
