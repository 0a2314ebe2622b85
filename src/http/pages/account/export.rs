//! `/account/export`: a copy of everything about oneself.

use super::desk;
use crate::actors::data_export::{self, AskError, Export};
use crate::http::error::HttpError;
use crate::http::files::{Served, serve};
use crate::http::response::see_other;
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Tone, Weight, button, form, format, notice};
use crate::http::{Req, Res};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/export", Access::SignedIn, show),
        Route::post("/account/export", Access::SignedIn, ask),
        Route::get("/account/export/{id}", Access::SignedIn, fetch),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Errors::none()).await
}

async fn ask(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    match data_export::ask(&req.app, req.command_id(&form), req.account()?.id).await {
        Ok(()) => Ok(see_other("/account/export?done=asked")),
        Err(error @ AskError::TooSoon) => view(&req, &Errors::one("", error.to_string())).await,
        Err(AskError::Store(error)) => Err(error.into()),
    }
}

async fn fetch(req: Req) -> Result<Res, HttpError> {
    let account = req.account()?.id;
    let id = req.id_param("id")?;
    let own = data_export::newest(&req.app, account).await?;
    let ready =
        own.filter(|e| e.id == id && e.state == "ready" && e.expires_at.is_some_and(|at| at > req.now()));
    ready.ok_or(HttpError::NotFound)?;
    let name = format!("your-data-{}.zip", req.now().format("%Y-%m-%d"));
    let served =
        Served { content_type: "application/zip", cache: "private, no-store", download: Some((&name, "")) };
    serve(&req, &data_export::file(&req.app, account, id), &served).await
}

async fn view(req: &Req, errors: &Errors) -> Result<Res, HttpError> {
    let newest = data_export::newest(&req.app, req.account()?.id).await?;
    let waiting = newest.as_ref().is_some_and(|e| e.state == "waiting");
    let body = html! {
        @if let Some(export) = &newest { (standing(export)) }
        @if !waiting {
            (form(req, "/account/export", &html! { (button::submit("Make a copy of my data", if newest.is_some() { Weight::Plain } else { Weight::Main })) }))
        }
        p.small.dim { "A ZIP file with everything as JSON, your invoices as PDF, and the files you uploaded. Passwords and keys are not in it. We write to you when it is ready." }
    };
    let lead = Some("Everything this studio keeps about you, in one file.");
    let done = (req.query("done") == "asked" && errors.is_empty())
        .then_some("The copy is being made. A mail tells you when it is ready.");
    Ok(desk(req, "Your data", lead, done, errors, &body))
}

fn standing(export: &Export) -> Markup {
    match (export.state.as_str(), export.expires_at) {
        ("ready", Some(until)) => notice(
            Tone::Success,
            &html! {
                p { "A copy of " (format::date(export.asked_at)) " is ready: " (format::bytes(export.bytes)) ". It can be fetched until " (format::date(until)) "." }
                p { (button::link("Download the copy", &format!("/account/export/{}", export.id), Weight::Main)) }
            },
        ),
        ("failed", _) => notice(
            Tone::Danger,
            &html! { p { "The copy could not be made. Ask again; if that fails too, tell the studio." } },
        ),
        _ => notice(
            Tone::Info,
            &html! { p { "A copy is being made since " (format::moment(export.asked_at)) "." } },
        ),
    }
}
