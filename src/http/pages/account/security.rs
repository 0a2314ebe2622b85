//! `/account/security`: password, mail address, sessions.

use super::desk;
use crate::actors::accounts::{self, AccountsError, recover, sessions};
use crate::http::error::HttpError;
use crate::http::pages::people::form_errors;
use crate::http::response::{after, see_other, set};
use crate::http::route::{Access, Route};
use crate::http::ui::table::{cell, head, table};
use crate::http::ui::{Column, Errors, Field, Tone, Weight, button, chip, form, form_inline, format};
use crate::http::{Form, Req, Res, session};
use maud::{Markup, html};
use warp::http::header::SET_COOKIE;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/security", Access::SignedIn, show),
        Route::post("/account/security/password", Access::SignedIn, password),
        Route::post("/account/security/mail", Access::SignedIn, mail),
        Route::post("/account/security/sessions", Access::SignedIn, end_sessions),
    ]
}

const PAGE: &str = "/account/security";

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn password(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let (former, new) = (form.raw("current").to_owned(), form.raw("password").to_owned());
    let command = req.command_id(&form);
    match recover::change_password(&req.app, command, req.meta(), id, &former, &new).await {
        Ok(receipt) => {
            // Every session ended, this one too: the person goes on with a new one.
            let opened = sessions::open(&req.app, id, req.header("user-agent")).await?;
            let mut res = after(receipt, "/account/security?done=password");
            set(&mut res, SET_COOKIE, &session::cookie_for(&req.app, &opened));
            Ok(res)
        }
        Err(error) => view(&req, &form, &form_errors(error)?).await,
    }
}

async fn mail(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let command = req.command_id(&form);
    let proof = form.raw("mail_password").to_owned();
    match recover::change_mail(&req.app, command, req.meta(), id, &proof, form.get("mail")).await {
        Ok(()) => Ok(see_other("/account/security?done=asked")),
        Err(error @ (AccountsError::WrongPassword | AccountsError::NoPassword)) => {
            view(&req, &form, &Errors::one("mail_password", error.to_string())).await
        }
        Err(error) => view(&req, &form, &form_errors(error)?).await,
    }
}

async fn end_sessions(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let account = req.account()?.clone();
    match form.get("session") {
        "others" => {
            sessions::end_others(&req.app, account.id, &account.session).await?;
        }
        handle => {
            sessions::end(&req.app, account.id, handle).await?;
        }
    }
    Ok(see_other("/account/security?done=sessions"))
}

/// The page once more, with what is wrong.
pub(super) async fn again(req: &Req, errors: &Errors) -> Result<Res, HttpError> {
    view(req, &Form::default(), errors).await
}

async fn view(req: &Req, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let account = req.account()?;
    let all = sessions::list(&req.app, account.id).await?;
    let done = match req.query("done") {
        "password" => Some("Your password is changed. All other sessions were ended."),
        "asked" => Some("We sent a link to the new address. It counts once you have opened the link."),
        "second-factor" => Some("The authenticator is removed."),
        "mail" => Some("Your new mail address is confirmed and in use."),
        "sessions" => Some("Ended."),
        "linked" => Some("Linked. You can sign in that way from now on."),
        "unlinked" => Some("Unlinked. Your password opens your account."),
        _ => None,
    };
    let password = html! {
        (Field::new("current", "Current password").kind("password").autocomplete("current-password").mid().errors(errors).render())
        (Field::new("password", "New password").kind("password").autocomplete("new-password").mid()
            .hint("At least 10 characters. All other sessions end.").errors(errors).render())
        (button::submit("Change password", Weight::Main))
    };
    let mail = html! {
        (Field::new("mail", "New mail address").kind("email").autocomplete("email").value(typed.get("mail")).maxlength(254).mid()
            .hint("We send a link to it; until you open it nothing changes.").errors(errors).render())
        (Field::new("mail_password", "Current password").kind("password").autocomplete("current-password").mid().errors(errors).render())
        (button::submit("Change mail address", Weight::Plain))
    };
    let state = accounts::load(&req.app, account.id).await?;
    let passkeys = state.passkeys.len();
    let identity = super::identity::section(req, errors).await?;
    let body = html! {
        section.stack.mid {
            h2 { "Second factor" }
            p { @if state.second_factor.is_some() { (chip(Tone::Success, "On")) " Signing in asks for a code, too." } @else if passkeys > 0 { (chip(Tone::Success, "On")) " Signing in with your password asks for a passkey, too." } @else { "Signing in asks for your password only." } }
            p { (button::link(if state.second_factor.is_some() { "Recovery codes, or remove it" } else { "Add an authenticator" }, "/account/security/second-factor", Weight::Plain)) }
        }
        section.stack.mid {
            h2 { "Passkeys" }
            p { @match passkeys { 0 => "Sign in with your finger, your face or the code of your device.", 1 => "You have one passkey.", n => { "You have " (n) " passkeys." } } }
            p { (button::link(if passkeys == 0 { "Add a passkey" } else { "Add or remove passkeys" }, "/account/security/passkeys", Weight::Plain)) }
        }
        (identity)
        section.stack.mid { h2 { "Password" } (form(req, &format!("{PAGE}/password"), &password)) }
        section.stack.mid { h2 { "Mail address" } (form(req, &format!("{PAGE}/mail"), &mail)) }
        section.stack.mid {
            h2 { "Where you are signed in" }
            (session_table(req, &all, &account.session))
            @if all.len() > 1 {
                (form_inline(req, &format!("{PAGE}/sessions"),
                    &button::submit_as("End all other sessions", "session", "others", Weight::Plain)))
            }
        }
    };
    Ok(desk(req, "Security", None, done, errors, &body))
}

fn session_table(req: &Req, all: &[sessions::Listed], own: &str) -> Markup {
    let columns = [Column::new("Device"), Column::new("Since"), Column::new("Last used"), Column::new("Act")];
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|s| {
            let device = s.device.as_deref().unwrap_or("Unknown device");
            let act = if s.handle == own {
                chip(Tone::Success, "This session")
            } else {
                let words = html! {
                    button.btn.small type="submit" name="session" value=(s.handle) { "End" span.hush { " the session on " (device) } }
                };
                form_inline(req, &format!("{PAGE}/sessions"), &words)
            };
            vec![
                head(&html! { (device) }),
                cell(&format::moment(s.created_at)),
                cell(&format::moment(s.seen_at)),
                cell(&act),
            ]
        })
        .collect();
    table("Your sessions", &columns, &rows)
}
