//! `/studio/uploads/fetch`: staff name the public address of a file, and Kinora fetches it.

use super::uploads::page_of;
use crate::actors::uploads::fetches::{self, Fetching};
use crate::actors::uploads::{About, UploadError};
use crate::http::error::HttpError;
use crate::http::form::Form;
use crate::http::response::see_other;
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Tone, Weight, button, form, format, notice_text};
use crate::http::{Req, Res};
use maud::{Markup, html};

/// Who may: the connection is made from inside the house.
pub const FETCHERS: &[&str] = &["editor"];

pub(super) fn routes() -> Vec<Route> {
    vec![Route::post("/studio/uploads/fetch", Access::Role(FETCHERS), begin)]
}

async fn begin(mut req: Req) -> Result<Res, HttpError> {
    let typed = req.form().await?;
    let account = req.account()?.id;
    let about = About::from(typed.get("fetch_title"));
    match fetches::begin(&req.app, account, typed.get("url"), about, req.meta()).await {
        Ok(_) => Ok(see_other("/studio/uploads#fetching")),
        Err(error) => {
            let error = match error {
                UploadError::Store(e) => return Err(e.into()),
                UploadError::Io(e) => return Err(HttpError::Internal(format!("fetching: {}", e.kind()))),
                other => other,
            };
            let words = error.to_string();
            let status = super::as_http(error).status();
            let mut res = page_of(&req, Some(&typed), &Errors::one("url", words)).await?;
            *res.status_mut() = status;
            Ok(res)
        }
    }
}

/// The form and what is being fetched, for those who may.
pub(super) async fn section(req: &Req, typed: Option<&Form>, errors: &Errors) -> Result<Markup, HttpError> {
    if !req.viewer.has_role(&["editor", "admin"]) {
        return Ok(html! {});
    }
    let running = fetches::of(&req.app, req.account()?.id).await?;
    let value = |name: &str| typed.map_or("", |form| form.get(name));
    let fields = html! {
        (Field::new("url", "Address of the file").kind("url").value(value("url")).maxlength(2000).hint("Begins with https:// or http:// and leads to a public place. It goes the same way as an upload.").errors(errors).render())
        (Field::new("fetch_title", "Title").value(value("fetch_title")).maxlength(200).optional().render())
        div.row { (button::submit("Fetch", Weight::Plain)) }
    };
    Ok(html! {
        section.stack aria-labelledby="fetching" {
            h2 #fetching { "Fetch from an address" }
            (form(req, "/studio/uploads/fetch", &fields))
            @for one in &running { (row(one)) }
        }
    })
}

fn row(one: &Fetching) -> Markup {
    if let Some(why) = &one.failed {
        let words = format!("A file of {} was not fetched. {why}", format::moment_text(one.started_at));
        return notice_text(Tone::Danger, &words);
    }
    let words = match one.length {
        Some(of) => {
            format!("A file is being fetched: {} of {}.", format::bytes(one.bytes), format::bytes(of))
        }
        None => format!("A file is being fetched: {} until now.", format::bytes(one.bytes)),
    };
    notice_text(Tone::Info, &words)
}
