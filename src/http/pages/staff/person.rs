//! One person: facts, and the acts that the desk may do, each with a reason.

use super::{BILLING, Desk, MODERATORS, impersonation, list::state, mails};
use crate::actors::accounts::leaving::{self, LeavingError};
use crate::actors::accounts::staff::{self, Act};
use crate::domain::approval::Act as Gift;
use crate::domain::deletion_request::{CommentsFate, RequestedBy};
use crate::domain::shared::calendar::day_of;
use crate::domain::shared::{PersonalRef, Role};
use crate::http::error::HttpError;
use crate::http::page::{Page, page, unprocessable};
use crate::http::pages::billing::approvals;
use crate::http::pages::billing::subscription_acts::with_reason;
use crate::http::pages::people::form_errors;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::layout::{Place, Theme};
use crate::http::ui::{
    Errors, Field, Moment, Tone, Weight, button, chip, crumbs, error_summary, facts, form_of_acts, format,
    notice, notice_text, page_head, rooms, timeline,
};
use crate::http::{Form, Req, Res};
use crate::projections::account_acts::{self, Done};
use crate::projections::credits;
use crate::projections::people::{self, Person, Presence};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use std::str::FromStr as _;
use strum::IntoEnumIterator as _;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/moderation/people/{id}", MODERATORS, show),
        Route::post("/moderation/people/{id}", MODERATORS, act),
        Route::get("/billing/people/{id}", BILLING, show),
        Route::post("/billing/people/{id}", BILLING, act),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let id = req.id_param("id")?;
    let desk = Desk::of(&req.path);
    let wish = match wish(&req, desk, &form) {
        Ok(wish) => wish,
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let command = req.command_id(&form);
    let Wish::Act(wish) = wish else {
        let by = RequestedBy::Staff(req.account()?.id);
        return match leaving::file(&req.app, command, req.meta(), id, by, CommentsFate::default()).await {
            Ok(receipt) => Ok(after(receipt, &format!("{}?done=yes", desk.person(id)))),
            Err(LeavingError::Other(error)) => view(&req, &form, &form_errors(error)?).await,
            Err(refused) => view(&req, &form, &Errors::one("", refused.to_string())).await,
        };
    };
    if let Act::Complimentary(until) = wish {
        let both = match with_reason(&req, &form, id) {
            Ok(both) => both,
            Err(errors) => return view(&req, &form, &errors).await,
        };
        match approvals::ask(&req, &form, (id, None), Gift::Complimentary { until }, both).await? {
            Some(Ok(asked)) => return Ok(asked),
            Some(Err(errors)) => return view(&req, &form, &errors).await,
            None => {}
        }
    }
    match staff::act(&req.app, command, req.meta(), id, &wish, form.get("reason")).await {
        Ok(receipt) => Ok(after(receipt, &format!("{}?done=yes", desk.person(id)))),
        Err(error) => view(&req, &form, &form_errors(error)?).await,
    }
}

/// What staff want of an account.
enum Wish {
    Act(Act),
    /// File a deletion request on the person's behalf.
    Delete,
}

/// What the form asks for, as far as desk and roles allow it.
fn wish(req: &Req, desk: Desk, form: &Form) -> Result<Wish, Errors> {
    if form.get("act") == "delete" && desk == Desk::Moderation {
        return Ok(Wish::Delete);
    }
    act_of(req, desk, form).map(Wish::Act)
}

fn act_of(req: &Req, desk: Desk, form: &Form) -> Result<Act, Errors> {
    let admin = req.viewer.has_role(&["admin"]);
    let moderates = desk == Desk::Moderation;
    let role = || Role::from_str(form.get("role")).map_err(|_| Errors::one("role", "Choose a role."));
    match form.get("act") {
        "suspend" if moderates => Ok(Act::Suspend(until(form, "suspended_until")?)),
        "reinstate" if moderates => Ok(Act::Reinstate),
        "grant" if admin => Ok(Act::Grant(role()?)),
        "revoke" if admin => Ok(Act::Revoke(role()?)),
        "complimentary" if admin || !moderates => Ok(Act::Complimentary(until(form, "until")?)),
        "end-complimentary" if admin || !moderates => Ok(Act::EndComplimentary),
        _ => Err(Errors::one("", "Your role does not allow this act.")),
    }
}

fn until(form: &Form, field: &'static str) -> Result<Option<DateTime<Utc>>, Errors> {
    let text = form.get(field);
    if text.is_empty() {
        return Ok(None);
    }
    day_of(text)
        .map(|day| Some(format::day_starts(day)))
        .ok_or_else(|| Errors::one(field, "Enter a day such as 2027-01-31, or nothing."))
}

pub(super) async fn view(req: &Req, typed: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let desk = Desk::of(&req.path);
    let id = req.id_param("id")?;
    let person = people::by_id(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    let reader = req.account()?.id;
    if let Err(error) = staff::record_read(&req.app, req.meta(), reader, id, &desk.scope("person")).await
        && person.presence != Presence::Erased
    {
        form_errors(error)?;
        return Err(HttpError::busy());
    }
    let wanted: Vec<PersonalRef> =
        [&person.mail, &person.display_name, &person.username].into_iter().flatten().cloned().collect();
    let opened = req.app.reader.open_many(&wanted).await?;
    let text = |r: &Option<PersonalRef>| r.as_ref().and_then(|r| opened.get(r)).cloned();
    let name = text(&person.display_name).unwrap_or_else(|| "Deleted account".into());
    // Money and its history are for the billing desk.
    let watching = match desk {
        Desk::Billing => super::access::panel(req, &person).await?,
        Desk::Moderation => html! {},
    };
    let waiting = match desk {
        Desk::Billing => {
            let credit = credits::of_account(&req.app.reader, id).await?;
            let has: Vec<String> = credit.iter().map(|b| b.money.to_string()).collect();
            html! {
                (approvals::waiting(req, id).await?)
                @if !has.is_empty() { p { "Credit: " a.num href={ "/billing/credits/" (id) } { (has.join(" + ")) } } }
            }
        }
        Desk::Moderation => html! {},
    };
    let money = match desk {
        Desk::Billing => super::person_money::lists(req, id).await?,
        Desk::Moderation => html! {},
    };
    let done = account_acts::of_account(&req.app.reader, id).await?;
    let others = people::same_person(&req.app.reader, id).await?;
    let content = html! {
        (crumbs(&[Place::new("People", desk.people())], &name))
        (page_head(&name, None, None))
        @if !req.query("done").is_empty() && errors.is_empty() { (notice_text(Tone::Success, "Done, and recorded.")) }
        (error_summary(errors))
        (facts(&[
            ("State", state(&person)),
            ("Mail", html! { (text(&person.mail).unwrap_or_else(|| "—".into())) " " a href=(mails::to(desk, id)) { "Mails to this person" } }),
            ("User name", html! { (text(&person.username).unwrap_or_else(|| "—".into())) }),
            ("Account", html! { span.mono { (id) } }),
            ("Since", format::moment(person.registered_at)),
            ("Roles", role_chips(&person)),
            ("Complimentary access", complimentary(&person)),
        ]))
        @if person.suspended && person.merged_into.is_none() && let Some(last) = done.iter().find(|d| d.keeps_out) {
            (notice(Tone::Warning, &html! { p { "Suspended on " (format::moment(last.at)) ". " (who_and_why(desk, last)) } }))
        }
        @if let Some(into) = person.merged_into { (notice(Tone::Info, &html! { p { "This account was merged into " a href=(desk.person(into)) { "another one of the same person" } ", which has what belonged to it." } })) }
        @for other in others.iter().skip(1) { (notice(Tone::Info, &html! { p { "It took over " a href=(desk.person(*other)) { "another account of the same person" } "." } })) }
        (watching)
        (waiting)
        (money)
        @if desk == Desk::Billing && person.presence != Presence::Erased {
            @if person.merged_into.is_none() {
                p.row {
                    (button::link("Start a managed subscription", &format!("/billing/people/{id}/subscription"), Weight::Quiet))
                    (button::link("Merge into another account", &format!("/billing/people/{id}/merge"), Weight::Quiet))
                }
            }
        }
        @if person.presence != Presence::Erased { (acts(req, desk, id, &person, typed, errors)) }
        (history(desk, &done))
        @if desk == Desk::Moderation { (impersonation::offer(req, &person, typed.get("why"), errors)) }
    };
    let res = page(
        req,
        Page {
            title: name,
            section: desk.label().into(),
            theme: Theme::Desk,
            private: true,
            body: html! { div.page { (rooms(desk.label(), &desk.places(), desk.people(), &content)) } },
            ..Page::default()
        },
    );
    Ok(if errors.is_empty() { res } else { unprocessable(res) })
}

fn role_chips(person: &Person) -> Markup {
    html! {
        @if person.roles.0.is_empty() { "Member" }
        @for role in &person.roles.0 { (chip(if role.is_staff() { Tone::Info } else { Tone::Plain }, role.label())) " " }
    }
}

fn complimentary(person: &Person) -> Markup {
    html! {
        @match person.complimentary {
            None => "None",
            Some(given) => { @match given.until { Some(end) => { "Until " (format::date(end)) }, None => "Without an end" } },
        }
    }
}

/// Until when, who, and why.
fn who_and_why(desk: Desk, done: &Done) -> Markup {
    html! {
        @if let Some(until) = done.until { "Until " (format::moment(until)) ". " }
        @match (&done.by, done.by_account) {
            (Some(by), Some(id)) => { "By " a href=(desk.person(id)) { (by) } ". " },
            (Some(by), None) => { "By " (by) ". " },
            (None, _) => {},
        }
        @if let Some(reason) = &done.reason { "Reason: " (reason) }
    }
}

/// What was done to the account, newest first.
fn history(desk: Desk, done: &[Done]) -> Markup {
    let moments: Vec<Moment> = done
        .iter()
        .map(|d| {
            let told = d.until.is_some() || d.by.is_some() || d.reason.is_some();
            Moment {
                at: d.at,
                what: d.what.clone(),
                detail: told.then(|| who_and_why(desk, d)),
                tone: if d.keeps_out { Tone::Danger } else { Tone::Plain },
                raw: None,
            }
        })
        .collect();
    html! { section.stack #history { h2 { "What happened" } (timeline(&moments)) } }
}

fn acts(req: &Req, desk: Desk, id: Uuid, person: &Person, typed: &Form, errors: &Errors) -> Markup {
    let admin = req.viewer.has_role(&["admin"]);
    let moderates = desk == Desk::Moderation;
    let roles = || Role::iter().filter(|r| *r != Role::Member).map(|r| (<&str>::from(r), r.label()));
    let body = html! {
        (Field::new("reason", "Reason").value(typed.get("reason")).maxlength(500)
            .hint("Kept with the act, and destroyed with the account.").errors(errors).render())
        @if moderates {
            @if !person.suspended {
                (Field::new("suspended_until", "Suspended until").kind("date").value(typed.get("suspended_until")).optional().short()
                    .hint("The first day without it; empty until somebody lifts it.").errors(errors).render())
            }
            div.row {
                @if person.suspended { (button::submit_as("Lift the suspension", "act", "reinstate", Weight::Main)) }
                @else { (button::submit_as("Suspend the account", "act", "suspend", Weight::Danger)) }
                @if person.presence == Presence::Open {
                    (button::submit_as("File a deletion request", "act", "delete", Weight::Danger))
                }
            }
            @if person.presence == Presence::Open {
                p.small.dim { "A deletion request is filed when the person asked for it in another way, such as by letter. They are told by mail and can take it back." }
            }
        }
        @if admin || !moderates {
            (Field::new("until", "Complimentary access until").kind("date").value(typed.get("until")).optional().short()
                .hint(&format!("The first day without it; empty for no end. More than {} days, and no end, need a second person.", req.app.config.billing.second_person_over_days)).errors(errors).render())
            div.row {
                (button::submit_as("Give complimentary access", "act", "complimentary", Weight::Plain))
                @if person.complimentary.is_some() { (button::submit_as("End complimentary access", "act", "end-complimentary", Weight::Plain)) }
            }
        }
        @if admin {
            (Field::new("role", "Role").select(roles()).value(typed.get("role")).short().errors(errors).render())
            div.row {
                (button::submit_as("Grant the role", "act", "grant", Weight::Plain))
                (button::submit_as("Revoke the role", "act", "revoke", Weight::Plain))
            }
        }
    };
    html! { section.stack.mid { h2 { "Acts" } (form_of_acts(req, &desk.person(id), &body)) } }
}
