//! `/account/team`: who belongs to the own team, and who has a seat.

use super::subscription_acts::own;
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::team_lists;
use crate::domain::team::{MOST_ADDRESSES, SeatCause, Team, TeamCommand, TeamList};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::{Access, Route};
use crate::http::ui::button::{link, submit, submit_small};
use crate::http::ui::table::{cell, head};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, chip, empty, error_summary, form as post_form, form_inline,
    notice_text, page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::teams::TeamRow;
use crate::projections::{people, teams};
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

const PAGE: &str = "/account/team";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, Access::SignedIn, show),
        Route::post(PAGE, Access::SignedIn, arrange),
        Route::post("/account/team/seats/{account}", Access::SignedIn, change_seat),
    ]
}

/// "3 of 5 seats are taken".
pub(in crate::http::pages) fn taken_words(team: &Team) -> String {
    let taken = team.holders().len();
    match team.seats().and_then(|s| s.most) {
        Some(most) => format!("{taken} of {most} seats are taken"),
        None if taken == 1 => "1 seat is taken, of as many as you need".into(),
        None => format!("{taken} seats are taken, of as many as you need"),
    }
}

/// The panel on the subscription's page; nothing where the plan is for one person.
pub(super) async fn panel(req: &Req, subscription: Uuid) -> Result<Markup, HttpError> {
    let team = teams::one(&req.app.reader, subscription).await?;
    Ok(html! {
        @if let Some(team) = team.filter(|t| t.state.seats().is_some()) {
            section.panel aria-labelledby="team" {
                h2 #team { "Your team" }
                p { (taken_words(&team.state)) "." }
                @if team.state.list().is_none() { p { "Nobody belongs to it yet: say who does." } }
                (link("See your team", PAGE, if team.state.list().is_none() { Weight::Main } else { Weight::Plain }))
            }
        }
    })
}

/// Seats that somebody has in the teams of others, as sentences.
pub(super) async fn seats(req: &Req) -> Result<Vec<String>, HttpError> {
    let seats = teams::seats_of(&req.app.reader, req.account()?.id).await?;
    let owners: Vec<Uuid> = seats.iter().map(|s| s.owner).collect();
    let names = people::display_names(&req.app.reader, &owners).await?;
    let whose = |owner: &Uuid| names.get(owner).cloned().unwrap_or_else(|| "somebody".into());
    Ok(seats
        .iter()
        .map(|s| {
            format!("You have a seat in the team of {}: what members watch is open to you.", whose(&s.owner))
        })
        .collect())
}

/// The own team.
async fn team(req: &Req) -> Result<TeamRow, HttpError> {
    let row = own(req).await?;
    let found = teams::one(&req.app.reader, row.id).await?;
    found.filter(|t| t.state.seats().is_some()).ok_or(HttpError::NotFound)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let team = team(&req).await?;
    let list = team_lists::open(&req.app, &team.state).await?;
    let mut form = Form::default();
    form.push("addresses", &list.addresses.iter().cloned().collect::<Vec<_>>().join("\n"));
    form.push("domain", list.domain.as_deref().unwrap_or_default());
    view(&req, &team, &form, &Errors::none()).await
}

async fn view(req: &Req, team: &TeamRow, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let state = &team.state;
    let all: Vec<Uuid> =
        state.holders().iter().chain(state.waiting()).chain(state.barred()).copied().collect();
    let names = labels(req, state, &all).await?;
    let content = html! {
        (page_head("Your team", Some("Who belongs to it watches and downloads by your subscription. You need no seat yourself."), None))
        (error_summary(errors))
        @if req.query("done") == "saved" && errors.is_empty() { (notice_text(Tone::Success, "Your team is saved. Seats follow in a moment.")) }
        section.panel aria-labelledby="seats" {
            h2 #seats { "Seats" }
            p { (taken_words(state)) "." }
            @if !state.waiting().is_empty() {
                (notice_text(Tone::Warning, "Somebody who belongs to your team waits for a seat. Take somebody off the list, or choose a plan with more seats."))
            }
            @if all.is_empty() {
                (empty(Icon::User, "Nobody has a seat yet", "Who belongs to your team gets one as soon as they have an account with a confirmed address.", None))
            } @else {
                (table("People of your team", &[Column::new("Who"), Column::new("Seat"), Column::new("Act")], &rows(req, state, &names)))
            }
            p { (link("Change the plan", "/account/subscription/plan", Weight::Quiet)) }
        }
        section.panel aria-labelledby="who" {
            h2 #who { "Who belongs to it" }
            (post_form(req, PAGE, &html! {
                (Field::new("addresses", "Mail addresses").optional().value(form.get("addresses")).area()
                    .hint(&format!("One in each line, at most {MOST_ADDRESSES}.")).errors(errors).render())
                (Field::new("domain", "Mail domain").optional().value(form.get("domain")).maxlength(253).mid().placeholder("studio.example")
                    .hint("Everybody with a confirmed address at exactly this domain; it must be that of your own address.").errors(errors).render())
                (submit("Save team", Weight::Main))
            }))
        }
    };
    Ok(super::shared::below_subscription(req, "Your team", errors, &content))
}

/// How the owner knows people: by the address they wrote down, else by name.
async fn labels(req: &Req, state: &Team, all: &[Uuid]) -> Result<HashMap<Uuid, String>, HttpError> {
    let list = team_lists::open(&req.app, state).await?;
    let mut labels = people::display_names(&req.app.reader, all).await?;
    for account in all {
        let mail = team_lists::mail_of(&req.app, *account).await?;
        if let Some(mail) = mail.filter(|m| list.addresses.contains(&m.to_lowercase())) {
            labels.insert(*account, mail);
        }
    }
    Ok(labels)
}

fn rows(req: &Req, state: &Team, names: &HashMap<Uuid, String>) -> Vec<Vec<Markup>> {
    let row = |account: &Uuid, tone: Tone, word: &str, act: Option<(&str, &str)>| {
        vec![
            head(&html! { (names.get(account).map_or("Somebody without a name", String::as_str)) }),
            cell(&chip(tone, word)),
            cell(&html! {
                @if let Some((act, label)) = act {
                    (form_inline(req, &format!("/account/team/seats/{account}"), &html! {
                        input type="hidden" name="act" value=(act);
                        (submit_small(label, Weight::Plain))
                    }))
                }
            }),
        ]
    };
    let holders =
        state.holders().iter().map(|a| row(a, Tone::Success, "Has a seat", Some(("take", "Take the seat"))));
    let waiting = state.waiting().iter().map(|a| row(a, Tone::Warning, "Waits for one", None));
    let barred =
        state.barred().iter().map(|a| row(a, Tone::Plain, "Taken by you", Some(("give", "Give it again"))));
    holders.chain(waiting).chain(barred).collect()
}

async fn arrange(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let team = team(&req).await?;
    let list = match TeamList::parse(form.get("addresses"), form.get("domain")) {
        Ok(list) => list,
        Err(why) => return view(&req, &team, &form, &Errors::one(why.field, why.words)).await,
    };
    let command = (req.command_id(&form), req.meta());
    let owner = req.account()?.id;
    // Else one could name a company's domain and read here who of it has an account.
    let own = team_lists::mail_of(&req.app, owner).await?;
    let at = own.as_deref().and_then(|mail| mail.rsplit('@').next()).map(str::to_lowercase);
    // What stands there already was proved by whoever wrote it, perhaps with another account of theirs.
    let stands = team_lists::open(&req.app, &team.state).await?.domain;
    if list.domain.is_some() && list.domain != at && list.domain != stands {
        let words = "Only the domain of your own confirmed mail address can stand here.";
        return view(&req, &team, &form, &Errors::one("domain", words)).await;
    }
    match team_lists::arrange(&req.app, command, &team, owner, &list, req.now()).await {
        Ok(receipt) => Ok(after(receipt, "/account/team?done=saved")),
        Err(CommandError::Refused(why)) => view(&req, &team, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}

async fn change_seat(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let team = team(&req).await?;
    let (account, at) = (req.id_param("account")?, req.now());
    let command = match form.get("act") {
        "take" => TeamCommand::TakeSeat { account, cause: SeatCause::TakenByOwner, at },
        "give" => TeamCommand::Readmit { account, at },
        _ => return Err(HttpError::Unprocessable("Choose whether the seat is given or taken.".into())),
    };
    let envelope = Envelope::new(req.command_id(&form), team.id, command, req.meta());
    Ok(after(req.app.bus.dispatch::<Team>(envelope).await?, PAGE))
}
