//! `/billing/payments`: every charge that was tried, every transfer that came, and what became of it.

use super::exports::{self, FileKind, PART};
use super::{BILLING, PAGE, desk, names, page_number, pages, person, sort, sortable, with};
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::layout::Place;
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{Column, Errors, Icon, Tone, chip, empty, filter, filters, format, page_head, table};
use crate::http::{Req, Res};
use crate::projections::payment_list::{self, DEBIT, Filter, PaymentRow, TRANSFER};
use maud::{Markup, html};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

const HERE: &str = "/billing/payments";

pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(HERE, BILLING, list)]
}

const OUTCOMES: [(&str, &str); 7] = [
    ("succeeded", "Succeeded"),
    ("declined", "Declined"),
    ("action-required", "To be confirmed"),
    ("unknown", "Unknown"),
    ("cancelled", "Withdrawn"),
    ("returned", "Given back by the bank"),
    ("started", "Under way"),
];

fn outcome(row: &PaymentRow) -> Markup {
    let state = match row.outcome.as_str() {
        "succeeded" => chip(Tone::Success, "Succeeded"),
        "declined" => chip(Tone::Danger, "Declined"),
        "action-required" => chip(Tone::Warning, "To be confirmed"),
        "unknown" => chip(Tone::Warning, "Unknown"),
        "parked" => chip(Tone::Danger, "Find out"),
        "cancelled" => chip(Tone::Plain, "Withdrawn"),
        "returned" => chip(Tone::Danger, "Given back"),
        _ => chip(Tone::Info, "Under way"),
    };
    html! { (state) @if let Some(code) = &row.code { " " span.mono { (code) } } }
}

/// A gateway by its name; what comes through a bank in words.
fn gateway(name: &str) -> &str {
    match name {
        TRANSFER => "Bank transfer",
        DEBIT => "Direct debit",
        name => name,
    }
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let set = |name: &str| Some(req.query(name).to_owned()).filter(|v| !v.is_empty());
    let narrowed = Filter { outcome: set("outcome"), gateway: set("gateway") };
    let gateways = payment_list::gateways(&req.app.reader).await?;
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(&req, &["outcome", "gateway"])?;
        exports::known(&req, "outcome", OUTCOMES.iter().map(|(code, _)| *code))?;
        let known: BTreeSet<&str> = gateways.iter().map(String::as_str).chain([TRANSFER, DEBIT]).collect();
        exports::known(&req, "gateway", known)?;
        return Ok(export(&req, kind, narrowed));
    }
    let (page, by) = (page_number(&req), sort(&req, payment_list::SORTS));
    let (rows, total) = payment_list::list(&req.app.reader, &narrowed, by, (page - 1) * PAGE, PAGE).await?;
    let accounts: Vec<Uuid> = rows.iter().map(|p| p.account).collect();
    let names = names(&req, &accounts, "billing-payments").await?;
    let mut chips: Vec<Markup> = match &narrowed.outcome {
        Some(asked) => {
            let label = OUTCOMES.iter().find(|(code, _)| code == asked).map_or(asked.as_str(), |(_, l)| *l);
            vec![filter("Outcome", Some(label), &with(&req, "outcome", None))]
        }
        None => OUTCOMES.iter().map(|(o, l)| filter(l, None, &with(&req, "outcome", Some(o)))).collect(),
    };
    match &narrowed.gateway {
        Some(asked) => chips.push(filter("Through", Some(gateway(asked)), &with(&req, "gateway", None))),
        None => chips.extend(
            gateways.iter().map(|g| filter(gateway(g), None, &with(&req, "gateway", Some(g.as_str())))),
        ),
    }
    let clear = (narrowed != Filter::default()).then_some(HERE);
    let columns = [
        sortable(&req, by, "when", Column::new("When")),
        Column::new("Member"),
        sortable(&req, by, "order", Column::new("Order")),
        sortable(&req, by, "gateway", Column::new("Through")),
        sortable(&req, by, "amount", Column::number("Amount")),
        sortable(&req, by, "outcome", Column::new("Outcome")),
    ];
    let lines: Vec<Vec<Markup>> = rows
        .iter()
        .map(|p| {
            vec![
                head(&format::moment(p.at)),
                cell(&person(&names, p.account)),
                cell(&html! { a href={ "/billing/orders/" (p.order) } { (p.number) } }),
                text(gateway(&p.gateway)),
                number(&p.amount.to_string()),
                cell(&outcome(p)),
            ]
        })
        .collect();
    let acts = exports::files(&req);
    let words = "Every charge that was tried, and every transfer that came; money of direct debits comes as transfers. What goes back stands under Refunds.";
    let content = html! {
        (page_head("Payments", Some(words), Some(&acts)))
        (filters(&chips, clear))
        @if lines.is_empty() && clear.is_some() {
            (empty(Icon::Search, "No payment found", "Take a filter away.", Some(&Place::new("Show all", HERE))))
        } @else if lines.is_empty() {
            (empty(Icon::Info, "No payments yet", "A charge is listed here as soon as it is tried, a transfer as soon as it is booked on its order.", None))
        } @else {
            (table("Payments", &columns, &lines))
            (pages(&req, page, lines.len(), total))
        }
    };
    Ok(desk(&req, "Payments", &Errors::none(), &content))
}

const NAMES: [&str; 13] = [
    "position",
    "attempt",
    "order",
    "number",
    "account",
    "gateway",
    "amount",
    "currency",
    "outcome",
    "code",
    "reference",
    "at",
    "told_at",
];

fn cells(p: &PaymentRow) -> Vec<String> {
    vec![
        p.position.to_string(),
        p.attempt.map(|id| id.to_string()).unwrap_or_default(),
        p.order.to_string(),
        p.number.clone(),
        p.account.to_string(),
        p.gateway.clone(),
        p.amount.decimal(),
        p.amount.currency.to_string(),
        p.outcome.clone(),
        p.code.clone().unwrap_or_default(),
        p.reference.clone().unwrap_or_default(),
        p.at.to_rfc3339(),
        p.told_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
    ]
}

fn export(req: &Req, kind: FileKind, narrowed: Filter) -> Res {
    let app = Arc::clone(&req.app);
    exports::send("payments", kind, &NAMES, move |last| {
        let (app, narrowed) = (Arc::clone(&app), narrowed.clone());
        async move {
            let rows = payment_list::after(&app.reader, &narrowed, last, PART).await?;
            Ok(exports::part(&rows, cells, |p| (p.at, p.position)))
        }
    })
}
