//! The way in: register, confirm, sign in and out, reset, the first admin, and the mail of a demo.

mod confirm;
mod demo_mail;
mod login;
mod logout;
pub(in crate::http::pages) mod passkey;
mod register;
mod reset;
mod second_step;
mod service;
pub mod setup;

pub(in crate::http::pages) use service::add_cookie;

use crate::actors::accounts::AccountsError;
use crate::http::error::HttpError;
use crate::http::page::{Page, page, unprocessable};
use crate::http::route::Route;
use crate::http::ui::layout::Theme;
use crate::http::ui::{Errors, error_summary, page_head};
use crate::http::{Req, Res};
use maud::{Markup, html};
use std::time::Duration;

/// The addresses of these pages.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        register::routes(),
        confirm::routes(),
        login::routes(),
        second_step::routes(),
        passkey::routes(),
        service::routes(),
        logout::routes(),
        reset::routes(),
        setup::routes(),
        demo_mail::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is wrong with what was typed, for the form to be shown again; everything else is an answer
/// of its own.
///
/// # Errors
/// 429, 503 and 500.
pub fn form_errors(error: AccountsError) -> Result<Errors, HttpError> {
    match error {
        AccountsError::Field(field, words) => Ok(Errors::one(field, words)),
        AccountsError::WrongPassword | AccountsError::NoPassword => {
            Ok(Errors::one("current", error.to_string()))
        }
        AccountsError::Refused(_) | AccountsError::StaleLink => Ok(Errors::one("", error.to_string())),
        AccountsError::TooMany(seconds) => {
            Err(HttpError::TooMany { why: error.to_string(), retry_after: Duration::from_secs(seconds) })
        }
        AccountsError::Busy => Err(HttpError::busy()),
        AccountsError::Store(store) => Err(store.into()),
    }
}

/// A narrow page with one form or a few sentences.
pub(in crate::http::pages) fn narrow(
    req: &Req,
    title: &str,
    lead: Option<&str>,
    errors: &Errors,
    body: &Markup,
) -> Res {
    narrow_with(req, title, lead, errors, vec![], body)
}

/// The same, with further scripts.
pub(in crate::http::pages) fn narrow_with(
    req: &Req,
    title: &str,
    lead: Option<&str>,
    errors: &Errors,
    scripts: Vec<&'static str>,
    body: &Markup,
) -> Res {
    let content = html! {
        div.wrap.page { div.narrow.stack.mid {
            (page_head(title, lead, None))
            (error_summary(errors))
            (body)
        } }
    };
    let title = if errors.is_empty() { title.to_owned() } else { format!("Error: {title}") };
    let res = page(
        req,
        Page { title, theme: Theme::Desk, private: true, scripts, body: content, ..Page::default() },
    );
    if errors.is_empty() { res } else { unprocessable(res) }
}
