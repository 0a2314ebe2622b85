//! `/moderation/waves`: many accounts of one pattern, found, suspended with what they wrote, and let
//! back in.

use super::registrations::desk;
use super::{Desk, MODERATORS};
use crate::actors::accounts::sweeps::{self, Pattern, Suspect, Sweep};
use crate::actors::accounts::{AccountsError, staff};
use crate::domain::shared::AccountId;
use crate::domain::shared::calendar::day_of;
use crate::http::error::HttpError;
use crate::http::pages::people::form_errors;
use crate::http::response::see_other;
use crate::http::route::Route;
use crate::http::ui::table::{cell, head, table, text};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, button, checkbox, chip, empty, form, form_inline, format,
};
use crate::http::{Form, Req, Res};
use crate::projections::people;
use chrono::{DateTime, Days, Utc};
use futures_util::future::try_join_all;
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

const PAGE: &str = "/moderation/waves";
/// What the pattern's form sends, and the page's form hands on.
const PARTS: [&str; 6] = ["since", "until", "mail", "name", "text", "unconfirmed"];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, MODERATORS, show),
        Route::post(PAGE, MODERATORS, suspend),
        Route::post("/moderation/waves/{id}/undo", MODERATORS, undo),
    ]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let mut asked = Form::default();
    for part in PARTS {
        asked.push(part, req.query(part));
    }
    view(&req, &asked, !req.query("find").is_empty(), &Errors::none()).await
}

/// The pattern of a form; days are whole, and those of the studio.
fn pattern(asked: &Form) -> Result<Pattern, Errors> {
    let day = |field: &'static str, more: u64| -> Result<Option<DateTime<Utc>>, Errors> {
        let given = asked.get(field);
        if given.is_empty() {
            return Ok(None);
        }
        let day = day_of(given).and_then(|day| day.checked_add_days(Days::new(more)));
        let at = day.map(format::day_starts);
        at.map(Some).ok_or_else(|| Errors::one(field, "Enter a day such as 2027-01-31."))
    };
    let part = |field: &str| asked.get(field).trim().to_owned();
    let pattern = Pattern {
        since: day("since", 0)?,
        until: day("until", 1)?,
        mail: part("mail"),
        name: part("name"),
        text: part("text"),
        unconfirmed: !asked.get("unconfirmed").is_empty(),
    };
    let says_nothing = pattern.since.is_none()
        && [&pattern.mail, &pattern.name, &pattern.text].iter().all(|part| part.is_empty());
    if says_nothing {
        return Err(Errors::one(
            "since",
            "Say what they have in common: at least a first day, a part of the mail address, of the name, or of what they wrote.",
        ));
    }
    Ok(pattern)
}

async fn view(req: &Req, asked: &Form, find: bool, errors: &Errors) -> Result<Res, HttpError> {
    let mut errors = errors.clone();
    let found = match pattern(asked) {
        _ if !find => None,
        Ok(pattern) => Some(sweeps::find(&req.app, &pattern).await?),
        Err(wrong) => {
            errors = wrong;
            None
        }
    };
    let me = req.account()?.id;
    let scope = Desk::Moderation.scope("waves");
    if let Some((suspects, _)) = &found {
        // What is shown is recorded first; without the record nothing is shown.
        let records =
            suspects.iter().map(|s| staff::record_read(&req.app, req.meta(), me, s.person.id, &scope));
        if let Err(error) = try_join_all(records).await {
            form_errors(error)?;
            return Err(HttpError::busy());
        }
    }
    let made = sweeps::newest(&req.app).await?;
    let makers: Vec<AccountId> = made.iter().map(|s| s.made_by).collect();
    let names = people::display_names(&req.app.reader, &makers).await?;
    let body = html! {
        p { "For many accounts of the same kind at once. Nobody with a role or a membership is ever among them, and one click lets all of them back in." }
        (asked_for(asked, &errors))
        @if let Some((suspects, more)) = &found { (list(req, asked, suspects, *more, &errors)) }
        (done_before(req, &made, &names))
    };
    let done = match req.query("done") {
        "" => None,
        "undone" => Some("They may sign in again, and what was hidden is shown.".to_owned()),
        n => n.parse::<u32>().ok().map(|n| match n {
            1 => "One account is suspended, and what it wrote is hidden.".to_owned(),
            n => format!("{n} accounts are suspended, and what they wrote is hidden."),
        }),
    };
    Ok(desk(req, ("Spam waves", PAGE), done.as_deref(), &errors, &body))
}

fn asked_for(asked: &Form, errors: &Errors) -> Markup {
    let field = |name, label| Field::new(name, label).value(asked.get(name)).maxlength(200).optional().mid();
    html! {
        section.stack.mid {
            h2 { "What they have in common" }
            form.stack.mid method="get" action=(PAGE) {
                (Field::new("since", "Registered on or after").kind("date").value(asked.get("since")).optional().short().errors(errors).render())
                (Field::new("until", "Registered on or before").kind("date").value(asked.get("until")).optional().short().errors(errors).render())
                (field("mail", "Part of the mail address").hint("Such as @example.org.").errors(errors).render())
                (field("name", "Part of the name").errors(errors).render())
                (field("text", "Part of a comment").errors(errors).render())
                (checkbox("unconfirmed", "Only who never confirmed the address", !asked.get("unconfirmed").is_empty(), None))
                (button::submit_as("Find them", "find", "yes", Weight::Main))
            }
        }
    }
}

fn list(req: &Req, asked: &Form, suspects: &[Suspect], more: bool, errors: &Errors) -> Markup {
    if suspects.is_empty() {
        return empty(Icon::Search, "Nobody fits", "Ask for less in common.", None);
    }
    let columns = ["Choose", "Name", "Mail", "Address", "Wrote", "Since"].map(Column::new);
    let rows: Vec<Vec<Markup>> = suspects
        .iter()
        .map(|s| {
            let wrote = match s.comments.as_slice() {
                [] => html! { span.dim { "Nothing" } },
                [first, rest @ ..] => html! {
                    (first.chars().take(80).collect::<String>())
                    @if !rest.is_empty() { span.dim { " and " (rest.len()) " more" } }
                },
            };
            let confirmed =
                if s.person.confirmed { chip(Tone::Success, "Confirmed") } else { chip(Tone::Plain, "Not confirmed") };
            vec![
                cell(&html! { input type="checkbox" name="account" value=(s.person.id) checked aria-label={ "Choose " (s.name) }; }),
                head(&html! { a href=(Desk::Moderation.person(s.person.id)) { (s.name) } }),
                text(&s.mail),
                cell(&confirmed),
                cell(&wrote),
                cell(&format::moment(s.person.registered_at)),
            ]
        })
        .collect();
    let fields = html! {
        @for part in PARTS { input type="hidden" name=(part) value=(asked.get(part)); }
        (table("Who fits", &columns, &rows))
        (Field::new("reason", "Reason").value(asked.get("reason")).maxlength(500)
            .hint("Kept with each account, and destroyed with it.").errors(errors).render())
        (button::submit("Suspend those chosen and hide what they wrote", Weight::Danger))
    };
    html! {
        section.stack.mid {
            h2 { @if suspects.len() == 1 { "One account fits" } @else { (suspects.len()) " accounts fit" } }
            p { "Take the tick from those whom you want to keep." }
            @if more { p.dim { "There are more: these are the newest. Suspend them, and look again." } }
            (form(req, PAGE, &fields))
        }
    }
}

fn done_before(req: &Req, made: &[Sweep], names: &HashMap<AccountId, String>) -> Markup {
    if made.is_empty() {
        return html! {};
    }
    let columns = ["When", "By", "Accounts", "Comments", "Act"].map(Column::new);
    let rows: Vec<Vec<Markup>> = made
        .iter()
        .map(|s| {
            let act = html! { button.btn.small type="submit" { "Let them back in" } };
            vec![
                head(&format::moment(s.made_at)),
                text(names.get(&s.made_by).map_or("Deleted account", String::as_str)),
                text(&s.accounts.to_string()),
                text(&s.comments.to_string()),
                cell(&match s.undone_at {
                    Some(at) => html! { "Undone " (format::moment(at)) },
                    None => form_inline(req, &format!("{PAGE}/{}/undo", s.id), &act),
                }),
            ]
        })
        .collect();
    html! { section.stack.mid { h2 { "Done before" } (table("Done before", &columns, &rows)) } }
}

async fn suspend(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let by = req.account()?.id;
    let chosen: Vec<AccountId> =
        form.all("account").iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
    let command = req.command_id(&form);
    match sweeps::sweep(&req.app, command, &req.meta(), by, &chosen, form.get("reason")).await {
        Ok(count) => Ok(see_other(&format!("{PAGE}?done={count}"))),
        Err(error) => view(&req, &form, true, &errors(error)?).await,
    }
}

fn errors(error: AccountsError) -> Result<Errors, HttpError> {
    match error {
        AccountsError::Field("account", words) => Ok(Errors::one("", words)),
        other => form_errors(other),
    }
}

async fn undo(req: Req) -> Result<Res, HttpError> {
    let by = req.account()?.id;
    match sweeps::undo(&req.app, req.id_param("id")?, &req.meta(), by).await {
        Ok(_) => Ok(see_other(&format!("{PAGE}?done=undone"))),
        Err(error) => view(&req, &Form::default(), false, &errors(error)?).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shared::calendar::Zone;

    #[tokio::test]
    async fn the_days_of_a_pattern_are_those_of_the_studio() {
        let mut asked = Form::default();
        asked.push("since", "2027-01-31");
        asked.push("until", "2027-01-31");
        let read = format::in_zone(Some(Zone::amsterdam()), async { pattern(&asked).ok() }).await;
        let found = read.map(|pattern| (pattern.since, pattern.until)).unwrap();
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(found, (at("2027-01-30T23:00:00Z"), at("2027-01-31T23:00:00Z")));
        assert!(pattern(&Form::default()).is_err(), "it says nothing");
    }
}
