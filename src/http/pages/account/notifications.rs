//! `/account/notifications`: which mails one wants; and `/digest/stop/{token}`, the link in each of them.

use super::desk;
use crate::actors::accounts::digests;
use crate::actors::answer_notices;
use crate::domain::account::Digest;
use crate::http::error::HttpError;
use crate::http::pages::people::{form_errors, narrow};
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::form::{Choice, choices};
use crate::http::ui::{Errors, Weight, button, checkbox, form};
use crate::http::{Req, Res};
use crate::projections::people;
use maud::html;

const PAGE: &str = "/account/notifications";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::SignedIn, show),
        Route::post(PAGE, Access::SignedIn, choose),
        Route::get("/digest/stop/{token}", Access::Anyone, ask),
        Route::post("/digest/stop/{token}", Access::Anyone, stop),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Errors::none()).await
}

async fn view(req: &Req, errors: &Errors) -> Result<Res, HttpError> {
    let person = people::by_id(&req.app.reader, req.account()?.id).await?.ok_or(HttpError::SignIn)?;
    let choice = |value, label, hint: &str| Choice { value, label, hint: Some(hint.into()), aside: None };
    let options = [
        choice("never", "Never", "Mails about your account and your membership come all the same."),
        choice("daily", "Every day", "Only on days on which something was published."),
        choice("weekly", "Every week", "Only in weeks in which something was published."),
    ];
    let answers = answer_notices::wanted(&req.app, person.id).await?;
    let fields = html! {
        (choices("digest", "A letter that tells what is new", &options, person.digest.into(), errors))
        (checkbox("answers", "A mail when somebody answers a comment of mine", answers, None))
        (button::submit("Save", Weight::Main))
    };
    let done = (req.query("done") == "digest").then_some("Saved.");
    Ok(desk(req, "Notifications", None, done, errors, &form(req, PAGE, &fields)))
}

async fn choose(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let Ok(digest) = form.get("digest").parse::<Digest>() else {
        return view(&req, &Errors::one("digest", "Choose how often.")).await;
    };
    let id = req.account()?.id;
    answer_notices::set(&req.app, id, form.ticked("answers")).await?;
    match digests::choose(&req.app, req.command_id(&form), req.meta(), id, digest).await {
        Ok(receipt) => Ok(after(receipt, "/account/notifications?done=digest")),
        Err(error) => view(&req, &form_errors(error)?).await,
    }
}

/// Opening the link only asks, because mail programs open links too.
async fn ask(req: Req) -> Result<Res, HttpError> {
    let token = req.param("token").to_owned();
    if digests::stops(&req.app, &token).await?.is_none() {
        return Ok(stale(&req));
    }
    let body = form(
        &req,
        &format!("/digest/stop/{token}"),
        &html! { p { "You will not be told by mail what is new any more." } (button::submit("Stop the letters", Weight::Main)) },
    );
    Ok(narrow(&req, "Stop the letters?", None, &Errors::none(), &body))
}

/// Also called by mail programs with one click, without cookies (RFC 8058).
async fn stop(mut req: Req) -> Result<Res, HttpError> {
    let token = req.param("token").to_owned();
    let form = req.form().await?;
    let Some(account) = digests::stops(&req.app, &token).await? else { return Ok(stale(&req)) };
    match digests::choose(&req.app, req.command_id(&form), req.meta(), account, Digest::Never).await {
        Ok(_) => {
            let body = html! { p { "No more letters come. You can ask for them again under " a href=(PAGE) { "Notifications" } "." } };
            Ok(narrow(&req, "Stopped", None, &Errors::none(), &body))
        }
        Err(error) => {
            form_errors(error)?;
            Ok(stale(&req))
        }
    }
}

fn stale(req: &Req) -> Res {
    let errors = Errors::one("", "This link is too old. Sign in to stop the letters.");
    let body = html! { p { a href=(PAGE) { "Notifications" } } };
    narrow(req, "Link not valid", None, &errors, &body)
}
