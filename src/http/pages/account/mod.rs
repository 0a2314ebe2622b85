//! A person's own desk: profile, security, deletion. The subscription's pages are billing's.

pub mod confirm;
mod deletion;
mod export;
mod identity;
mod notifications;
mod passkeys;
mod profile;
mod second_factor;
mod security;
mod tokens;

use crate::http::page::{Page, page, unprocessable};
use crate::http::route::Route;
use crate::http::ui::layout::{Place, Theme};
use crate::http::ui::{Errors, Tone, error_summary, notice_text, page_head, rooms};
use crate::http::{Req, Res};
use maud::{Markup, html};

/// The addresses of this desk.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        profile::routes(),
        security::routes(),
        confirm::routes(),
        second_factor::routes(),
        identity::routes(),
        passkeys::routes(),
        tokens::routes(),
        deletion::routes(),
        export::routes(),
        notifications::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The places of this desk, for every page of it.
#[must_use]
pub fn places() -> Vec<Place> {
    vec![
        Place::new("Profile", "/account"),
        Place::new("Library", "/account/library"),
        Place::new("Subscription", "/account/subscription"),
        Place::new("Payment methods", "/account/payment-methods"),
        Place::new("Invoices", "/account/invoices"),
        Place::new("Gifts", "/account/gifts"),
        Place::new("Notifications", "/account/notifications"),
        Place::new("Security", "/account/security"),
        Place::new("Tokens", "/account/tokens"),
        Place::new("Your data", "/account/export"),
        Place::new("Delete account", "/account/deletion"),
    ]
}

/// A page of this desk with its places at the side; with errors the answer is 422.
pub fn desk(
    req: &Req,
    title: &str,
    lead: Option<&str>,
    done: Option<&str>,
    errors: &Errors,
    body: &Markup,
) -> Res {
    desk_with(req, title, lead, done, errors, vec![], body)
}

/// The same, with further scripts.
pub fn desk_with(
    req: &Req,
    title: &str,
    lead: Option<&str>,
    done: Option<&str>,
    errors: &Errors,
    scripts: Vec<&'static str>,
    body: &Markup,
) -> Res {
    // The profile's own address is the start of all others.
    let here = match req.path.as_str() {
        path if path.starts_with("/account/security") => "/account/security",
        path => path,
    };
    let content = html! {
        (page_head(title, lead, None))
        @if let Some(done) = done { (notice_text(Tone::Success, done)) }
        (error_summary(errors))
        (body)
    };
    let title = if errors.is_empty() { title.to_owned() } else { format!("Error: {title}") };
    let res = page(
        req,
        Page {
            title,
            section: "Your account".into(),
            theme: Theme::Desk,
            private: true,
            scripts,
            body: html! { div.page { (rooms("Your account", &places(), here, &content)) } },
            ..Page::default()
        },
    );
    if errors.is_empty() { res } else { unprocessable(res) }
}
