//! `/billing/refunds`, and one refund: agree, say that it is sent, find out what became of it.

use super::exports::{self, FileKind, PART};
use super::subscription_acts::with_reason;
use super::{BILLING, PAGE, desk, names, page_number, pages, person, with};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::{payments, refunds as gateway};
use crate::domain::order::{Order, OrderCommand, OrderEvent, RefundVia};
use crate::domain::shared::Money;
use crate::domain::shared::payment::RefundOutcome;
use crate::http::error::HttpError;
use crate::http::response::{after, see_other};
use crate::http::route::Route;
use crate::http::ui::button::{link, submit_as};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Field, Icon, Tone, Weight, chip, empty, facts, filter, filters, form_of_acts, format,
    notice_text, page_head, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::orders::OrderRow;
use crate::projections::refunds::{self, RefundRow};
use crate::projections::subscription_timeline;
use maud::{Markup, html};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/refunds", BILLING, list),
        Route::get("/billing/refunds/{id}", BILLING, show),
        Route::post("/billing/refunds/{id}", BILLING, act),
    ]
}

const STATES: [(&str, &str); 9] = [
    ("open", "To do"),
    ("to-send", "To be sent"),
    ("stuck", "Did not go back"),
    ("proposed", "Waits for a second person"),
    ("succeeded", "Gone back"),
    ("refused", "Refused"),
    ("dismissed", "Settled otherwise"),
    ("rejected", "Turned down"),
    ("lapsed", "Lapsed"),
];

fn state(row: &RefundRow) -> Markup {
    match row.state.as_str() {
        "proposed" => chip(Tone::Warning, "Waits for a second person"),
        "started" if row.via == RefundVia::Transfer => chip(Tone::Warning, "To be sent"),
        "started" => chip(Tone::Info, "On its way"),
        "unknown" => chip(Tone::Warning, "Unknown"),
        "parked" => chip(Tone::Danger, "Find out"),
        "succeeded" if row.via == RefundVia::Credit => chip(Tone::Success, "Credit"),
        "succeeded" => chip(Tone::Success, "Gone back"),
        "refused" => chip(Tone::Danger, "Refused"),
        "dismissed" => chip(Tone::Plain, "Settled otherwise"),
        "lapsed" => chip(Tone::Plain, "Lapsed"),
        _ => chip(Tone::Plain, "Turned down"),
    }
}

fn way(via: &RefundVia) -> String {
    match via {
        RefundVia::Charge { gateway, .. } => format!("through {gateway}"),
        RefundVia::Transfer => "by bank transfer".into(),
        RefundVia::Credit => "as credit".into(),
    }
}

fn what(row: &RefundRow) -> &'static str {
    if row.of == "price" { "Of the price" } else { "Came too much" }
}

/// The refunds of one order, for its page.
pub(super) fn of_order(order: &OrderRow, rows: &[RefundRow]) -> Markup {
    let columns = [Column::new("Asked"), Column::new("What"), Column::number("Amount"), Column::new("State")];
    let lines: Vec<Vec<Markup>> = rows
        .iter()
        .map(|r| {
            vec![
                head(&html! { a href={ "/billing/refunds/" (r.refund) } { (format::moment(r.asked_at)) } }),
                text(what(r)),
                number(&r.amount.to_string()),
                cell(&state(r)),
            ]
        })
        .collect();
    let something =
        matches!(order.status.as_str(), "paid" | "fulfilled" | "refunded") || order.overpaid.minor > 0;
    html! {
        @if something {
            section.panel aria-labelledby="refunds" {
                div.row.apart { h2 #refunds { "Refunds" } (link("Give money back", &format!("/billing/orders/{}/refund", order.id), Weight::Plain)) }
                @if lines.is_empty() { p.dim { "None." } } @else { (table("Refunds of this order", &columns, &lines)) }
            }
        }
    }
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let wanted = Some(req.query("state")).filter(|s| !s.is_empty());
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(&req, &["state"])?;
        exports::known(&req, "state", STATES.iter().map(|(code, _)| *code))?;
        return Ok(export(&req, kind, wanted));
    }
    let page = page_number(&req);
    let (rows, total) = refunds::list(&req.app.reader, wanted, (page - 1) * PAGE, PAGE).await?;
    let accounts: Vec<Uuid> = rows.iter().map(|r| r.account).collect();
    let names = names(&req, &accounts, "billing-refunds").await?;
    let chips: Vec<Markup> = match wanted {
        Some(state) => {
            let label = STATES.iter().find(|(code, _)| *code == state).map_or(state, |(_, label)| *label);
            vec![filter("State", Some(label), &with(&req, "state", None))]
        }
        None => STATES.iter().map(|(s, l)| filter(l, None, &with(&req, "state", Some(s)))).collect(),
    };
    let columns = [
        Column::new("Asked"),
        Column::new("Member"),
        Column::new("Order"),
        Column::new("What"),
        Column::new("How"),
        Column::number("Amount"),
        Column::new("State"),
    ];
    let lines: Vec<Vec<Markup>> = rows
        .iter()
        .map(|r| {
            vec![
                head(&html! { a href={ "/billing/refunds/" (r.refund) } { (format::moment(r.asked_at)) } }),
                cell(&person(&names, r.account)),
                cell(&html! { a href={ "/billing/orders/" (r.order) } { (r.number) } }),
                text(what(r)),
                text(&way(&r.via)),
                number(&r.amount.to_string()),
                cell(&state(r)),
            ]
        })
        .collect();
    let acts = exports::files(&req);
    let content = html! {
        (page_head("Refunds", Some("Money is given back from an order's page."), Some(&acts)))
        (filters(&chips, wanted.map(|_| "/billing/refunds")))
        @if lines.is_empty() && wanted.is_some() {
            (empty(Icon::Search, "No refund found", "Take the filter away.", Some(&Place::new("Show all", "/billing/refunds"))))
        } @else if lines.is_empty() {
            (empty(Icon::Info, "No refunds", "What is given back is listed here, with who asked, who agreed and what the gateway said.", None))
        } @else {
            (table("Refunds", &columns, &lines))
            (pages(&req, page, lines.len(), total))
        }
    };
    Ok(desk(&req, "Refunds", &Errors::none(), &content))
}

const NAMES: [&str; 15] = [
    "refund",
    "order",
    "number",
    "account",
    "of",
    "how",
    "state",
    "code",
    "reference",
    "amount",
    "currency",
    "asked_by",
    "decided_by",
    "asked_at",
    "done_at",
];

fn cells(r: &RefundRow) -> Vec<String> {
    let how = match &r.via {
        RefundVia::Charge { gateway, .. } => gateway.clone(),
        RefundVia::Transfer => "transfer".into(),
        RefundVia::Credit => "credit".into(),
    };
    vec![
        r.refund.to_string(),
        r.order.to_string(),
        r.number.clone(),
        r.account.to_string(),
        r.of.clone(),
        how,
        r.state.clone(),
        r.code.clone().unwrap_or_default(),
        r.reference.clone().unwrap_or_default(),
        r.amount.decimal(),
        r.amount.currency.to_string(),
        r.asked_by.to_string(),
        r.decided_by.map(|d| d.to_string()).unwrap_or_default(),
        r.asked_at.to_rfc3339(),
        r.done_at.map(|t| t.to_rfc3339()).unwrap_or_default(),
    ]
}

fn export(req: &Req, kind: FileKind, wanted: Option<&str>) -> Res {
    let (app, wanted) = (Arc::clone(&req.app), wanted.map(ToOwned::to_owned));
    exports::send("refunds", kind, &NAMES, move |last| {
        let (app, wanted) = (Arc::clone(&app), wanted.clone());
        async move {
            let rows = refunds::after(&app.reader, wanted.as_deref(), last, PART).await?;
            Ok(exports::part(&rows, cells, |r| (r.asked_at, r.refund)))
        }
    })
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

/// What the log says of a refund besides its row.
#[derive(Default)]
struct Said {
    /// Why it was asked for.
    why: Option<String>,
    /// Why a second person decided as they did.
    answer: Option<String>,
    /// Above this a second person had to agree.
    limit: Option<Money>,
}

async fn said(req: &Req, r: &RefundRow) -> Result<Said, HttpError> {
    let reader = &req.app.reader;
    let Some(whole) = subscription_timeline::subscription_of_order(reader, r.order).await? else {
        return Ok(Said::default());
    };
    let mut said = Said::default();
    let entries = subscription_timeline::of(reader, whole, None).await?;
    for entry in entries.into_iter().filter(|e| e.subject == r.order) {
        match entry.decode::<OrderEvent>() {
            Some(OrderEvent::RefundProposed { refund, limit, .. }) if refund == r.refund => {
                said.why = entry.reason;
                said.limit = Some(limit);
            }
            Some(OrderEvent::RefundStarted { refund, approved_by, .. }) if refund == r.refund => {
                match approved_by {
                    Some(_) => said.answer = entry.reason,
                    None => said.why = entry.reason,
                }
            }
            Some(OrderEvent::RefundRejected { refund, .. }) if refund == r.refund => {
                said.answer = entry.reason;
            }
            _ => {}
        }
    }
    Ok(said)
}

/// Why one person may not decide it: what went back of its order before counts too.
async fn above(req: &Req, r: &RefundRow, limit: Option<Money>) -> Result<String, HttpError> {
    let before = payments::load_order(&req.app, r.order).await?.given_alone();
    let money = |minor| Money::new(minor, r.amount.currency);
    let limit = limit.unwrap_or_else(|| money(req.app.config.billing.second_person_over));
    let most = format!("One person may give back {limit} of one order alone, all parts together.");
    Ok(if before == 0 {
        format!("{most} This is {}.", r.amount)
    } else {
        let sum = money(before.saturating_add(r.amount.minor));
        format!(
            "{most} {} went back like that before: with this {} it comes to {sum}.",
            money(before),
            r.amount
        )
    })
}

async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let r = refunds::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let mut people = vec![r.account, r.asked_by];
    people.extend(r.decided_by);
    let names = names(req, &people, "billing-refund").await?;
    let own = req.account()?.id == r.asked_by;
    let said = said(req, &r).await?;
    let above = if r.state == "proposed" { above(req, &r, said.limit).await? } else { String::new() };
    let order = Place::new(r.number.clone(), format!("/billing/orders/{}", r.order));
    let content = html! {
        (crumbs(&[Place::new("Refunds", "/billing/refunds"), order], "Refund"))
        (page_head(&format!("Refund of {}", r.amount), None, None))
        section.panel {
            div.row.apart { p { (what(&r)) ", " (way(&r.via)) ", to " (person(&names, r.account)) } (state(&r)) }
            (facts(&known(&r, &said, &names)))
        }
        @if req.query("asked") == "unknown" && matches!(r.state.as_str(), "unknown" | "parked") {
            (notice_text(Tone::Info, "The gateway was asked, and does not say. It goes on being asked by itself as before."))
        }
        (another_way(&r))
        (acts(req, &r, (own, &above), form, errors))
    };
    Ok(desk(req, "Refund", errors, &content))
}

/// What is known of it; what does not apply is left out.
fn known(r: &RefundRow, said: &Said, names: &HashMap<Uuid, String>) -> Vec<(&'static str, Markup)> {
    let mut all = vec![
        ("Amount", html! { strong.num { (r.amount) } }),
        ("Asked by", html! { (person(names, r.asked_by)) ", " (format::moment(r.asked_at)) }),
    ];
    if let Some(why) = &said.why {
        all.push(("Reason", html! { (why) }));
    }
    if let Some(by) = r.decided_by {
        all.push(("Decided by", person(names, by)));
    }
    if let Some(answer) = &said.answer {
        all.push(("Reason of the decision", html! { (answer) }));
    }
    if let Some(at) = r.done_at {
        all.push(("Done", format::moment(at)));
    }
    if let Some(reference) = &r.reference {
        all.push(("Gateway's or bank's number", html! { span.mono { (reference) } }));
    }
    if let Some(code) = &r.code {
        all.push(("Refused because", html! { (code) }));
    }
    if matches!(r.via, RefundVia::Charge { .. }) {
        all.push(("Key at the gateway", html! { span.mono { (r.refund) } }));
    }
    all
}

/// What the gateway did not return is owed all the same.
fn another_way(r: &RefundRow) -> Markup {
    if r.state != "refused" || !matches!(r.via, RefundVia::Charge { .. }) {
        return html! {};
    }
    // What had gone back before it came back is owed as what came too much: it has its credit note.
    let came_back = r.reference.is_some();
    let of = if came_back { "overpayment" } else { r.of.as_str() };
    let path =
        |way| format!("/billing/orders/{}/refund?of={of}&way={way}&amount={}", r.order, r.amount.decimal());
    html! {
        section.panel aria-labelledby="another" {
            h2 #another { "Give it back another way" }
            @if came_back { p { "It had gone back, and then it came back from the member's bank. A credit note that was written for it stands: what is given back now counts as what came too much, and needs no second one." } }
            @else { p { "Nothing went back by the card. What was promised to the member is still theirs." } }
            div.row {
                (link("By bank transfer", &path("transfer"), Weight::Main))
                (link("As credit", &path("credit"), Weight::Plain))
            }
        }
    }
}

fn acts(req: &Req, r: &RefundRow, (own, above): (bool, &str), form: &Form, errors: &Errors) -> Markup {
    let transfer = r.via == RefundVia::Transfer;
    let reason = Field::new("reason", "Reason").hint("Kept with the event.").value(form.get("reason"));
    let reason = reason.maxlength(500).errors(errors).render();
    let reference = |label| {
        let field = Field::new("reference", label).value(form.get("reference")).maxlength(100);
        field.errors(errors).optional().hint("Needed when you say that it went back.").render()
    };
    let lapse =
        html! { @if let Some(end) = r.lapses_at { p.dim { "It lapses on " (format::moment(end)) "." } } };
    let (title, words, fields) = match r.state.as_str() {
        "proposed" if own => (
            "Somebody else decides",
            "You asked for this refund; a colleague has to agree. You can take it back.",
            html! { (lapse) (reason) div.row { (submit_as("Take it back", "act", "reject", Weight::Plain)) } },
        ),
        "proposed" => (
            "Do you agree?",
            above,
            html! { (lapse) (reason) div.row { (submit_as("Agree: give it back", "act", "approve", Weight::Main)) (submit_as("Turn down", "act", "reject", Weight::Plain)) } },
        ),
        "started" | "unknown" | "parked" if transfer => (
            "Send it",
            "Send the money from the studio's bank account, then say so here.",
            html! { (reference("The bank's number of the transfer")) (reason) div.row { (submit_as("It is sent", "act", "done", Weight::Main)) (submit_as("It is not sent", "act", "not-done", Weight::Plain)) } },
        ),
        "unknown" | "parked" => (
            "What became of it?",
            "The gateway's answer was lost. Ask again, or say what the gateway's own pages show for this key.",
            html! { (reference("The gateway's number of the refund")) (reason) div.row {
                (submit_as("Ask the gateway again", "act", "look-up", Weight::Main))
                (submit_as("It went back", "act", "done", Weight::Plain))
                (submit_as("Nothing went back", "act", "not-done", Weight::Plain))
            } },
        ),
        "refused" if !transfer && r.reference.is_none() => (
            "Is it settled otherwise?",
            "If the member does not want it back, or had it in a way that is not in this log, say so: it waits for nobody then. It does not go back by this.",
            html! { (reason) div.row { (submit_as("It is settled otherwise", "act", "dismiss", Weight::Plain)) } },
        ),
        _ => return html! {},
    };
    html! {
        section.panel aria-labelledby="act" {
            h2 #act { (title) }
            p { (words) }
            (form_of_acts(req, &format!("/billing/refunds/{}", r.refund), &fields))
        }
    }
}

async fn act(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let r = refunds::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let page = format!("/billing/refunds/{}", r.refund);
    let (meta, reason) = match with_reason(&req, &form, r.account) {
        Ok(both) => both,
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let (by, at) = (req.account()?.id, req.now());
    let record = |outcome| OrderCommand::RecordRefund { refund: r.refund, outcome, at };
    let command = match form.get("act") {
        "approve" => OrderCommand::DecideRefund { refund: r.refund, approve: true, by, at },
        "reject" => OrderCommand::DecideRefund { refund: r.refund, approve: false, by, at },
        "dismiss" => OrderCommand::DismissRefund { refund: r.refund, by, at },
        "look-up" => {
            let id = req.command_id(&form);
            let asked = Some((id, Some(reason)));
            let heard = gateway::look_up(&req.app, r.order, r.refund, asked, meta).await?;
            return Ok(see_other(&if heard { page } else { format!("{page}?asked=unknown") }));
        }
        "done" if form.get("reference").is_empty() => {
            let words = "Enter the number of the transfer or refund: the auditor will ask for it.";
            return view(&req, &form, &Errors::one("reference", words)).await;
        }
        "done" => record(RefundOutcome::Succeeded { gateway_reference: form.get("reference").to_owned() }),
        "not-done" => record(RefundOutcome::Refused { code: gateway::NOT_RETURNED.into() }),
        _ => return Err(HttpError::BadRequest("Choose what to do.".into())),
    };
    let envelope = Envelope::new(req.command_id(&form), r.order, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Order>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &page)),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
