//! `/account/security/second-factor`: an authenticator beside the password.

use super::desk;
use crate::actors::accounts::{self, AccountsError, second_factor, sign_in};
use crate::domain::account::By;
use crate::http::error::HttpError;
use crate::http::pages::people::form_errors;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Tone, Weight, button, form, notice, notice_text};
use crate::http::{Form, Req, Res};
use maud::{Markup, PreEscaped, html};
use qrcode::QrCode;
use qrcode::render::svg;

/// How long the answer waits until the pages know of the new authenticator.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
const PAGE: &str = "/account/security/second-factor";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::SignedIn, show),
        Route::post(PAGE, Access::SignedIn, add),
        Route::post("/account/security/second-factor/codes", Access::SignedIn, renew),
        Route::post("/account/security/second-factor/remove", Access::SignedIn, remove),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none(), None).await
}

async fn add(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let proof = (form.raw("password"), form.get("secret"), form.get("code"));
    match second_factor::add(&req.app, req.command_id(&form), req.meta(), id, proof).await {
        // Shown in this answer only.
        Ok((receipt, codes)) => {
            req.app.reader.wait_for(receipt.position, PATIENCE).await?;
            view(&req, &Form::default(), &Errors::none(), Some(&codes)).await
        }
        Err(error) => view(&req, &form, &errors_at(error, "password")?, None).await,
    }
}

async fn renew(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let password = form.raw("renew_password");
    match second_factor::renew_codes(&req.app, req.command_id(&form), req.meta(), id, password).await {
        Ok((_, codes)) => view(&req, &Form::default(), &Errors::none(), Some(&codes)).await,
        Err(error) => view(&req, &form, &errors_at(error, "renew_password")?, None).await,
    }
}

async fn remove(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let removed = async {
        sign_in::prove(&req.app, id, form.raw("remove_password")).await?;
        second_factor::remove(&req.app, req.command_id(&form), req.meta(), id, By::Owner).await
    };
    match removed.await {
        Ok(receipt) => Ok(after(receipt, "/account/security?done=second-factor")),
        Err(error) => view(&req, &form, &errors_at(error, "remove_password")?, None).await,
    }
}

/// A wrong password is said at the field where it was asked for.
fn errors_at(error: AccountsError, field: &str) -> Result<Errors, HttpError> {
    match error {
        AccountsError::WrongPassword | AccountsError::NoPassword => Ok(Errors::one(field, error.to_string())),
        other => form_errors(other),
    }
}

async fn view(req: &Req, typed: &Form, errors: &Errors, codes: Option<&[String]>) -> Result<Res, HttpError> {
    let account = req.account()?;
    let state = accounts::load(&req.app, account.id).await?;
    let body = html! {
        @if account.wants_second_factor && !state.has_second_factor() {
            (notice_text(Tone::Warning, "Your role in the studio counts as soon as you have added an authenticator or a passkey."))
        }
        @if let Some(codes) = codes { (shown_once(codes)) }
        @if state.second_factor.is_none() { (absent(req, typed, errors)?) }
        @if state.has_second_factor() { (present(req, errors, state.second_factor.is_some()).await?) }
    };
    let lead = "Signing in then asks for the password and for a code that only your device knows.";
    Ok(desk(req, "Second factor", Some(lead), None, errors, &body))
}

pub(super) fn shown_once(codes: &[String]) -> Markup {
    notice(
        Tone::Success,
        &html! {
            p { strong { "Your recovery codes" } " are shown only now. Keep them where you find them without your device; each works once." }
            ul.columns { @for code in codes { li { code.mono { (code) } } } }
        },
    )
}

fn absent(req: &Req, typed: &Form, errors: &Errors) -> Result<Markup, HttpError> {
    // Shown again after a wrong code: the device has it already.
    let secret = Some(typed.get("secret"))
        .filter(|s| s.len() == 32)
        .map_or_else(second_factor::new_secret, str::to_owned);
    let address = second_factor::address(&req.app.config.studio.name, &req.account()?.label, &secret);
    let picture = QrCode::new(address.as_bytes()).map_err(|e| HttpError::Internal(e.to_string()))?;
    let drawing = picture.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    // Inside a page there is no XML declaration.
    let drawing = drawing.find("<svg").map_or("", |at| &drawing[at..]);
    let groups: Vec<&str> = secret.as_bytes().chunks(4).filter_map(|c| std::str::from_utf8(c).ok()).collect();
    let fields = html! {
        input type="hidden" name="secret" value=(secret);
        (Field::new("code", "The code it shows now").autocomplete("one-time-code").maxlength(8).mid().errors(errors).render())
        (Field::new("password", "Your password").kind("password").autocomplete("current-password").mid().errors(errors).render())
        (button::submit("Add the authenticator", Weight::Main))
    };
    Ok(html! {
        section.stack.mid {
            h2 { "1. Scan this with an authenticator" }
            div.qr role="img" aria-label="QR code with the secret below" { (PreEscaped(drawing)) }
            p { "Or type it: " code.mono { (groups.join(" ")) } }
            p.small.dim { a href=(address) { "Open it on this device" } }
        }
        section.stack.mid { h2 { "2. Show that it works" } (form(req, PAGE, &fields)) }
    })
}

async fn present(req: &Req, errors: &Errors, authenticator: bool) -> Result<Markup, HttpError> {
    let left = second_factor::codes_left(&req.app, req.account()?.id).await?;
    let field = |name| {
        Field::new(name, "Your password")
            .kind("password")
            .autocomplete("current-password")
            .mid()
            .errors(errors)
            .render()
    };
    let renew =
        html! { (field("renew_password")) (button::submit("Make new recovery codes", Weight::Plain)) };
    let remove =
        html! { (field("remove_password")) (button::submit("Remove the authenticator", Weight::Danger)) };
    Ok(html! {
        section.stack.mid {
            h2 { "Recovery codes" }
            p { @match left { 0 => "None is left.", 1 => "One is left.", n => { (n) " are left." } } " New ones make these worthless." }
            (form(req, &format!("{PAGE}/codes"), &renew))
        }
        @if authenticator { section.stack.mid {
            h2 { "Remove it" }
            p { "Signing in then asks for your password only, or for a passkey if you have one." @if req.app.config.staff_second_factor() { " Staff roles do not count without a second factor." } }
            (form(req, &format!("{PAGE}/remove"), &remove))
        } }
    })
}
