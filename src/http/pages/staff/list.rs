//! `/moderation` and `/billing/people`: everybody, newest first; `/moderation/deletions`.

use super::{BILLING, Desk, MODERATORS};
use crate::actors::accounts::{self, staff};
use crate::domain::deletion_request::Obstacle;
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::{PersonalRef, Role};
use crate::http::error::HttpError;
use crate::http::page::{Page, page};
use crate::http::pages::people::form_errors;
use crate::http::route::Route;
use crate::http::ui::layout::{Place, Theme};
use crate::http::ui::table::{cell, head, table, text};
use crate::http::ui::{
    Column, Icon, Tone, chip, empty, filter, filters, format, page_head, rooms, search_form,
};
use crate::http::{Req, Res};
use crate::projections::deletion_requests::{self, Progress};
use crate::projections::people::{self, Person, Presence};
use chrono::DateTime;
use futures_util::future::try_join_all;
use maud::{Markup, html};
use std::collections::HashMap;
use std::str::FromStr as _;
use strum::IntoEnumIterator as _;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/moderation", MODERATORS, show),
        Route::get("/moderation/deletions", MODERATORS, deletions),
        Route::get("/billing/people", BILLING, show),
    ]
}

/// People on one page.
const PAGE: i64 = 25;
/// People whose names are opened together when one is looked for.
const AT_ONCE: i64 = 1_000;

async fn show(req: Req) -> Result<Res, HttpError> {
    let desk = Desk::of(&req.path);
    let role = Role::from_str(req.query("role")).ok();
    let words = req.query("q").trim().to_owned();
    let (people, more) = if words.is_empty() {
        let mut people = people::page(&req.app.reader, role, before(&req), PAGE + 1).await?;
        let more = people.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
        people.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
        (people, more)
    } else {
        (search(&req, role, &words).await?, false)
    };
    let reader = req.account()?.id;
    let scope = desk.scope("list");
    // What is shown is recorded first; without the record nothing is shown.
    let records = people.iter().map(|p| staff::record_read(&req.app, req.meta(), reader, p.id, &scope));
    if let Err(error) = try_join_all(records).await {
        form_errors(error)?;
        return Err(HttpError::busy());
    }
    let names = open(&req, &people).await?;
    let body = body(&req, desk, role, &words, &people, &names, more);
    Ok(page(
        &req,
        Page {
            title: "People".into(),
            section: desk.label().into(),
            theme: Theme::Desk,
            private: true,
            body: html! { div.page { (rooms(desk.label(), &desk.places(), desk.people(), &body)) } },
            ..Page::default()
        },
    ))
}

fn body(
    req: &Req,
    desk: Desk,
    role: Option<Role>,
    words: &str,
    people: &[Person],
    names: &HashMap<PersonalRef, String>,
    more: bool,
) -> Markup {
    let base = desk.people();
    let columns = [
        Column::new("Name"),
        Column::new("Mail"),
        Column::new("State"),
        Column::new("Roles"),
        Column::new("Since"),
    ];
    let opened = |r: &Option<PersonalRef>| r.as_ref().and_then(|r| names.get(r)).cloned();
    let rows: Vec<Vec<Markup>> = people
        .iter()
        .map(|p| {
            let name = opened(&p.display_name).unwrap_or_else(|| "Deleted account".into());
            let roles = p.roles.0.iter().map(|r| r.label()).collect::<Vec<_>>().join(", ");
            vec![
                head(&html! { a href=(desk.person(p.id)) { (name) } }),
                text(&opened(&p.mail).unwrap_or_else(|| "—".into())),
                cell(&state(p)),
                text(if roles.is_empty() { "Member" } else { &roles }),
                cell(&format::date(p.registered_at)),
            ]
        })
        .collect();
    let chips: Vec<Markup> = Role::iter()
        .filter(|r| *r != Role::Member && (role.is_none() || role == Some(*r)))
        .map(|r| match role {
            Some(r) => filter("Role", Some(r.label()), base),
            None => filter(r.label(), None, &format!("{base}?role={r}")),
        })
        .collect();
    let next = people.last().filter(|_| more).map(|last| {
        let role = role.map(|r| format!("&role={r}")).unwrap_or_default();
        format!("{base}?before={}_{}{role}", last.registered_at.timestamp_micros(), last.id)
    });
    html! {
        (page_head("People", Some("Whom you open here is noted on the person's account."), None))
        (search_form(base, "Part of a name, user name or mail address", words))
        (filters(&chips, None))
        @if rows.is_empty() {
            (empty(Icon::Search, "Nobody found", "Try the whole mail address, or another part of the name.", Some(&Place::new("Show everybody", base))))
        } @else {
            (table("People", &columns, &rows))
        }
        @if !req.query("before").is_empty() || next.is_some() {
            nav.paging aria-label="Pages" {
                @if !req.query("before").is_empty() { a href=(base) { "Newest" } }
                @if let Some(next) = next { a href=(next) rel="next" { "Older" } }
            }
        }
    }
}

/// How an account stands, as a small word.
pub(super) fn state(person: &Person) -> Markup {
    if person.waiting && !person.suspended && person.presence == Presence::Open {
        return chip(Tone::Warning, "Waits for approval");
    }
    match (person.presence, person.suspended, person.confirmed) {
        (Presence::Erased, ..) => chip(Tone::Plain, "Deleted"),
        (Presence::Hidden, ..) => chip(Tone::Warning, "Leaving"),
        (_, true, _) => match person.suspended_until {
            Some(end) => chip(Tone::Danger, &format!("Suspended until {}", day_words(end.date_naive()))),
            None => chip(Tone::Danger, "Suspended"),
        },
        (_, _, false) => chip(Tone::Plain, "Not confirmed"),
        _ => chip(Tone::Success, "Open"),
    }
}

async fn search(req: &Req, role: Option<Role>, words: &str) -> Result<Vec<Person>, HttpError> {
    if let Some(id) = accounts::find(&req.app, words).await? {
        return Ok(people::by_id(&req.app.reader, id).await?.into_iter().collect());
    }
    // Names lie sealed in the vault: they are looked through in memory, everybody's, until a page is full.
    let words = words.to_lowercase();
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let mut some = people::page(&req.app.reader, role, before, AT_ONCE).await?;
        let Some(last) = some.last() else { break };
        before = Some((last.registered_at, last.id));
        some.retain(|p| p.presence != Presence::Erased);
        let wanted: Vec<PersonalRef> = some.iter().flat_map(sought).cloned().collect();
        let names = req.app.reader.open_many(&wanted).await?;
        let has = |r: &PersonalRef| names.get(r).is_some_and(|n| n.to_lowercase().contains(&words));
        found.extend(some.into_iter().filter(|p| sought(p).any(has)));
        if found.len() >= most {
            break;
        }
    }
    found.truncate(most);
    Ok(found)
}

/// What staff look for of a person.
fn sought(person: &Person) -> impl Iterator<Item = &PersonalRef> {
    [&person.display_name, &person.username, &person.mail].into_iter().flatten()
}

async fn open(req: &Req, people: &[Person]) -> Result<HashMap<PersonalRef, String>, HttpError> {
    let wanted: Vec<PersonalRef> =
        people.iter().flat_map(|p| [&p.display_name, &p.mail]).flatten().cloned().collect();
    Ok(req.app.reader.open_many(&wanted).await?)
}

fn before(req: &Req) -> Option<(DateTime<chrono::Utc>, Uuid)> {
    let (at, id) = req.query("before").split_once('_')?;
    Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id.parse().ok()?))
}

/// Requests carry ids and dates only, so looking at them needs no record.
async fn deletions(req: Req) -> Result<Res, HttpError> {
    let requests = deletion_requests::newest(&req.app.reader, 100).await?;
    let columns = [Column::new("Account"), Column::new("State"), Column::new("Asked"), Column::new("Due")];
    let rows: Vec<Vec<Markup>> = requests
        .iter()
        .map(|r| {
            let due = r.due <= req.now();
            let state = match r.progress {
                Progress::Requested if due && !r.obstacles.is_empty() => {
                    chip(Tone::Danger, &blocked(&r.obstacles))
                }
                Progress::Requested => chip(Tone::Warning, "Waiting"),
                Progress::Withdrawn => chip(Tone::Plain, "Withdrawn"),
                Progress::Executing => chip(Tone::Info, "Being carried out"),
                Progress::Completed => chip(Tone::Success, "Completed"),
            };
            vec![
                head(&html! { a.mono href=(Desk::Moderation.person(r.account)) { (r.account) } }),
                cell(&state),
                cell(&format::date(r.requested_at)),
                cell(&format::date(r.due)),
            ]
        })
        .collect();
    let desk = Desk::Moderation;
    let content = html! {
        (page_head("Deletion requests", Some("Carried out by the daily run when their time has come and nothing stands in the way."), None))
        @if rows.is_empty() {
            (empty(Icon::Info, "No requests", "When somebody asks to be forgotten it stands here.", None))
        } @else {
            (table("Deletion requests", &columns, &rows))
        }
    };
    Ok(page(
        &req,
        Page {
            title: "Deletion requests".into(),
            section: desk.label().into(),
            theme: Theme::Desk,
            private: true,
            body: html! { div.page { (rooms(desk.label(), &desk.places(), "/moderation/deletions", &content)) } },
            ..Page::default()
        },
    ))
}

fn blocked(obstacles: &[Obstacle]) -> String {
    let words: Vec<&str> = obstacles
        .iter()
        .map(|o| match o {
            Obstacle::LiveSubscription(_) => "live subscription",
            Obstacle::StaffRole => "staff role",
            Obstacle::PublishedWorks(_) => "published works",
            Obstacle::OpenCredit => "credit not paid out",
        })
        .collect();
    format!("Blocked: {}", words.join(", "))
}
