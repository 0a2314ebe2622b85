//! `GET /billing/subscriptions/{id}`: where it stands and why, its whole story in words with the
//! events as recorded folded away; the story as CSV and JSON Lines.

use super::parts::{day, desk, money, names, person, status};
use super::sentences::{self, Said};
use super::{BILLING, export};
use crate::actors::bus::Actor;
use crate::domain::subscription::Status;
use crate::http::error::HttpError;
use crate::http::request::Req;
use crate::http::response::Res;
use crate::http::route::Route;
use crate::http::ui::button::link_small;
use crate::http::ui::table::facts;
use crate::http::ui::{
    Moment, Place, Tone, Weight, crumbs, filter, filters, format, notice, page_head, timeline,
};
use crate::projections::subscription_timeline::{self as story, Entry};
use crate::projections::subscriptions::{self, SubscriptionRow};
use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

/// The addresses of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/subscriptions/{id}", BILLING, show),
        Route::get("/billing/subscriptions/{id}/log.csv", BILLING, csv),
        Route::get("/billing/subscriptions/{id}/log.jsonl", BILLING, jsonl),
    ]
}

/// Groups of the timeline: value of the filter, its words, categories of events.
const GROUPS: [(&str, &str); 3] =
    [("subscription", "subscription"), ("order", "orders and payments"), ("invoice_series", "invoices")];

async fn find(req: &Req) -> Result<(SubscriptionRow, Vec<Entry>), HttpError> {
    let id = req.id_param("id")?;
    let row = subscriptions::one(&req.app.reader, id).await?.ok_or(HttpError::NotFound)?;
    let entries = story::of(&req.app.reader, id, None).await?;
    Ok((row, entries))
}

/// The end of the day that `as_of` names.
fn as_of(req: &Req) -> Option<DateTime<Utc>> {
    let day: NaiveDate = req.query("as_of").parse().ok()?;
    Some(day.succ_opt()?.and_hms_opt(0, 0, 0)?.and_utc())
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let (row, entries) = find(&req).await?;
    let path = format!("/billing/subscriptions/{}", row.id);
    let mut people: Vec<Uuid> = entries
        .iter()
        .filter_map(|entry| if let Actor::Account(id) = &entry.actor { Some(*id) } else { None })
        .collect();
    people.push(row.owner);
    let names = names(&req, &people).await?;
    let group = GROUPS.iter().find(|(value, _)| *value == req.query("kind"));
    let shown: Vec<&Entry> = entries
        .iter()
        .rev()
        .filter(|entry| group.is_none_or(|(value, _)| entry.category == *value))
        .collect();
    let moments: Vec<Moment> = shown.iter().map(|entry| moment(entry, &entries, &names, row.owner)).collect();
    let chips: Vec<Markup> = match group {
        Some((_, words)) => vec![filter("Only", Some(words), &path)],
        None => {
            GROUPS.iter().map(|(value, words)| filter(words, None, &format!("{path}?kind={value}"))).collect()
        }
    };
    let downloads = html! {
        (link_small("Export CSV", &format!("{path}/log.csv"), Weight::Plain))
        (link_small("Export JSON Lines", &format!("{path}/log.jsonl"), Weight::Plain))
    };
    let content = html! {
        (crumbs(&[Place::new("Subscriptions", "/billing/subscriptions")], &row.plan()))
        (page_head(&row.plan(), None, Some(&downloads)))
        (why(&row, &entries))
        (facts(&[
            ("Member", person(&names, row.owner)),
            ("Status", status(row.status)),
            ("Price", html! { (money(row.price())) @if let Some(terms) = row.state.terms() { ", " (terms.interval.adjective()) } }),
            ("Joined", day(Some(row.joined_at))),
            ("Paid until", day(row.state.paid_up_to())),
            ("Next act of the clock", day(row.state.look_at())),
            ("Ended", day(row.ended_at)),
            ("Number", html! { span.mono { (row.id) } }),
        ]))
        (then(&req, &path, &entries))
        section.stack {
            h2 { "What happened" }
            (filters(&chips, group.map(|_| path.as_str())))
            (timeline(&moments))
        }
    };
    Ok(desk(&req, &row.plan(), &content))
}

/// The reason for where it stands: the last event that made it so.
fn why(row: &SubscriptionRow, entries: &[Entry]) -> Markup {
    let tone = match row.status {
        Status::Active => Tone::Success,
        Status::PendingCancellation => Tone::Warning,
        Status::OnHold => Tone::Danger,
        Status::Cancelled | Status::Expired => Tone::Info,
    };
    let decisive = entries.iter().rev().find(|entry| sentences::is_decisive(entry));
    html! {
        @if let Some(entry) = decisive {
            @let said = sentences::say(entry);
            (notice(tone, &html! { p { strong { (said.what) } } @if !said.detail.is_empty() { p { (said.detail) } } p.small { (format::moment(entry.effective_at)) } }))
        }
    }
}

/// What was true at the end of a day.
fn then(req: &Req, path: &str, entries: &[Entry]) -> Markup {
    let asked = as_of(req);
    let state = asked.map(|at| story::state_as_of(entries, at));
    html! {
        section.stack {
            h2 { "As of a date" }
            form.row method="get" action=(path) {
                label for="as_of" { "What was true at the end of" }
                input.input.mid id="as_of" type="date" name="as_of" value=(req.query("as_of"));
                (crate::http::ui::button::submit_small("Show that day", Weight::Plain))
            }
            @if let Some(state) = state {
                @match state.status() {
                    None => p { "Nobody had joined yet." },
                    Some(then) => p { (status(then)) " Paid until " (day(state.paid_up_to())) @if let Some(order) = state.open_order() { ", with an open order that was due on " (format::day(order.due_on)) } "." },
                }
            } @else if !req.query("as_of").is_empty() {
                p.error-text { "Enter a date such as 2026-11-21." }
            }
        }
    }
}

fn moment(entry: &Entry, all: &[Entry], names: &HashMap<Uuid, String>, owner: Uuid) -> Moment {
    let Said { what, detail, tone } = sentences::say(entry);
    let cause = entry.caused_by.and_then(|position| all.iter().find(|other| other.position == position));
    let detail = html! {
        @if !detail.is_empty() { p { (detail) } }
        p.small {
            "By " (actor(entry, names, owner))
            @if let Some(cause) = cause { ", because: " (sentences::say(cause).what) }
            @if (entry.recorded_at - entry.effective_at).num_seconds().abs() > 60 { ". Recorded " (format::moment(entry.recorded_at)) }
        }
    };
    let raw = serde_json::json!({
        "position": entry.position, "type": entry.kind, "stream": format!("{}-{}", entry.category, entry.subject),
        "effective_at": entry.effective_at, "recorded_at": entry.recorded_at, "payload": entry.payload,
    });
    Moment {
        at: entry.effective_at,
        what,
        detail: Some(detail),
        tone,
        raw: serde_json::to_string_pretty(&raw).ok(),
    }
}

fn actor(entry: &Entry, names: &HashMap<Uuid, String>, owner: Uuid) -> String {
    match (&entry.actor, &entry.run) {
        (_, Some((job, slot))) => format!("the scheduled run {job} of {}", format::moment_text(*slot)),
        (Actor::Account(id), _) if *id == owner => "the member".into(),
        (Actor::Account(id), _) => names.get(id).cloned().unwrap_or_else(|| "an erased account".into()),
        (Actor::System(part), _) => part.clone(),
        (Actor::Visitor, _) => "a visitor".into(),
    }
}

fn who(entry: &Entry) -> String {
    match &entry.actor {
        Actor::Account(id) => id.to_string(),
        Actor::System(part) => part.clone(),
        Actor::Visitor => "visitor".into(),
    }
}

async fn csv(req: Req) -> Result<Res, HttpError> {
    let (row, entries) = find(&req).await?;
    let head = [
        "position",
        "stream",
        "type",
        "effective_at",
        "recorded_at",
        "actor",
        "run",
        "caused_by",
        "what",
        "detail",
        "payload",
    ];
    let lines = entries.iter().map(|entry| {
        let said = sentences::say(entry);
        vec![
            entry.position.to_string(),
            format!("{}-{}", entry.category, entry.subject),
            entry.kind.clone(),
            entry.effective_at.to_rfc3339(),
            entry.recorded_at.to_rfc3339(),
            who(entry),
            entry.run.as_ref().map(|(job, slot)| format!("{job} {}", slot.to_rfc3339())).unwrap_or_default(),
            entry.caused_by.map(|position| position.to_string()).unwrap_or_default(),
            said.what,
            said.detail,
            entry.payload.to_string(),
        ]
    });
    export::csv(&format!("subscription-{}.csv", row.id), &head, lines)
}

async fn jsonl(req: Req) -> Result<Res, HttpError> {
    let (row, entries) = find(&req).await?;
    let mut text = String::new();
    for entry in &entries {
        let line = serde_json::json!({
            "position": entry.position, "stream": format!("{}-{}", entry.category, entry.subject), "type": entry.kind,
            "effective_at": entry.effective_at, "recorded_at": entry.recorded_at, "actor": who(entry),
            "caused_by": entry.caused_by, "followed_by": entry.followed_by, "payload": entry.payload,
        });
        text.push_str(&line.to_string());
        text.push('\n');
    }
    Ok(export::download(&format!("subscription-{}.jsonl", row.id), "application/jsonl; charset=utf-8", text))
}
