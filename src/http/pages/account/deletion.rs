//! `/account/deletion`: asking to be forgotten, and taking that back.

use super::desk;
use crate::actors::accounts::AccountsError;
use crate::actors::accounts::leaving::{self, LeavingError};
use crate::actors::accounts::load;
use crate::domain::deletion_request::{CommentsFate, Obstacle};
use crate::http::error::HttpError;
use crate::http::form::Form;
use crate::http::pages::people::form_errors;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::step_up::BY_PROOF;
use crate::http::ui::{Errors, Field, Tone, Weight, button, facts, form, format, notice};
use crate::http::{Req, Res};
use crate::projections::deletion_requests::{self, Progress, Request};
use maud::{Markup, html};

/// Choice that comments go with the account.
const GO: &str = "go";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/deletion", Access::SignedIn, show),
        Route::post("/account/deletion", Access::SignedIn, ask),
        Route::post("/account/deletion/withdraw", Access::SignedIn, withdraw),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn ask(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    let command = req.command_id(&form);
    let comments = if form.get("comments") == GO { CommentsFate::Deleted } else { CommentsFate::Stay };
    // With this act the proof was checked before (`step_up::TABLE`).
    let password = (form.get("act") != BY_PROOF).then(|| form.raw("current"));
    match leaving::ask(&req.app, command, req.meta(), id, password, comments).await {
        Ok(receipt) => Ok(after(receipt, "/account/deletion?done=asked")),
        Err(error) => view(&req, &form, &errors(error)?).await,
    }
}

async fn withdraw(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.account()?.id;
    match leaving::withdraw(&req.app, req.command_id(&form), req.meta(), id).await {
        Ok(receipt) => Ok(after(receipt, "/account/deletion?done=withdrawn")),
        Err(error) => view(&req, &form, &errors(error)?).await,
    }
}

fn errors(error: LeavingError) -> Result<Errors, HttpError> {
    match error {
        LeavingError::Other(error @ (AccountsError::WrongPassword | AccountsError::NoPassword)) => {
            Ok(Errors::one("current", error.to_string()))
        }
        LeavingError::Other(error) => form_errors(error),
        refused => Ok(Errors::one("", refused.to_string())),
    }
}

async fn view(req: &Req, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let id = req.account()?.id;
    let newest = deletion_requests::newest_of(&req.app.reader, id).await?;
    let open = newest.filter(|r| r.progress == Progress::Requested || r.progress == Progress::Executing);
    let obstacles = leaving::obstacles(&req.app, id).await?;
    let body = match &open {
        Some(request) => pending(req, request, &obstacles),
        None => {
            let has_password = load(&req.app, id).await?.password.is_some();
            ask_view(req, &obstacles, typed, has_password, errors)
        }
    };
    let done = match req.query("done") {
        "asked" => Some("Your request is filed. A mail confirms it."),
        "withdrawn" => Some("Your request is withdrawn. Your account is as it was before."),
        _ => None,
    };
    let title = if open.is_some() { "Your account will be deleted" } else { "Delete account" };
    Ok(desk(req, title, None, done, errors, &body))
}

fn ask_view(req: &Req, obstacles: &[Obstacle], typed: &Form, has_password: bool, errors: &Errors) -> Markup {
    let days = req.app.config.erasure.grace_days;
    let go = typed.get("comments") == GO;
    let fields = html! {
        fieldset.field {
            legend { "Your comments" }
            label.choice { input type="radio" name="comments" value="stay" checked[!go]; span { "stay, without your name" } }
            label.choice { input type="radio" name="comments" value=(GO) checked[go]; span { "are deleted" } }
        }
        @if has_password {
            (Field::new("current", "Password").kind("password").autocomplete("current-password").mid()
                .hint("Once more, so that nobody else does this for you.").errors(errors).render())
        } @else {
            input type="hidden" name="act" value=(BY_PROOF);
        }
        (button::submit("Ask to delete my account", Weight::Danger))
    };
    html! {
        div.prose {
            p { "Your name, mail address, sessions and everything else that is personal is destroyed for good. "
                "You have " (days) " days to change your mind; until then your profile is hidden." }
            p { "You may want " a href="/account/export" { "a copy of your data" } " first; it can be made until the deletion begins." }
            p { "What tax law obliges us to keep of your orders stays sealed for as long as it says, and nothing else." }
        }
        (hindrances(obstacles))
        (form(req, "/account/deletion", &fields))
    }
}

fn pending(req: &Req, request: &Request, obstacles: &[Obstacle]) -> Markup {
    html! {
        (facts(&[
            ("Asked on", format::date(request.requested_at)),
            ("Carried out from", format::date(request.due)),
            ("Number of the request", html! { span.mono { (request.id) } }),
        ]))
        (hindrances(obstacles))
        @if request.progress == Progress::Executing {
            p { "The deletion has begun and cannot be stopped any more." }
        } @else {
            p { "Until then you can change your mind, and take " a href="/account/export" { "a copy of your data" } " with you." }
            (form(req, "/account/deletion/withdraw", &button::submit("Keep my account", Weight::Main)))
        }
    }
}

/// What stands in the way, each with what to do about it.
fn hindrances(obstacles: &[Obstacle]) -> Markup {
    html! {
        @for obstacle in obstacles {
            (notice(Tone::Warning, &match obstacle {
                Obstacle::LiveSubscription(_) => html! {
                    p { "Your subscription is still running. The deletion waits until it is cancelled and has ended." }
                    p { a href="/account/subscription" { "Cancel the subscription" } }
                },
                Obstacle::StaffRole => html! { p { "This account holds a staff role. Hand the role over first." } },
                Obstacle::OpenCredit => html! {
                    p { "We still owe you a credit. Write to us where to pay it out: the deletion goes on when that is done." }
                    p { a href="/account/subscription" { "See your credit" } }
                },
                Obstacle::OwedMoney => html! {
                    p { "Money of yours is still here or on its way back: the deletion goes on when it has arrived." }
                    p { a href="/account/subscription" { "See your orders" } }
                },
                Obstacle::UnpaidGift(gift) => html! {
                    p { "A gift that you ordered is not paid yet." }
                    p { a href={ "/account/gifts/" (gift) } { "Take it back, or pay it" } }
                },
                Obstacle::PublishedWorks(count) => html! {
                    p { "This account owns published works (" (count) "). Hand them over or remove them first." }
                    p { a href="/studio/hand-over" { "Hand them over" } ", or " a href="/studio" { "hide or remove them" } "." }
                },
            }))
        }
    }
}
