//! `/billing/approvals`: what waits for a second person, and one such request.

use super::exports::{self, FileKind, PART};
use super::subscription_acts::with_reason;
use super::{BILLING, PAGE, desk, names, page_number, pages, person};
use crate::actors::approvals as second;
use crate::actors::bus::{CommandError, Envelope, Metadata};
use crate::domain::approval::{Act, Approval, ApprovalCommand, ApprovalState};
use crate::domain::shared::{AccountId, PersonalValue};
use crate::http::error::HttpError;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::submit_as;
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, text};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, chip, empty, facts, form_of_acts, format, notice, page_head,
    table,
};
use crate::http::{Form, Req, Res};
use crate::projections::{approvals, refunds};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use std::sync::Arc;
use uuid::Uuid;

const HERE: &str = "/billing/approvals";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, BILLING, list),
        Route::get("/billing/approvals/{id}", BILLING, show),
        Route::post("/billing/approvals/{id}", BILLING, act),
    ]
}

/// Lays `what` down for a second person if it is above what one may decide alone, and leads to the request;
/// none: it is not, and may be done.
///
/// # Errors
/// What is wrong with it, for the form to be shown again; or that nothing could be found out.
pub(in crate::http::pages) async fn ask(
    req: &Req,
    form: &Form,
    (account, subscription): (AccountId, Option<Uuid>),
    what: Act,
    (meta, reason): (Metadata, PersonalValue),
) -> Result<Option<Result<Res, Errors>>, HttpError> {
    let Some(bound) = second::above(&req.app, account, &what, req.now()).await? else {
        return Ok(None);
    };
    if let Err(words) = second::possible(&req.app, account, &what, req.now()).await? {
        let field = match &what {
            Act::MarkPaid { .. } | Act::PayOutCredit { .. } => "amount",
            Act::Extend { .. } => "days",
            _ => "",
        };
        return Ok(Some(Err(Errors::one(field, words))));
    }
    let id = req.command_id(form);
    let request = second::Request { act: what, bound, account, subscription, by: req.account()?.id };
    match second::ask(&req.app, id, (meta, reason), request).await {
        Ok(receipt) => Ok(Some(Ok(after(receipt, &format!("{HERE}/{}", second::request_id(id)))))),
        Err(CommandError::Refused(why)) => Ok(Some(Err(Errors::one("", why.to_string())))),
        Err(other) => Err(other.into()),
    }
}

/// What waits and would give something to `account`, for the pages about it.
pub(in crate::http::pages) async fn waiting(req: &Req, account: AccountId) -> Result<Markup, HttpError> {
    let open = approvals::waiting_for(&req.app.reader, account, req.now()).await?;
    Ok(html! {
        @for one in &open {
            (notice(Tone::Warning, &html! { p { "Waits for a second person: " a href={ (HERE) "/" (one.id()) } { (words(one)) } "." } }))
        }
    })
}

fn words(one: &Approval) -> String {
    one.act().map(|act| act.words(format::zone())).unwrap_or_default()
}

fn state(one: &Approval, now: DateTime<Utc>) -> Markup {
    let over = one.open_between().is_some_and(|(_, end)| now >= end);
    match one.state() {
        ApprovalState::Waiting if over => chip(Tone::Plain, "Lapsed"),
        ApprovalState::Waiting => chip(Tone::Warning, "Waits for a second person"),
        ApprovalState::Agreed => chip(Tone::Info, "Agreed to"),
        ApprovalState::Done => chip(Tone::Success, "Done"),
        ApprovalState::Failed => chip(Tone::Danger, "Not possible any more"),
        ApprovalState::Refused if one.decided().is_some_and(|(by, _)| by == one.asked_by()) => {
            chip(Tone::Plain, "Taken back")
        }
        ApprovalState::Refused => chip(Tone::Plain, "Turned down"),
        ApprovalState::Lapsed | ApprovalState::Absent => chip(Tone::Plain, "Lapsed"),
    }
}

/// One line of a list: what, for whom, who asks, when it is or was over, where it stands.
struct Line {
    to: String,
    what: String,
    account: AccountId,
    asked_by: AccountId,
    time: Option<DateTime<Utc>>,
    state: Markup,
}

async fn list(req: Req) -> Result<Res, HttpError> {
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(&req, &[])?;
        return Ok(export(&req, kind));
    }
    let (reader, now) = (&req.app.reader, req.now());
    let line = |one: &Approval, time| Line {
        to: format!("{HERE}/{}", one.id()),
        what: words(one),
        account: one.account(),
        asked_by: one.asked_by(),
        time,
        state: state(one, now),
    };
    let mut open: Vec<Line> = approvals::waiting(reader, now)
        .await?
        .iter()
        .map(|one| line(one, one.open_between().map(|(_, end)| end)))
        .collect();
    let (proposed, _) = refunds::list(reader, Some("proposed"), 0, 500).await?;
    open.extend(proposed.into_iter().filter(|r| r.lapses_at.is_none_or(|end| end > now)).map(|r| Line {
        to: format!("/billing/refunds/{}", r.refund),
        what: format!("Give {} back for order {}", r.amount, r.number),
        account: r.account,
        asked_by: r.asked_by,
        time: r.lapses_at,
        state: chip(Tone::Warning, "Waits for a second person"),
    }));
    open.sort_by_key(|l| l.time.unwrap_or(DateTime::<Utc>::MAX_UTC));
    let page = page_number(&req);
    let (past, total) = approvals::decided(reader, now, (page - 1) * PAGE, PAGE).await?;
    let past: Vec<Line> = past.iter().map(|one| line(one, one.decided().map(|(_, at)| at))).collect();
    let people: Vec<AccountId> = open.iter().chain(&past).flat_map(|l| [l.account, l.asked_by]).collect();
    let names = names(&req, &people, "billing-approvals").await?;
    let rows = |lines: &[Line]| -> Vec<Vec<Markup>> {
        lines
            .iter()
            .map(|l| {
                vec![
                    head(&html! { a href=(l.to) { (l.what) } }),
                    cell(&person(&names, l.account)),
                    cell(&person(&names, l.asked_by)),
                    l.time.map_or_else(|| text("—"), |t| cell(&format::moment(t))),
                    cell(&l.state),
                ]
            })
            .collect()
    };
    let columns = |time| {
        [
            Column::new("What"),
            Column::new("For"),
            Column::new("Asked by"),
            Column::new(time),
            Column::new("State"),
        ]
    };
    let saved = exports::files(&req);
    let content = html! {
        (page_head("Approvals", Some("What gives money or time away, or says that money came, above what one person may decide alone."), Some(&saved)))
        @if open.is_empty() {
            (empty(Icon::Info, "Nothing waits for a second person", "Acts above the limits appear here until a colleague agrees, or they lapse.", None))
        } @else {
            (table("Waits for a second person", &columns("Lapses"), &rows(&open)))
        }
        @if total > 0 {
            h2 { "Decided" }
            (table("Decided requests", &columns("Decided"), &rows(&past)))
            (pages(&req, page, past.len(), total))
        }
        p.small.dim { "Refunds that wait are among the first list; all of them, with who agreed, are under " a href="/billing/refunds" { "refunds" } " and in their own export." }
    };
    Ok(desk(&req, "Approvals", &Errors::none(), &content))
}

const NAMES: [&str; 13] = [
    "request",
    "act",
    "what",
    "account",
    "subscription",
    "asked_by",
    "asked_at",
    "above",
    "lapses_at",
    "state",
    "decided_by",
    "decided_at",
    "not_possible_because",
];

/// What was asked and decided, without the reasons: those are sealed with the people they are about.
fn cells(one: &Approval, now: DateTime<Utc>) -> Vec<String> {
    let (asked_at, lapses_at) = one.open_between().unwrap_or_default();
    let lapsed = one.state() == ApprovalState::Waiting && now >= lapses_at;
    let state: &'static str = if lapsed { ApprovalState::Lapsed } else { one.state() }.into();
    let decided = one.decided().filter(|(by, _)| !by.is_nil());
    vec![
        one.id().to_string(),
        one.act().map(|act| act.kind().to_owned()).unwrap_or_default(),
        words(one),
        one.account().to_string(),
        one.subscription().map(|id| id.to_string()).unwrap_or_default(),
        one.asked_by().to_string(),
        asked_at.to_rfc3339(),
        one.bound().map(|bound| bound.words()).unwrap_or_default(),
        lapses_at.to_rfc3339(),
        state.to_owned(),
        decided.map(|(by, _)| by.to_string()).unwrap_or_default(),
        decided.map(|(_, at)| at.to_rfc3339()).unwrap_or_default(),
        one.why().unwrap_or_default().to_owned(),
    ]
}

fn export(req: &Req, kind: FileKind) -> Res {
    let (app, now) = (Arc::clone(&req.app), req.now());
    exports::send("approvals", kind, &NAMES, move |last| {
        let app = Arc::clone(&app);
        async move {
            let rows = approvals::after(&app.reader, last, PART).await?;
            Ok(exports::part(&rows, |(_, one)| cells(one, now), |(position, _)| *position))
        }
    })
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let one = approvals::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let mut people = vec![one.account(), one.asked_by()];
    people.extend(one.decided().map(|(by, _)| by).filter(|by| !by.is_nil()));
    let names = names(req, &people, "billing-approval").await?;
    let reason = match one.reason() {
        Some(reason) => req.app.reader.open(reason).await?,
        None => None,
    };
    let matter = match (one.act(), one.subscription()) {
        (Some(Act::MarkPaid { order, .. } | Act::ConfirmCharge { order, .. }), _) => {
            html! { a href={ "/billing/orders/" (order) } { "its order" } }
        }
        (Some(Act::PayOutCredit { .. }), _) => {
            html! { a href={ "/billing/credits/" (one.account()) } { "the credit" } }
        }
        (Some(Act::Merge { into, .. }), _) => {
            html! { "the account that is kept: " a href={ "/billing/people/" (into) } { "its page" } }
        }
        (_, Some(id)) => html! { a href={ "/billing/subscriptions/" (id) } { "its subscription" } },
        _ => html! { "the account" },
    };
    let (asked_at, lapses_at) = one.open_between().unwrap_or_default();
    let own = req.account()?.id == one.asked_by();
    let waits = one.state() == ApprovalState::Waiting && req.now() < lapses_at;
    let content = html! {
        (crumbs(&[Place::new("Approvals", HERE)], "Request"))
        (page_head(&words(&one), None, None))
        section.panel {
            div.row.apart { p { "For " (person(&names, one.account())) ", about " (matter) } (state(&one, req.now())) }
            (facts(&[
                ("Asked by", html! { (person(&names, one.asked_by())) ", " (format::moment(asked_at)) }),
                ("Reason", html! { (reason.as_deref().unwrap_or("(erased with the account)")) }),
                ("Above", html! { (one.bound().map(|b| b.words()).unwrap_or_default()) ", which one person may decide" }),
                ("Lapses", format::moment(lapses_at)),
                ("Decided by", html! { @match one.decided() { Some((by, at)) if !by.is_nil() => { (person(&names, by)) ", " (format::moment(at)) }, _ => "nobody" } }),
            ]))
            @if let Some(why) = one.why() { p { "It could not be done: " (why) } }
        }
        @if waits { (acts(req, &one, own, form, errors)) }
    };
    Ok(desk(req, "Approval", errors, &content))
}

fn acts(req: &Req, one: &Approval, own: bool, form: &Form, errors: &Errors) -> Markup {
    let reason = Field::new("reason", "Reason").hint("Kept with the event.").value(form.get("reason"));
    let reason = reason.maxlength(500).errors(errors).render();
    html! {
        section.panel aria-labelledby="act" {
            h2 #act { @if own { "Somebody else decides" } @else { "Do you agree?" } }
            @if own { p { "You asked for this; a colleague has to agree. You can take it back." } }
            @else { p { "It is done at once if you agree, and both of you stand in the log." } }
            (form_of_acts(req, &format!("{HERE}/{}", one.id()), &html! {
                (reason)
                div.row {
                    @if own { (submit_as("Take it back", "act", "refuse", Weight::Plain)) }
                    @else {
                        (submit_as("Agree", "act", "agree", Weight::Main))
                        (submit_as("Turn down", "act", "refuse", Weight::Plain))
                    }
                }
            }))
        }
    }
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let one = approvals::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let (meta, reason) = match with_reason(&req, &form, one.account()) {
        Ok(both) => both,
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let agree = match form.get("act") {
        "agree" => true,
        "refuse" => false,
        _ => return Err(HttpError::BadRequest("Choose whether you agree.".into())),
    };
    let command = ApprovalCommand::Decide { agree, by: req.account()?.id, at: req.now() };
    let envelope = Envelope::new(req.command_id(&form), one.id(), command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Approval>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("{HERE}/{}", one.id()))),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
