//! `/moderation/people/{id}/view-as`: an admin sees the site as somebody does; `/impersonation/stop`.

use super::Desk;
use crate::actors::accounts::impersonation;
use crate::http::error::HttpError;
use crate::http::pages::people::form_errors;
use crate::http::response::see_other;
use crate::http::route::{Access, Route};
use crate::http::ui::{Errors, Field, Weight, button, form, form_inline};
use crate::http::{Req, Res};
use crate::projections::people::{Person, Presence};
use maud::{Markup, html};

/// Where the session gets its own eyes back.
pub const STOP: &str = "/impersonation/stop";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/moderation/people/{id}/view-as", Access::Role(&["admin"]), start),
        Route::post(STOP, Access::SignedIn, stop),
    ]
}

async fn start(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let account = req.id_param("id")?;
    let me = req.account()?;
    let session = (me.id, me.session.as_str());
    let done =
        impersonation::start(&req.app, req.command_id(&form), req.meta(), session, account, form.get("why"));
    match done.await {
        Ok(()) => Ok(see_other("/account")),
        Err(error) => {
            let errors = form_errors(error)?;
            let words = errors.iter().next().map(|(_, words)| words.to_owned()).unwrap_or_default();
            super::person::view(&req, &form, &Errors::one("why", words)).await
        }
    }
}

async fn stop(req: Req) -> Result<Res, HttpError> {
    let me = req.account()?;
    let Some(admin) = me.impersonator else { return Ok(see_other("/")) };
    impersonation::stop(&req.app, admin, &me.session).await?;
    Ok(see_other(&Desk::Moderation.person(me.id)))
}

/// The act on the page of one person; for admins, and about members.
pub(super) fn offer(req: &Req, person: &Person, why: &str, errors: &Errors) -> Markup {
    let may = req.viewer.has_role(&["admin"])
        && !person.roles.has_staff()
        && person.presence == Presence::Open
        && req.viewer.id() != Some(person.id);
    if !may {
        return html! {};
    }
    let body = html! {
        (Field::new("why", "What do you look for?").value(why).maxlength(500)
            .hint("Kept with the act. The person is told by mail that somebody of the studio looked.").errors(errors).render())
        div.row { (button::submit("See the site as they do", Weight::Plain)) }
    };
    html! {
        section.stack.mid {
            h2 { "With their eyes" }
            p { "For half an hour at most you see the site as this person does, without being able to change anything." }
            (form(req, &format!("{}/view-as", Desk::Moderation.person(person.id)), &body))
        }
    }
}

/// The line above every page meanwhile.
#[must_use]
pub fn banner(req: &Req) -> Option<Markup> {
    let account = req.viewer.account.as_ref().filter(|a| a.impersonator.is_some())?;
    let stop = button::submit_small("Stop", Weight::Plain);
    Some(html! {
        div.notice.warning.row role="status" {
            span { "You see the site as " strong { (account.label) } " does. Nothing can be changed." }
            (form_inline(req, STOP, &stop))
        }
    })
}
