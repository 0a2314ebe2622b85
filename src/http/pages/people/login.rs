//! `/login`.

use super::{form_errors, narrow_with, passkey, service};
use crate::actors::accounts::limits::Buckets;
use crate::actors::accounts::sign_in::{SignIn, check};
use crate::actors::accounts::{AccountsError, devices, recover, registration, sessions};
use crate::config::Registration;
use crate::domain::shared::calendar::day_words;
use crate::http::error::HttpError;
use crate::http::response::{is_own_path, see_other, set};
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Tone, Weight, button, form, format, notice_text};
use crate::http::{Form, Req, Res, session};
use crate::projections::people::{self, Presence};
use maud::html;
use uuid::Uuid;
use warp::http::StatusCode;
use warp::http::header::{RETRY_AFTER, SET_COOKIE};

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/login", Access::Anyone, show), Route::post("/login", Access::Anyone, sign_in)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let next = own_path(req.query("next"));
    if req.viewer.account.is_some() {
        return Ok(see_other(&next));
    }
    if super::setup::wanted(&req).await? {
        return Ok(see_other("/setup"));
    }
    let closed = registration::door(&req.app).await? == Registration::Closed;
    Ok(view(&req, "", &next, &Errors::none(), closed))
}

async fn sign_in(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let next = own_path(form.get("next"));
    let login = form.get("login").to_owned();
    let closed = registration::door(&req.app).await? == Registration::Closed;
    let metrics = req.app.metrics.runtime.sign_ins.clone();
    let refused = |words: String| {
        metrics.with_label_values(&["refused"]).inc();
        Ok(view(&req, &login, &next, &Errors::one("login", words), closed))
    };
    let device = session::device_of(&req.app, &req.headers);
    match check(&req.app, &login, form.raw("password"), Some(req.remote), device).await {
        Ok(SignIn::Proved(account)) => {
            metrics.with_label_values(&["accepted"]).inc();
            open(&req, account, &next).await
        }
        Ok(SignIn::SecondStep(account)) => super::second_step::begin(&req, account, &next).await,
        Ok(step @ (SignIn::Unknown | SignIn::Merged | SignIn::Suspended(_) | SignIn::AwaitingApproval)) => {
            refused(words(&req, step))
        }
        Ok(step @ SignIn::Unconfirmed(account)) => {
            send_again(&req, &form, account).await?;
            refused(words(&req, step))
        }
        Err(AccountsError::TooMany(seconds)) => {
            metrics.with_label_values(&["throttled"]).inc();
            let words = format!("{} {WAY_OUT}", AccountsError::TooMany(seconds));
            let mut res = view(&req, &login, &next, &Errors::one("login", words), closed);
            *res.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            set(&mut res, RETRY_AFTER, &seconds.to_string());
            Ok(res)
        }
        Err(error) => Ok(view(&req, &login, &next, &form_errors(error)?, closed)),
    }
}

/// What helps an owner at whose account strangers guess, in a browser that it does not know yet; the same words for
/// names that nobody has.
const WAY_OUT: &str = "If it was not you: set a new password by \"Forgot your password?\" in this browser, then others who guess do not stop you.";

/// Why somebody is not signed in.
pub(super) fn words(req: &Req, step: SignIn) -> String {
    let words = match step {
        SignIn::Suspended(Some(end)) => {
            let day = day_words(format::local_day(end));
            return format!(
                "This account is suspended until {day}. Write to {} if you do not know why.",
                req.app.config.contact()
            );
        }
        SignIn::Merged => {
            "This account is one with your other account now: sign in with the mail address of that one. Write to the studio if you do not know it."
        }
        SignIn::Suspended(None) => {
            return format!(
                "This account is suspended, without a day on which that ends. Write to {} if you do not know why.",
                req.app.config.contact()
            );
        }
        SignIn::AwaitingApproval => {
            "Somebody of the studio looks at your registration first. We write to you as soon as you are let in."
        }
        SignIn::Unconfirmed(_) => "Confirm your mail address first: we sent you the link again.",
        _ => "Mail address, user name or password is wrong.",
    };
    words.into()
}

/// The page once more, with a reason why nobody was signed in.
pub(super) async fn refuse(req: &Req, next: &str, words: &str) -> Result<Res, HttpError> {
    let closed = registration::door(&req.app).await? == Registration::Closed;
    Ok(view(req, "", next, &Errors::one("", words), closed))
}

/// The page of a person's own deletion request.
const DELETION: &str = "/account/deletion";

/// Opens a session for somebody who proved everything that was asked for.
pub(super) async fn open(req: &Req, account: Uuid, next: &str) -> Result<Res, HttpError> {
    // A new session for every sign-in; one that the browser had before ends.
    if let Some(before) = &req.viewer.account {
        sessions::end(&req.app, before.id, &before.session).await?;
    }
    let opened = sessions::open(&req.app, account, req.header("user-agent")).await?;
    // Who asked to be forgotten finds the request, not the studio.
    let person = people::by_id(&req.app.reader, account).await?;
    let leaving = person.is_some_and(|p| p.presence == Presence::Hidden);
    let next = if leaving && !next.starts_with(DELETION) { DELETION } else { next };
    let mut res = see_other(next);
    set(&mut res, SET_COOKIE, &session::cookie_for(&req.app, &opened));
    remember_browser(req, account, &mut res).await?;
    Ok(res)
}

/// Lets the account know this browser from now on.
pub(super) async fn remember_browser(req: &Req, account: Uuid, res: &mut Res) -> Result<(), HttpError> {
    let device = devices::note(&req.app, account, session::device_of(&req.app, &req.headers)).await?;
    if let Ok(value) = session::device_cookie(&req.app, &device).parse() {
        res.headers_mut().append(SET_COOKIE, value);
    }
    Ok(())
}

async fn send_again(req: &Req, form: &Form, account: Uuid) -> Result<(), HttpError> {
    let now = req.now();
    let buckets = Buckets::new(&req.app, "confirm", &account.to_string(), None)?;
    if buckets.check(&req.app, now).await.is_ok() {
        buckets.count(&req.app, now).await?;
        let sent = recover::confirm_again(&req.app, req.command_id(form), req.meta(), account).await;
        if let Err(error) = sent {
            form_errors(error)?;
        }
    }
    Ok(())
}

/// Where to go after signing in: only to a path of our own.
pub(super) fn own_path(next: &str) -> String {
    if is_own_path(next) && !next.starts_with("/login") { next.to_owned() } else { "/".to_owned() }
}

/// A page on the way to `next`, which is not lost.
pub(super) fn on_the_way(page: &str, next: &str) -> String {
    if next == "/" {
        return page.to_owned();
    }
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("{page}?next={next}")
}

fn view(req: &Req, login: &str, next: &str, errors: &Errors, closed: bool) -> Res {
    let fields = html! {
        input type="hidden" name="next" value=(next);
        (Field::new("login", "Mail address or user name").autocomplete("username").value(login).maxlength(254).errors(errors).render())
        (Field::new("password", "Password").kind("password").autocomplete("current-password").render())
        (button::submit("Sign in", Weight::Main))
    };
    let done = match req.query("done") {
        "confirmed" => Some("Your mail address is confirmed. Sign in now."),
        "reset" => Some("Your new password is set. Sign in with it."),
        _ => None,
    };
    let body = html! {
        @if let Some(done) = done { (notice_text(Tone::Success, done)) }
        (form(req, "/login", &fields))
        (passkey::offer(req, next))
        (service::offer(req, next, ""))
        p { a href="/reset" { "Forgot your password?" } }
        @if !closed { p { "New here? " a href=(on_the_way("/register", next)) { "Create an account" } } }
    };
    narrow_with(req, "Sign in", None, errors, vec![passkey::SCRIPT], &body)
}
