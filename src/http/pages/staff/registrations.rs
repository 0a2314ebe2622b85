//! `/moderation/registrations`: who waits to be let in, and the door; `/moderation/invitations`.

use super::{Desk, MODERATORS};
use crate::actors::accounts::{AccountsError, registration, shown_once, staff};
use crate::config::Registration;
use crate::domain::deletion_request::RequestedBy;
use crate::domain::shared::{PersonalRef, derive_id};
use crate::http::error::HttpError;
use crate::http::page::{Page, page, unprocessable};
use crate::http::pages::people::form_errors;
use crate::http::response::see_other;
use crate::http::route::Route;
use crate::http::ui::layout::Theme;
use crate::http::ui::table::{cell, head, table, text};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, button, chip, empty, error_summary, form, form_inline, format,
    notice, notice_text, page_head, rooms,
};
use crate::http::{Form, Req, Res};
use crate::projections::people::{self, Person};
use futures_util::future::try_join_all;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

const QUEUE: &str = "/moderation/registrations";
const INVITATIONS: &str = "/moderation/invitations";
/// Registrations on the page.
const MOST: i64 = 100;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(QUEUE, MODERATORS, show),
        Route::post(QUEUE, MODERATORS, decide),
        Route::post("/moderation/registrations/door", MODERATORS, door),
        Route::get(INVITATIONS, MODERATORS, invitations),
        Route::post(INVITATIONS, MODERATORS, invite),
        Route::post("/moderation/invitations/{id}/withdraw", MODERATORS, withdraw),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    queue(&req, &Errors::none()).await
}

async fn queue(req: &Req, errors: &Errors) -> Result<Res, HttpError> {
    let waiting = people::waiting(&req.app.reader, MOST).await?;
    let reader = req.account()?.id;
    let scope = Desk::Moderation.scope("registrations");
    // What is shown is recorded first; without the record nothing is shown.
    let records = waiting.iter().map(|p| staff::record_read(&req.app, req.meta(), reader, p.id, &scope));
    if let Err(error) = try_join_all(records).await {
        form_errors(error)?;
        return Err(HttpError::busy());
    }
    let wanted: Vec<PersonalRef> =
        waiting.iter().flat_map(|p| [&p.display_name, &p.mail]).flatten().cloned().collect();
    let names = req.app.reader.open_many(&wanted).await?;
    let shut = registration::is_shut(&req.app).await?;
    let body = html! {
        (the_door(req, shut))
        @if waiting.is_empty() {
            (empty(Icon::UserPlus, "Nobody waits", "Registrations that need approval stand here.", None))
        } @else {
            (form(req, QUEUE, &listed(&waiting, &names)))
        }
    };
    let done = match req.query("done") {
        "decided" => Some("Done. Those who were let in get a mail."),
        "door" => Some(if shut { "Registration is closed." } else { "Registration is as the settings say." }),
        _ => None,
    };
    Ok(desk(req, ("Registrations", QUEUE), done, errors, &body))
}

fn the_door(req: &Req, shut: bool) -> Markup {
    let words = match req.app.config.registration() {
        Registration::Open => "Everybody may register.",
        Registration::Approval => "Everybody may register and waits here to be let in.",
        Registration::Invite => "People register with an invitation.",
        Registration::Closed => "Registration is closed by the settings.",
    };
    let act = if shut {
        button::submit_as("Open registration again", "shut", "no", Weight::Plain)
    } else {
        button::submit_as("Close registration now", "shut", "yes", Weight::Danger)
    };
    html! {
        section.stack.mid {
            p { @if shut { (chip(Tone::Danger, "Closed by a moderator")) } @else { (chip(Tone::Success, "As the settings say")) " " (words) } }
            (form_inline(req, &format!("{QUEUE}/door"), &act))
        }
    }
}

fn listed(waiting: &[Person], names: &HashMap<PersonalRef, String>) -> Markup {
    let columns = ["Choose", "Name", "Mail", "Address", "Since"].map(Column::new);
    let opened = |r: &Option<PersonalRef>| r.as_ref().and_then(|r| names.get(r)).cloned().unwrap_or_default();
    let rows: Vec<Vec<Markup>> = waiting
        .iter()
        .map(|p| {
            let name = opened(&p.display_name);
            vec![
                cell(&html! { input type="checkbox" name="account" value=(p.id) aria-label={ "Choose " (name) }; }),
                head(&html! { a href=(Desk::Moderation.person(p.id)) { (name) } }),
                text(&opened(&p.mail)),
                cell(&if p.confirmed { chip(Tone::Success, "Confirmed") } else { chip(Tone::Plain, "Not confirmed") }),
                cell(&format::moment(p.registered_at)),
            ]
        })
        .collect();
    html! {
        (table("Registrations that wait", &columns, &rows))
        div.row {
            (button::submit_as("Let them in", "act", "approve", Weight::Main))
            (button::submit_as("Refuse them", "act", "refuse", Weight::Danger))
        }
        p.small.dim { "Whoever is refused cannot sign in, and is erased after the usual grace." }
    }
}

async fn decide(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let by = req.account()?.id;
    let chosen: Vec<Uuid> = form.all("account").iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
    if chosen.is_empty() {
        return queue(&req, &Errors::one("", "Choose at least one registration.")).await;
    }
    let command = req.command_id(&form).to_string();
    for account in chosen {
        let id = derive_id(&command, &account.to_string());
        // Only what waits is decided here: everybody else is not touched.
        if !people::by_id(&req.app.reader, account).await?.is_some_and(|p| p.waiting) {
            continue;
        }
        let done: Result<(), AccountsError> = match form.get("act") {
            "approve" => registration::approve(&req.app, id, req.meta(), account).await,
            "refuse" => registration::refuse(&req.app, id, req.meta(), account, RequestedBy::Staff(by)).await,
            _ => return queue(&req, &Errors::one("", "Choose what to do.")).await,
        };
        if let Err(error) = done {
            return queue(&req, &form_errors(error)?).await;
        }
    }
    Ok(see_other(&format!("{QUEUE}?done=decided")))
}

async fn door(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    registration::move_door(&req.app, Some(req.account()?.id), form.get("shut") == "yes").await?;
    Ok(see_other(&format!("{QUEUE}?done=door")))
}

async fn invitations(req: Req) -> Result<Res, HttpError> {
    let code = req.just_made().await?;
    invitation_page(&req, &Form::default(), &Errors::none(), code.as_deref()).await
}

async fn invite(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let number = |name: &str| form.get(name).parse().unwrap_or(0);
    let uses = i32::try_from(number("uses")).unwrap_or(0);
    let account = req.account()?.id;
    match registration::invite(&req.app, Some(account), uses, number("days")).await {
        Ok(code) => {
            let id = shown_once::keep(&req.app, account, &code).await?;
            Ok(see_other(&format!("{INVITATIONS}?made={id}")))
        }
        Err(error) => invitation_page(&req, &form, &form_errors(error)?, None).await,
    }
}

async fn withdraw(req: Req) -> Result<Res, HttpError> {
    registration::withdraw(&req.app, req.id_param("id")?).await?;
    Ok(see_other(&format!("{INVITATIONS}?done=withdrawn")))
}

async fn invitation_page(
    req: &Req,
    typed: &Form,
    errors: &Errors,
    code: Option<&str>,
) -> Result<Res, HttpError> {
    let all = registration::invitations(&req.app).await?;
    let usual =
        |name: &str, usual: &str| if typed.has(name) { typed.get(name).to_owned() } else { usual.to_owned() };
    let fields = html! {
        (Field::new("uses", "People it lets in").kind("number").value(&usual("uses", "1")).mid().errors(errors).render())
        (Field::new("days", "Days until it expires").kind("number").value(&usual("days", "14")).mid().errors(errors).render())
        (button::submit("Make an invitation", Weight::Main))
    };
    let columns = ["Invitation", "Lets in", "Made", "Expires", "Act"].map(Column::new);
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|i| {
            let act = html! { button.btn.small type="submit" { "Withdraw" span.hush { " the invitation " (i.hint) } } };
            vec![
                head(&html! { code { (i.hint) "…" } }),
                text(&i.uses_left.to_string()),
                cell(&format::moment(i.made_at)),
                cell(&format::moment(i.expires_at)),
                cell(&form_inline(req, &format!("{INVITATIONS}/{}/withdraw", i.id), &act)),
            ]
        })
        .collect();
    let body = html! {
        @if let Some(code) = code {
            (notice(Tone::Success, &html! {
                p { strong { "Your new invitation" } " is shown only now. Give this address on:" }
                p { code.mono { (req.app.config.site_url()) "/register?invitation=" (code) } }
            }))
        }
        section.stack.mid { h2 { "A new invitation" } (form(req, INVITATIONS, &fields)) }
        section.stack.mid {
            h2 { "Invitations" }
            @if rows.is_empty() { p.dim { "None." } } @else { (table("Invitations", &columns, &rows)) }
        }
    };
    let done = (req.query("done") == "withdrawn").then_some("Withdrawn.");
    Ok(desk(req, ("Invitations", INVITATIONS), done, errors, &body))
}

pub(super) fn desk(
    req: &Req,
    (title, here): (&str, &str),
    done: Option<&str>,
    errors: &Errors,
    body: &Markup,
) -> Res {
    let desk = Desk::Moderation;
    let content = html! {
        (page_head(title, None, None))
        @if let Some(done) = done { (notice_text(Tone::Success, done)) }
        (error_summary(errors))
        (body)
    };
    let body = html! { div.page { (rooms(desk.label(), &desk.places(), here, &content)) } };
    let title = if errors.is_empty() { title.to_owned() } else { format!("Error: {title}") };
    let page = page(
        req,
        Page {
            title,
            section: desk.label().into(),
            theme: Theme::Desk,
            private: true,
            body,
            ..Page::default()
        },
    );
    if errors.is_empty() { page } else { unprocessable(page) }
}
