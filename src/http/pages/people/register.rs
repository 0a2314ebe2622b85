//! `/register`: a new account.

use super::login::{on_the_way, own_path};
use super::{form_errors, narrow, narrow_with, service};
use crate::actors::accounts::limits::Buckets;
use crate::actors::accounts::register::{NewAccount, by_visitor, look_through};
use crate::actors::accounts::{AccountsError, challenge, door_limits, registration};
use crate::config::Registration;
use crate::http::error::HttpError;
use crate::http::response::{self, see_other};
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Weight, button, form as ui_form};
use crate::http::{Form, Req, Res, csrf};
use maud::html;
use warp::http::StatusCode;
use warp::http::header::CACHE_CONTROL;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/register", Access::Anyone, show),
        Route::post("/register", Access::Anyone, register),
        Route::get("/register/challenge", Access::Anyone, challenge),
    ]
}

/// A new proof of work for the script of the form.
async fn challenge(req: Req) -> Result<Res, HttpError> {
    if !challenge::is_wanted(&req.app) {
        return Err(HttpError::NotFound);
    }
    let made = challenge::make(&req.app).map_err(HttpError::Internal)?;
    let mut res = response::json(StatusCode::OK, &made)?;
    response::set(&mut res, CACHE_CONTROL, "no-store");
    Ok(res)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let next = own_path(req.query("next"));
    if req.viewer.account.is_some() {
        return Ok(see_other(if next == "/" { "/account" } else { &next }));
    }
    if super::setup::wanted(&req).await? {
        return Ok(see_other("/setup"));
    }
    let mut form = Form::default();
    form.push("invitation", req.query("invitation"));
    form.push("next", &next);
    let door = door_for(&req, &form).await?;
    Ok(view(&req, &form, &Errors::none(), door))
}

/// Who may register, for somebody with what the form carries: an invitation opens the door.
async fn door_for(req: &Req, form: &Form) -> Result<Registration, HttpError> {
    let door = registration::door(&req.app).await?;
    let invited =
        door == Registration::Invite && registration::is_good(&req.app, form.get("invitation")).await?;
    Ok(if invited { Registration::Open } else { door })
}

async fn register(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let door = door_for(&req, &form).await?;
    match door {
        Registration::Open | Registration::Approval => {}
        Registration::Invite if !form.get("invitation").is_empty() => {
            let words = "This invitation lets nobody in any more. Ask for another one.";
            return Ok(view(&req, &form, &Errors::one("", words), door));
        }
        Registration::Invite => {
            return Err(HttpError::Forbidden("New accounts need an invitation of the studio.".into()));
        }
        Registration::Closed => {
            return Err(HttpError::Forbidden("New accounts cannot be made here at the moment.".into()));
        }
    }
    let sent = on_the_way("/confirm", &own_path(form.get("next")));
    // A field that people do not see: whoever fills it is told the same as everybody.
    if !form.get("website").is_empty() {
        return Ok(see_other(&sent));
    }
    if !filled_by_hand(&req, &form) {
        let words = "That was faster than people type. Look it through and send it again.";
        return Ok(view(&req, &form, &Errors::one("", words), door));
    }
    let now = req.now();
    let buckets = Buckets::new(&req.app, "register", form.get("mail"), Some(req.remote))?;
    let new = NewAccount {
        mail: form.get("mail").into(),
        display_name: form.get("display_name").into(),
        username: form.get("username").into(),
        password: form.raw("password").into(),
    };
    let outcome = async {
        buckets.check(&req.app, now).await?;
        look_through(&req.app, &new)?;
        let invitation =
            Some(form.get("invitation")).filter(|_| req.app.config.registration() == Registration::Invite);
        if let Some(code) = invitation
            && !registration::take_use(&req.app, code).await?
        {
            let words = "This invitation lets nobody in any more. Ask for another one.";
            return Err(AccountsError::Field("", words.into()));
        }
        // Whoever brings no proof of work waits for a moderator; an invitation is proof enough.
        let approval = invitation.is_none()
            && door_limits::wants_approval(&req.app, door, &new.mail, form.get("altcha"), req.remote).await?;
        let done = by_visitor(&req.app, req.command_id(&form), req.meta(), &new, approval).await;
        let came_in = matches!(&done, Ok(Some(receipt)) if !receipt.replayed);
        if let Some(code) = invitation.filter(|_| !came_in) {
            registration::give_back(&req.app, code).await?;
        }
        let receipt = done?;
        buckets.count(&req.app, now).await?;
        Ok(receipt)
    };
    match outcome.await {
        // The same answer whether the address was known or not.
        Ok(_) => Ok(see_other(&sent)),
        Err(error) => Ok(view(&req, &form, &form_errors(error)?, door)),
    }
}

/// Whether a proof of work is asked for: where everybody may come, not of who is invited.
fn asks(req: &Req, door: Registration) -> bool {
    let invited = req.app.config.registration() == Registration::Invite;
    door == Registration::Open && !invited && challenge::is_wanted(&req.app)
}

/// The hidden time is signed, so that it cannot be set back.
fn filled_by_hand(req: &Req, form: &Form) -> bool {
    let Some((at, signature)) = form.get("opened").split_once('.') else { return false };
    let Ok(opened) = at.parse::<i64>() else { return false };
    let shortest = req.app.config.shortest_registration();
    csrf::matches(&sign(req, at), signature) && req.now().timestamp() - opened >= shortest.num_seconds()
}

fn sign(req: &Req, at: &str) -> String {
    csrf::token(req.app.secrets.session.as_slice(), &format!("register {at}"))
}

fn view(req: &Req, form: &Form, errors: &Errors, door: Registration) -> Res {
    let next = own_path(form.get("next"));
    let login = on_the_way("/login", &next);
    let sign_in = html! { p { a href=(login) { "Sign in" } " if you have an account." } };
    if door == Registration::Closed {
        let body = html! {
            p { "The studio makes accounts by itself at the moment. If you were promised one, write to the studio." }
            (sign_in)
        };
        return narrow(req, "Registration is closed", None, errors, &body);
    }
    if door == Registration::Invite {
        let body = html! {
            p { "New accounts are made with an invitation of the studio: open the address that you were given." }
            @if !form.get("invitation").is_empty() && errors.is_empty() { p { "The one you opened lets nobody in any more. Ask for another one." } }
            (sign_in)
        };
        return narrow(req, "By invitation", None, errors, &body);
    }
    let opened = match form.get("opened") {
        "" => {
            let at = req.now().timestamp().to_string();
            format!("{at}.{}", sign(req, &at))
        }
        opened => opened.to_owned(),
    };
    let asks = asks(req, door);
    let fields = html! {
        input type="hidden" name="opened" value=(opened);
        @if next != "/" { input type="hidden" name="next" value=(next); }
        @if !form.get("invitation").is_empty() { input type="hidden" name="invitation" value=(form.get("invitation")); }
        @if door == Registration::Approval { p.dim { "Somebody of the studio looks at each registration; you get a mail when you are let in." } }
        (Field::new("mail", "Mail address").kind("email").autocomplete("email").value(form.get("mail"))
            .hint("We send a link to it. Nobody else sees it.").maxlength(254).errors(errors).render())
        (Field::new("display_name", "Name").autocomplete("name").optional().value(form.get("display_name"))
            .hint("How we address you.").maxlength(80).errors(errors).render())
        (Field::new("username", "User name").autocomplete("username").optional().value(form.get("username"))
            .hint("A second name to sign in with.").maxlength(40).errors(errors).render())
        (Field::new("password", "Password").kind("password").autocomplete("new-password")
            .hint("At least 10 characters. A few unrelated words are fine.").errors(errors).render())
        @if asks {
            input type="hidden" name="altcha" value="";
            noscript { p.dim { "Without JavaScript somebody of the studio looks at your registration first; you get a mail when you are let in." } }
        }
        div.trap aria-hidden="true" {
            label { "Website" input type="text" name="website" tabindex="-1" autocomplete="off"; }
        }
        (button::submit("Create account", Weight::Main))
    };
    let body = html! {
        (service::offer(req, &next, form.get("invitation")))
        (ui_form(req, "/register", &fields))
        p { "You have an account? " a href=(login) { "Sign in" } }
    };
    let lead = Some("To watch what is free, keep your place, and join.");
    let scripts = if asks { vec!["challenge.js"] } else { vec![] };
    narrow_with(req, "Create an account", lead, errors, scripts, &body)
}
