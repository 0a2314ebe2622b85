//! `/setup`: the first page of an empty studio, which makes its admin.

use super::{form_errors, narrow};
use crate::actors::accounts::register::{NewAccount, first_admin};
use crate::actors::accounts::sessions;
use crate::http::error::HttpError;
use crate::http::response::{after, see_other, set};
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Weight, button, form};
use crate::http::{Form, Req, Res, session};
use crate::projections::people;
use maud::html;
use std::sync::atomic::{AtomicBool, Ordering};
use warp::http::header::SET_COOKIE;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/setup", Access::Anyone, show), Route::post("/setup", Access::Anyone, make)]
}

/// Whether this studio has no account yet. The front page and the sign-in then lead here.
///
/// # Errors
/// If the database cannot be read.
pub async fn wanted(req: &Req) -> Result<bool, HttpError> {
    let settled: &AtomicBool = &req.app.has_people;
    if settled.load(Ordering::Relaxed) {
        return Ok(false);
    }
    let any = people::any(&req.app.reader).await?;
    settled.store(any, Ordering::Relaxed);
    Ok(!any)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    if !wanted(&req).await? {
        return Ok(see_other("/login"));
    }
    allowed(&req)?;
    Ok(view(&req, &Form::default(), &Errors::none()))
}

async fn make(mut req: Req) -> Result<Res, HttpError> {
    if !wanted(&req).await? {
        return Ok(see_other("/login"));
    }
    allowed(&req)?;
    let form = req.form().await?;
    let new = NewAccount {
        mail: form.get("mail").into(),
        display_name: form.get("display_name").into(),
        username: String::new(),
        password: form.raw("password").into(),
    };
    match first_admin(&req.app, req.command_id(&form), req.meta(), &new).await {
        Ok(made) => {
            let opened = sessions::open(&req.app, made.account, req.header("user-agent")).await?;
            let mut res = after(made.receipt, "/");
            set(&mut res, SET_COOKIE, &session::cookie_for(&req.app, &opened));
            Ok(res)
        }
        Err(error) => Ok(view(&req, &form, &form_errors(error)?)),
    }
}

/// In production only somebody at the machine itself: on the open net the first visitor would own
/// the studio.
fn allowed(req: &Req) -> Result<(), HttpError> {
    if !req.app.config.is_production() || req.remote.is_loopback() {
        return Ok(());
    }
    let words = "This studio has no admin yet. Make one on its server: kinora account add MAIL --role admin";
    Err(HttpError::Forbidden(words.into()))
}

fn view(req: &Req, form_data: &Form, errors: &Errors) -> Res {
    let fields = html! {
        (Field::new("mail", "Mail address").kind("email").autocomplete("email").value(form_data.get("mail")).maxlength(254).errors(errors).render())
        (Field::new("display_name", "Name").autocomplete("name").optional().value(form_data.get("display_name")).maxlength(80).errors(errors).render())
        (Field::new("password", "Password").kind("password").autocomplete("new-password")
            .hint("At least 10 characters. A few unrelated words are fine.").errors(errors).render())
        (button::submit("Make the admin", Weight::Main))
    };
    let lead = "This studio is new and empty. Its admin grants roles and may do everything.";
    narrow(req, "Make the first admin", Some(lead), errors, &form(req, "/setup", &fields))
}
