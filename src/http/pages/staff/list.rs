//! `/moderation` and `/billing/people`: everybody, newest first; `/moderation/deletions`.

use super::{BILLING, Desk, MODERATORS};
use crate::actors::accounts::{self, staff};
use crate::domain::deletion_request::Obstacle;
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::{PersonalRef, Role};
use crate::http::error::HttpError;
use crate::http::listing::{kept, page_number, pages, sort, sortable, with};
use crate::http::page::{Page, page};
use crate::http::pages::billing::exports::{self, FileKind, PART};
use crate::http::pages::people::form_errors;
use crate::http::route::Route;
use crate::http::ui::button::{Weight, link_small};
use crate::http::ui::layout::{Place, Theme};
use crate::http::ui::table::{cell, head, table, text};
use crate::http::ui::{
    Column, Icon, Tone, chip, empty, filter, filters, format, page_head, rooms, search_form,
};
use crate::http::{Req, Res};
use crate::projections::deletion_requests::{self, Progress};
use crate::projections::people::{self, Person, Presence};
use crate::projections::sorting::{Sort, SortColumn};
use crate::projections::{QueryError, Reader};
use chrono::DateTime;
use futures_util::future::try_join_all;
use maud::{Markup, html};
use std::collections::{BTreeSet, HashMap};
use std::str::FromStr as _;
use std::sync::Arc;
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
    // Nobody has a role that there is not.
    let strange = role.is_none() && !req.query("role").is_empty();
    let words = req.query("q").trim().to_owned();
    if let Some(kind) = FileKind::asked(&req) {
        exports::known(&req, "role", Role::iter().map(<&'static str>::from))?;
        return export(&req, kind, role, words).await;
    }
    let by = sort(&req, SORTS);
    let mut below = html! {};
    let (people, more) = if strange {
        (Vec::new(), false)
    } else if words.is_empty()
        && let Some(by) = by
    {
        let number = page_number(&req);
        let (people, total) = match people::SORTS.iter().any(|(name, _)| *name == by.name) {
            true => people::sorted(&req.app.reader, role, Some(by), (number - 1) * PAGE, PAGE).await?,
            false => by_text(&req, role, by, number).await?,
        };
        below = pages(&req, number, PAGE, people.len(), total);
        (people, false)
    } else if words.is_empty() {
        let mut people = people::page(&req.app.reader, role, before(&req), PAGE + 1).await?;
        let more = people.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
        people.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
        (people, more)
    } else {
        search(&req, role, &words).await?
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
    let body = html! { (body(&req, desk, (role, by), &words, &people, &names, more)) (below) };
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
    (role, by): (Option<Role>, Option<Sort>),
    words: &str,
    people: &[Person],
    names: &HashMap<PersonalRef, String>,
    more: bool,
) -> Markup {
    let base = desk.people();
    let mut columns =
        [("name", "Name"), ("mail", "Mail"), ("state", "State"), ("roles", "Roles"), ("since", "Since")]
            .map(|(name, label)| (name, Column::new(label)));
    // What was searched for comes as it is found, newest first.
    if words.is_empty() {
        columns = columns.map(|(name, column)| (name, sortable(req, by, name, column)));
    }
    let columns = columns.map(|(_, column)| column);
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
            Some(r) => filter("Role", Some(r.label()), &with(req, "role", None)),
            None => filter(r.label(), None, &with(req, "role", Some(r.into()))),
        })
        .collect();
    let next = people.last().filter(|_| more).map(|last| {
        let place = format!("{}_{}", last.registered_at.timestamp_micros(), last.id);
        with(req, "before", Some(&place))
    });
    let acts = html! {
        (link_small("Export CSV", &with(req, "format", Some("csv")), Weight::Plain))
        (link_small("Export JSON Lines", &with(req, "format", Some("jsonl")), Weight::Quiet))
    };
    html! {
        (page_head("People", Some("Whom you open here is noted on the person's account."), Some(&acts)))
        (search_form(base, "Part of a name, user name or mail address", words, &kept(req, &["q", "sort"])))
        (filters(&chips, None))
        @if rows.is_empty() {
            (empty(Icon::Search, "Nobody found", "Try the whole mail address, or another part of the name.", Some(&Place::new("Show everybody", base))))
        } @else {
            (table("People", &columns, &rows))
        }
        @if !req.query("before").is_empty() || next.is_some() {
            nav.paging aria-label="Pages" {
                @if !req.query("before").is_empty() { a href=(with(req, "before", None)) { "Newest" } }
                @if let Some(next) = next { a href=(next) rel="next" { "Older" } }
            }
        }
    }
}

/// What the list can be sorted by: what lies open, and names and addresses, which lie sealed.
const SORTS: &[SortColumn] =
    &[("name", &[]), ("mail", &[]), people::SORTS[0], people::SORTS[1], people::SORTS[2]];

/// A page of people in the order of their names or addresses: all are opened in memory, as for a search.
async fn by_text(
    req: &Req,
    role: Option<Role>,
    by: Sort,
    number: i64,
) -> Result<(Vec<Person>, i64), HttpError> {
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let some = people::page(&req.app.reader, role, before, AT_ONCE).await?;
        let Some(last) = some.last() else { break };
        before = Some((last.registered_at, last.id));
        let names = open(req, &some).await?;
        all.extend(some.iter().map(|p| {
            let text = if by.name == "mail" { &p.mail } else { &p.display_name };
            let text = text.as_ref().and_then(|r| names.get(r)).map(|t| t.to_lowercase());
            // Who has none comes last, either way.
            (text.is_none(), text, p.id)
        }));
    }
    all.sort_unstable_by(|a, b| {
        let texts = if by.rises { a.1.cmp(&b.1) } else { b.1.cmp(&a.1) };
        a.0.cmp(&b.0).then(texts).then(a.2.cmp(&b.2))
    });
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let first = usize::try_from((number - 1) * PAGE).unwrap_or(usize::MAX);
    let mut page = Vec::new();
    for (_, _, id) in all.into_iter().skip(first).take(usize::try_from(PAGE).unwrap_or(usize::MAX)) {
        page.extend(people::by_id(&req.app.reader, id).await?);
    }
    Ok((page, total))
}

const NAMES: [&str; 8] = [
    "account",
    "registered_at",
    "confirmed",
    "suspended",
    "suspended_until",
    "presence",
    "roles",
    "complimentary",
];

fn cells(p: &Person) -> Vec<String> {
    let presence = match p.presence {
        Presence::Open => "open",
        Presence::Hidden => "leaving",
        Presence::Erased => "erased",
    };
    let roles: Vec<&str> = p.roles.0.iter().map(|r| <&str>::from(*r)).collect();
    vec![
        p.id.to_string(),
        p.registered_at.to_rfc3339(),
        p.confirmed.to_string(),
        p.suspended.to_string(),
        p.suspended_until.map(|t| t.to_rfc3339()).unwrap_or_default(),
        presence.into(),
        roles.join(" "),
        p.complimentary.is_some().to_string(),
    ]
}

/// The list as a file. As with every file of a desk it holds no personal value: a name is opened on a page, and noted.
async fn export(req: &Req, kind: FileKind, role: Option<Role>, words: String) -> Result<Res, HttpError> {
    // As on the page, whole words lead to the one whose they are.
    if !words.is_empty()
        && let Some(id) = accounts::find(&req.app, &words).await?
    {
        let found: Vec<Vec<String>> = people::by_id(&req.app.reader, id).await?.iter().map(cells).collect();
        return Ok(exports::whole("people", kind, &NAMES, found));
    }
    let (app, words) = (Arc::clone(&req.app), words.to_lowercase());
    Ok(exports::send("people", kind, &NAMES, move |last| {
        let (app, words) = (Arc::clone(&app), words.clone());
        async move {
            let rows = people::page(&app.reader, role, last, PART).await?;
            let (all, next) = exports::part(&rows, cells, |p| (p.registered_at, p.id));
            if words.is_empty() {
                return Ok((all, next));
            }
            let found = called(&app.reader, rows, &words).await?;
            Ok((found.iter().map(cells).collect(), next))
        }
    }))
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
            Some(end) => {
                chip(Tone::Danger, &format!("Suspended until {}", day_words(format::local_day(end))))
            }
            None => chip(Tone::Danger, "Suspended"),
        },
        (_, _, false) => chip(Tone::Plain, "Not confirmed"),
        _ => chip(Tone::Success, "Open"),
    }
}

/// A page of those who are looked for, from where the one before ended, and whether there are more.
async fn search(req: &Req, role: Option<Role>, words: &str) -> Result<(Vec<Person>, bool), HttpError> {
    if let Some(id) = accounts::find(&req.app, words).await? {
        return Ok((people::by_id(&req.app.reader, id).await?.into_iter().collect(), false));
    }
    // Names lie sealed in the vault: they are looked through in memory, everybody's, until a page is full.
    let words = words.to_lowercase();
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let (mut found, mut before) = (Vec::new(), before(req));
    while found.len() <= most {
        let some = people::page(&req.app.reader, role, before, AT_ONCE).await?;
        let Some(last) = some.last() else { break };
        before = Some((last.registered_at, last.id));
        found.extend(called(&req.app.reader, some, &words).await?);
    }
    let more = found.len() > most;
    found.truncate(most);
    Ok((found, more))
}

/// Those in whose name, user name or address the words stand, which are in small letters.
async fn called(reader: &Reader, mut some: Vec<Person>, words: &str) -> Result<Vec<Person>, QueryError> {
    some.retain(|p| p.presence != Presence::Erased);
    let wanted: Vec<PersonalRef> = some.iter().flat_map(sought).cloned().collect();
    let names = reader.open_many(&wanted).await?;
    let has = |r: &PersonalRef| names.get(r).is_some_and(|n| n.to_lowercase().contains(words));
    some.retain(|p| sought(p).any(has));
    Ok(some)
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

/// Requests carry ids and dates only; whose name is shown beside one is recorded as read.
async fn deletions(req: Req) -> Result<Res, HttpError> {
    let requests = deletion_requests::newest(&req.app.reader, 100).await?;
    let here = requests.iter().filter(|r| r.progress != Progress::Completed);
    let accounts: Vec<Uuid> = here.map(|r| r.account).collect::<BTreeSet<_>>().into_iter().collect();
    let names = people::display_names(&req.app.reader, &accounts).await?;
    let me = req.account()?.id;
    let scope = Desk::Moderation.scope("deletions");
    let records = names.keys().map(|id| staff::record_read(&req.app, req.meta(), me, *id, &scope));
    if let Err(error) = try_join_all(records).await {
        form_errors(error)?;
        return Err(HttpError::busy());
    }
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
                head(&html! { a href=(Desk::Moderation.person(r.account)) {
                    @match names.get(&r.account) { Some(name) => (name), None => span.mono { (r.account) } }
                } }),
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
            Obstacle::OwedMoney => "money that is owed",
            Obstacle::UnpaidGift(_) => "gift not paid",
        })
        .collect();
    format!("Blocked: {}", words.join(", "))
}
