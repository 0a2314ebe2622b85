//! `/account/security/passkeys`: adds passkeys, calls them something else, and removes them.

use super::desk_with;
use crate::actors::accounts::{AccountsError, passkeys};
use crate::http::error::HttpError;
use crate::http::pages::account::second_factor::shown_once;
use crate::http::pages::people::{form_errors, passkey};
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::form::{Choice, choices, hidden_fields};
use crate::http::ui::table::{cell, head, table};
use crate::http::ui::{Column, Errors, Field, Weight, button, form, format};
use crate::http::{Form, Req, Res};
use maud::{Markup, html};
use std::time::Duration;
use uuid::Uuid;

const PAGE: &str = "/account/security/passkeys";
const REMOVE: &str = "/account/security/passkeys/remove";
const RENAME: &str = "/account/security/passkeys/rename";
const CHALLENGE: &str = "/account/security/passkeys/challenge";
/// How long the answer waits until the pages know of the new passkey.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::SignedIn, show),
        Route::post(PAGE, Access::SignedIn, add),
        Route::post(CHALLENGE, Access::SignedIn, challenge),
        Route::post(RENAME, Access::SignedIn, rename),
        Route::post(REMOVE, Access::SignedIn, remove),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none(), &[]).await
}

/// For the script, which sends the form itself if this says no: then the page says why.
async fn challenge(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    match passkeys::begin_adding(&req.app, req.account()?.id, form.raw("password")).await {
        Ok(challenge) => passkey::answer(&challenge),
        Err(error @ (AccountsError::WrongPassword | AccountsError::NoPassword)) => {
            Err(HttpError::Unprocessable(error.to_string()))
        }
        Err(error) => {
            form_errors(error)?;
            Err(HttpError::NotFound)
        }
    }
}

async fn add(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let made = async {
        crate::actors::accounts::sign_in::prove(&req.app, id, form.raw("password")).await?;
        let parts = (form.get("passkey_name"), form.get("token"), form.get("credential"));
        passkeys::add(&req.app, req.command_id(&form), req.meta(), id, parts).await
    };
    match made.await {
        Ok((receipt, codes)) if codes.is_empty() => Ok(after(receipt, &format!("{PAGE}?done=added"))),
        // Shown in this answer only.
        Ok((receipt, codes)) => {
            req.app.reader.wait_for(receipt.position, PATIENCE).await?;
            view(&req, &Form::default(), &Errors::none(), &codes).await
        }
        Err(error) => view(&req, &form, &errors_at(error, "password")?, &[]).await,
    }
}

async fn rename(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let wish = (Uuid::parse_str(form.get("renamed")).unwrap_or_default(), form.get("new_name"));
    match passkeys::rename(&req.app, req.command_id(&form), req.meta(), id, wish).await {
        Ok(receipt) => Ok(after(receipt, &format!("{PAGE}?done=renamed"))),
        Err(error) => view(&req, &form, &form_errors(error)?, &[]).await,
    }
}

async fn remove(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let which = Uuid::parse_str(form.get("passkey")).unwrap_or_default();
    let wish = (which, form.raw("remove_password"));
    match passkeys::remove(&req.app, req.command_id(&form), req.meta(), id, wish).await {
        Ok(receipt) => Ok(after(receipt, &format!("{PAGE}?done=removed"))),
        Err(error) => view(&req, &form, &errors_at(error, "remove_password")?, &[]).await,
    }
}

/// A wrong password is said at the field where it was asked for.
fn errors_at(error: AccountsError, field: &str) -> Result<Errors, HttpError> {
    match error {
        AccountsError::WrongPassword | AccountsError::NoPassword => Ok(Errors::one(field, error.to_string())),
        other => form_errors(other),
    }
}

async fn view(req: &Req, typed: &Form, errors: &Errors, codes: &[String]) -> Result<Res, HttpError> {
    let account = req.account()?;
    let all = match passkeys::list(&req.app, account.id).await {
        Ok(all) => all,
        Err(error) => {
            form_errors(error)?;
            vec![]
        }
    };
    let done = match req.query("done") {
        "added" => Some("Added. It opens your account from now on."),
        "renamed" => Some("It has its new name."),
        "removed" => Some("Removed."),
        _ => None,
    };
    let secret = |name| {
        Field::new(name, "Your password")
            .kind("password")
            .autocomplete("current-password")
            .mid()
            .errors(errors)
            .render()
    };
    let ids: Vec<String> = all.iter().map(|p| p.id.to_string()).collect();
    let first = ids.first().cloned().unwrap_or_default();
    let options: Vec<Choice<'_>> = all
        .iter()
        .zip(&ids)
        .map(|(p, id)| Choice { value: id, label: &p.name, hint: None, aside: None })
        .collect();
    let body = html! {
        @if !codes.is_empty() { (shown_once(codes)) }
        @if !all.is_empty() {
            section.stack.mid {
                h2 { "Your passkeys" }
                (listed(&all))
                (form(req, RENAME, &html! {
                    (Field::new("renamed", "Which one to rename").select(all.iter().map(|p| (p.id.to_string(), p.name.clone())))
                        .value(typed.get("renamed")).mid().render())
                    (Field::new("new_name", "New name").value(typed.get("new_name")).maxlength(60).mid().errors(errors).render())
                    (button::submit("Rename", Weight::Plain))
                }))
                (form(req, REMOVE, &html! {
                    (choices("passkey", "Which one to remove", &options, &first, errors))
                    (secret("remove_password"))
                    (button::submit("Remove", Weight::Danger))
                }))
            }
        }
        section.stack.mid {
            h2 { "Add a passkey" }
            noscript { p { "Making a passkey needs JavaScript. An authenticator does without: see Second factor." } }
            @if let Some(site) = passkeys::site(&req.app.config).filter(|s| s.host_str() == Some("localhost")) {
                @let there = format!("{}{PAGE}", site.as_str().trim_end_matches('/'));
                p { "Passkeys belong to a name, not to numbers: on this machine open " a href=(there) { (there) } " and sign in there." }
            }
            div data-passkeys hidden {
                form.form method="post" action=(PAGE) data-passkey=(CHALLENGE) data-passkey-makes {
                    (hidden_fields(req))
                    input type="hidden" name="token" value="";
                    input type="hidden" name="credential" value="";
                    (Field::new("passkey_name", "Name").value(typed.get("passkey_name")).maxlength(60).mid()
                        .hint("To know it again, such as Telephone.").errors(errors).render())
                    (secret("password"))
                    (button::submit("Add a passkey", Weight::Main))
                }
            }
        }
        p { a href="/account/security" { "Back to Security" } }
    };
    let lead = "A passkey opens your account without a password: your device asks for your finger, your face or its code. Signing in with the password asks for it, too.";
    Ok(desk_with(req, "Passkeys", Some(lead), done, errors, vec![passkey::SCRIPT], &body))
}

fn listed(all: &[passkeys::Listed]) -> Markup {
    let columns = [Column::new("Name"), Column::new("Since"), Column::new("Last used")];
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|p| {
            let used = p.used_at.map_or_else(|| html! { "Never" }, format::moment);
            vec![head(&html! { (p.name) }), cell(&format::moment(p.added_at)), cell(&used)]
        })
        .collect();
    table("Your passkeys", &columns, &rows)
}
