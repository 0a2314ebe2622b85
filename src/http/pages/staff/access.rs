//! What a person may watch, and what decided it: now, or on a day that is over. Part of the page of one person.

use crate::actors::access_history::{self, Decider};
use crate::domain::access::{self, Reason};
use crate::domain::account::{By, Why};
use crate::domain::shared::calendar::{day_of, day_words};
use crate::domain::shared::{AccountId, PersonalRef};
use crate::domain::subscription::SubscriptionEvent;
use crate::http::Req;
use crate::http::error::HttpError;
use crate::http::pages::membership::subscription::status_chip;
use crate::http::ui::{Field, Tone, Weight, button, chip, format, notice_text};
use crate::projections::access as gathered;
use crate::projections::people::{self, Person};
use crate::projections::subscription_timeline::{self, Entry, state_as_of};
use crate::projections::subscription_words::describe;
use crate::projections::subscriptions::{self, SubscriptionRow};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use uuid::Uuid;

/// A subscription as it was on the day.
struct Then {
    row: SubscriptionRow,
    access: bool,
    /// What had decided it, with the day after which it counted.
    decided: Option<(DateTime<Utc>, String, Option<String>)>,
}

/// The answer of the access rule for what subscribers get, in words about the person.
fn now_words(reason: Reason) -> String {
    match reason {
        Reason::Role(role) => format!("Yes: the role {} lets them watch everything.", role.label()),
        Reason::Complimentary(None) => "Yes: complimentary access without an end.".into(),
        Reason::Complimentary(Some(end)) => {
            format!("Yes: complimentary access until {}.", day_words(format::local_day(end)))
        }
        Reason::Subscription => "Yes: a subscription, or a seat in a team, gives access.".into(),
        Reason::ConfirmMail => "No: the mail address was not confirmed.".into(),
        Reason::Suspended => "No: the account is suspended.".into(),
        Reason::Leaving => "No: they asked for the deletion of the account.".into(),
        Reason::PayOrder(_) => "No: the subscription is on hold until its order is paid.".into(),
        Reason::Resume => "No: the subscription is paused.".into(),
        Reason::AskTeamOwner => "No: the team of their seat has no access at the moment.".into(),
        Reason::Free | Reason::OwnWork => "Yes.".into(),
        Reason::Join | Reason::SignIn | Reason::NotPublished | Reason::Removed => {
            "No: there is no subscription that gives access.".into()
        }
    }
}

fn decided(entries: &[Entry], at: DateTime<Utc>) -> Option<(DateTime<Utc>, String, Option<String>)> {
    let moves = |e: &&Entry| e.decode::<SubscriptionEvent>().is_some_and(|event| event.moves_status());
    let last = entries.iter().filter(|e| e.effective_at <= at).rfind(moves)?;
    let words = describe(last);
    Some((last.effective_at, words.what, words.why))
}

/// What had decided it beside subscriptions, in words, with who did it and why.
async fn history(req: &Req, then: &access_history::Then) -> Result<Markup, HttpError> {
    let reader = &req.app.reader;
    let sealed: Vec<PersonalRef> = then
        .deciders
        .iter()
        .filter_map(|entry| match &entry.why {
            Some(Why::Text(text)) => Some(text.clone()),
            _ => None,
        })
        .collect();
    let by: Vec<AccountId> = then
        .deciders
        .iter()
        .filter_map(|entry| match entry.by {
            Some(By::Account(who)) => Some(who),
            _ => None,
        })
        .collect();
    let (texts, names) = (reader.open_many(&sealed).await?, people::display_names(reader, &by).await?);
    Ok(html! {
        @if !then.deciders.is_empty() {
            ul.plain.stack.tight {
                @for entry in &then.deciders {
                    li {
                        (format::moment(entry.at)) ": " (decider_words(&entry.what))
                        @match &entry.by {
                            Some(By::Account(who)) => { ", by " (names.get(who).map_or("a deleted account", String::as_str)) }
                            Some(By::System(program)) => { ", by " (program) }
                            Some(By::Owner) | None => {}
                        }
                        @match &entry.why {
                            Some(Why::Text(text)) => { span.small.dim { " " (texts.get(text).map_or("", String::as_str)) } }
                            Some(Why::Code(code)) => { span.small.dim { " " (code) } }
                            None => {}
                        }
                    }
                }
            }
        }
    })
}

fn decider_words(what: &Decider) -> Markup {
    let team = |id: &Uuid| html! { a href={ "/billing/subscriptions/" (id) } { "team" } };
    html! {
        @match what {
            Decider::Granted(role) => { "the role " (role.label()) " was given" }
            Decider::Revoked(role) => { "the role " (role.label()) " was taken" }
            Decider::Suspended => "the account was suspended",
            Decider::Reinstated => "the account was let in again",
            Decider::Given => "complimentary access was given",
            Decider::Ended => "complimentary access ended",
            Decider::Confirmed => "the mail address was confirmed",
            Decider::Leaving => "the deletion of the account was asked for",
            Decider::Stayed => "the deletion was taken back",
            Decider::Seated(id) => { "a seat in a " (team(id)) " was given" }
            Decider::Unseated(id, _) => { "the seat in a " (team(id)) " was taken" }
        }
    }
}

/// The panel; `on` of the query is the day that is asked about.
///
/// # Errors
/// If the facts cannot be read.
pub(super) async fn panel(req: &Req, person: &Person) -> Result<Markup, HttpError> {
    let reader = &req.app.reader;
    let today = format::local_day(req.now());
    let asked = day_of(req.query("on")).filter(|day| *day <= today);
    let at = asked.map_or(req.now(), |day| format::day_ends(day).min(req.now()));
    let facts = gathered::facts(reader, Some(person.id)).await?;
    let now = access::subscriber_access(facts.as_ref(), req.now());
    let mut then = Vec::new();
    for row in subscriptions::of_account(reader, person.id).await? {
        let entries = subscription_timeline::of(reader, row.id, None).await?;
        let state = state_as_of(&entries, at);
        if state.status().is_some() {
            then.push(Then { access: state.gives_access(), decided: decided(&entries, at), row });
        }
    }
    let day = asked.unwrap_or(today);
    let answer = match asked {
        Some(_) => Some(access_history::as_of(&req.app, person.id, at).await?),
        None => None,
    };
    let told = match &answer {
        Some(answer) => history(req, answer).await?,
        None => html! {},
    };
    Ok(html! {
        section.panel.stack.tight aria-labelledby="access" {
            h2 #access { "What they may watch" }
            p { strong { "Now: " } (now_words(now.reason)) }
            form.row method="get" action=(req.path) {
                (Field::new("on", "On a day").kind("date").value(&day.to_string()).mid().render())
                (button::submit("Ask", Weight::Plain))
            }
            @if asked.is_none() && !req.query("on").is_empty() {
                (notice_text(Tone::Warning, "Enter a day up to today, such as 2026-01-31. What is shown is now."))
            }
            @if let Some(answer) = &answer {
                p { strong { "On " (day_words(day)) ": " } (now_words(answer.decision.reason)) }
                (told)
            }
            @if then.is_empty() { p.dim { "No subscription at that time." } }
            @for one in &then {
                div.stack.tight {
                    p.row {
                        a href={ "/billing/subscriptions/" (one.row.id) @if asked.is_some() { "?as_of=" (day) "#asof" } } { strong { (one.row.plan()) } }
                        @if one.access { (chip(Tone::Success, "Access")) } @else { (chip(Tone::Danger, "No access")) }
                        @if asked.is_none() { (status_chip(&one.row)) }
                    }
                    @if let Some((since, what, why)) = &one.decided {
                        p { "Since " (format::moment(*since)) ": " (what) }
                        @if let Some(why) = why { p.small.dim { (why) } }
                    }
                }
            }
        }
    })
}
