//! Direct debit on `/account/payment-methods`: the mandate one signed, or the form to sign one.

use super::payment_methods::{PAGE, view};
use crate::actors::bus::CommandError;
use crate::actors::direct_debits::{self, DebitProblem};
use crate::domain::shared::calendar::day_words;
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::form::form_inline;
use crate::http::ui::{Errors, Field, Weight, button, checkbox, facts, form as post_form, format};
use crate::http::{Form, Req, Res};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/account/payment-methods/mandate", Access::SignedIn, sign),
        Route::post("/account/payment-methods/mandate/revoke", Access::SignedIn, revoke),
    ]
}

/// `DE89 … 3000`: enough to be recognised by its holder.
fn masked(iban: &str) -> String {
    let (head, tail) =
        (iban.get(..4).unwrap_or_default(), iban.get(iban.len().saturating_sub(4)..).unwrap_or_default());
    format!("{head} … {tail}")
}

/// The part of the page, where the studio collects by direct debit, or there is a mandate.
pub(super) async fn panel(req: &Req, form: &Form, errors: &Errors) -> Result<Markup, HttpError> {
    let account = req.account()?.id;
    let state = direct_debits::mandate_of(&req.app, account).await?;
    let today = format::local_day(req.now());
    if let Some(mandate) = state.current().filter(|m| m.holds_on(today)) {
        let iban = req.app.reader.open(&mandate.iban).await?.unwrap_or_default();
        let holder = req.app.reader.open(&mandate.holder).await?.unwrap_or_default();
        let revoke = html! { button.btn.small type="submit" { "Revoke the mandate" } };
        return Ok(html! {
            section.panel aria-labelledby="mandate" {
                h2 #mandate { "Direct debit" }
                p { "What you are to pay by transfer is collected from your bank account. You are told by mail at least " (mandate.notice_days) " days before." }
                (facts(&[
                    ("Account", html! { span.mono { (masked(&iban)) } ", " (holder) }),
                    ("Mandate reference", html! { span.mono { (mandate.reference) } }),
                    ("Creditor identifier", html! { span.mono { (mandate.creditor) } }),
                    ("Signed", html! { (day_words(mandate.signed_on)) }),
                ]))
                (form_inline(req, "/account/payment-methods/mandate/revoke", &revoke))
                p.small.dim { "What was sent to the bank before is still collected. You can ask your bank for the money back within eight weeks." }
            }
        });
    }
    let Some(creditor) = direct_debits::creditor(&req.app) else { return Ok(html! {}) };
    let days = req.app.config.gateways.bank.debit_notice_days;
    Ok(html! {
        section.panel aria-labelledby="mandate" {
            h2 #mandate { "Direct debit" }
            p { "Instead of a transfer for each period, let " (creditor.name) " (creditor identifier " span.mono { (creditor.identifier) } ") collect it from your bank account." }
            (post_form(req, "/account/payment-methods/mandate", &html! {
                (Field::new("holder", "Holder of the account").value(form.get("holder")).autocomplete("name").maxlength(70).errors(errors).render())
                (Field::new("iban", "IBAN").value(form.get("iban")).maxlength(42).mid().hint("It is kept encrypted; pages show its beginning and end.").errors(errors).render())
                @if let Some(words) = errors.of("agree") { p.error #agree-error { (words) } }
                (checkbox("agree", &format!("I authorise {} to collect what I owe from this account, and my bank to debit it as instructed.", creditor.name), form.get("agree") == "yes",
                    Some(&format!("You can have a debit refunded by your bank within eight weeks, on the terms you have with it. You agree to be told of each debit {days} days before."))))
                (button::submit("Sign the mandate", Weight::Plain))
            }))
        }
    })
}

async fn sign(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    if form.get("agree") != "yes" {
        let words = "Tick the box: without your authorisation nothing can be collected.";
        return view(&req, &form, &Errors::one("agree", words)).await;
    }
    let (account, command) = (req.account()?.id, (req.command_id(&form), req.meta()));
    let typed = (form.get("holder"), form.get("iban"));
    let done = direct_debits::sign(&req.app, command, account, typed).await;
    finish(&req, &form, done.map(|receipt| after(receipt, &format!("{PAGE}?done=signed")))).await
}

async fn revoke(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let (account, command) = (req.account()?.id, (req.command_id(&form), req.meta()));
    let done = direct_debits::revoke(&req.app, command, account).await;
    finish(&req, &form, done.map(|receipt| after(receipt, &format!("{PAGE}?done=revoked")))).await
}

async fn finish(req: &Req, form: &Form, done: Result<Res, DebitProblem>) -> Result<Res, HttpError> {
    match done {
        Ok(res) => Ok(res),
        Err(DebitProblem::Field(field, words)) => view(req, form, &Errors::one(field, words)).await,
        Err(DebitProblem::Store(error)) => Err(error.into()),
        Err(DebitProblem::Mandate(error)) if !matches!(error, CommandError::Refused(_)) => Err(error.into()),
        Err(problem) => view(req, form, &Errors::one("", problem.to_string())).await,
    }
}
