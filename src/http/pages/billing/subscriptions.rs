//! `/billing/subscriptions`: all of them, narrowed by chips, and as CSV.

use super::exports::{self, FileKind, PART};
use super::{BILLING, PAGE, desk, kept, names, page_number, pages, person, sort, sortable, with};
use crate::actors::accounts;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::CancelReason;
use crate::http::error::HttpError;
use crate::http::pages::membership::shared::TaxDesk;
use crate::http::pages::membership::subscription::status_chip;
use crate::http::route::Route;
use crate::http::ui::button::link_small;
use crate::http::ui::layout::Place;
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Icon, Weight, empty, filter, filters, format, page_head, search_form, table,
};
use crate::http::{Req, Res};
use crate::projections::people;
use crate::projections::subscriptions::{self, Filter, SubscriptionRow};
use maud::{Markup, html};
use std::sync::Arc;
use strum::IntoEnumIterator;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/subscriptions", BILLING, show),
        Route::get("/billing/subscriptions.csv", BILLING, as_csv),
    ]
}

const STATUSES: [(&str, &str); 5] = [
    ("active", "Active"),
    ("pending-cancellation", "Cancelled, still paid"),
    ("on-hold", "On hold"),
    ("cancelled", "Ended"),
    ("expired", "Expired"),
];

async fn narrowed(req: &Req) -> Result<Filter, HttpError> {
    let set = |name: &str| Some(req.query(name).to_owned()).filter(|v| !v.is_empty());
    let yes = |name: &str| (req.query(name) == "yes").then(|| req.now());
    let words = req.query("q").trim();
    let owners = match (words.is_empty(), Uuid::parse_str(words)) {
        (true, _) => None,
        (false, Ok(id)) => Some(people::of_person(&req.app.reader, id).await?),
        (false, Err(_)) => Some(match accounts::find(&req.app, words).await? {
            Some(id) => people::of_person(&req.app.reader, id).await?,
            None => Vec::new(),
        }),
    };
    Ok(Filter {
        status: set("status"),
        plan: set("plan"),
        failing: req.query("failing") == "yes",
        parked: req.query("parked") == "yes",
        paused: req.query("paused") == "yes",
        vat_pending: req.query("vat_pending") == "yes",
        owners,
        due: yes("due"),
        overdue: yes("overdue"),
        expiring: yes("expiring"),
        unknown: req.query("unknown") == "yes",
        cancel_reason: set("reason"),
    })
}

async fn as_csv(req: Req) -> Result<Res, HttpError> {
    let filter = narrowed(&req).await?;
    export(&req, FileKind::Csv, filter).await
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let filter = narrowed(&req).await?;
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(
            &req,
            &[
                "q",
                "status",
                "plan",
                "failing",
                "parked",
                "paused",
                "vat_pending",
                "unknown",
                "reason",
                "due",
                "overdue",
                "expiring",
            ],
        )?;
        return export(&req, kind, filter).await;
    }
    let (number, by) = (page_number(&req), sort(&req, subscriptions::SORTS));
    let (rows, total) =
        subscriptions::sorted(&req.app.reader, &filter, by, (number - 1) * PAGE, PAGE).await?;
    let owners: Vec<Uuid> = rows.iter().map(|r| r.owner).collect();
    let names = names(&req, &owners, "billing-subscriptions").await?;
    let acts = html! { (link_small("Export CSV", &with(&req, "page", None).replacen("/billing/subscriptions", "/billing/subscriptions.csv", 1), Weight::Plain)) (link_small("Export JSON Lines", &with(&req, "format", Some("jsonl")), Weight::Quiet)) };
    let cancelled = filter.cancel_reason.is_some()
        || matches!(filter.status.as_deref(), Some("pending-cancellation" | "cancelled"));
    let mut columns = vec![
        Column::new("Member"),
        sortable(&req, by, "plan", Column::new("Plan")),
        sortable(&req, by, "status", Column::new("Status")),
        sortable(&req, by, "price", Column::number("Price")),
        sortable(&req, by, "due", Column::new("Next payment")),
        sortable(&req, by, "joined", Column::new("Joined")),
    ];
    if cancelled {
        columns.extend([Column::new("Ended, or ends"), Column::new("Because")]);
    }
    let tax = TaxDesk::open(&req).await?;
    let lines: Vec<Vec<Markup>> =
        rows.iter().map(|row| line(row, tax.price(row), &person(&names, row.owner), cancelled)).collect();
    let content = html! {
        (page_head("Subscriptions", None, Some(&acts)))
        (search_form("/billing/subscriptions", "Mail address or user name of the member", req.query("q"), &kept(&req, &["q"])))
        (chips(&req, &filter).await?)
        @if lines.is_empty() {
            (empty(Icon::Search, "No subscription found", "Take a filter away, or search for the whole mail address.", Some(&Place::new("Show all", "/billing/subscriptions"))))
        } @else {
            (table("Subscriptions", &columns, &lines))
            (pages(&req, number, lines.len(), total))
        }
        (reasons(&req).await?)
    };
    Ok(desk(&req, "Subscriptions", &Errors::none(), &content))
}

/// A line of the list; of those that were cancelled also until when and why.
fn line(row: &SubscriptionRow, price: Option<Money>, member: &Markup, cancelled: bool) -> Vec<Markup> {
    let due = row.state.next_payment_on().map(day_words).unwrap_or_else(|| "–".into());
    let mut cells = vec![
        head(member),
        cell(&html! { a href={ "/billing/subscriptions/" (row.id) } { (row.plan()) } }),
        cell(&status_chip(row)),
        number(&price.map(|p| p.to_string()).unwrap_or_default()),
        text(&due),
        cell(&format::date(row.joined_at)),
    ];
    if cancelled {
        let ends = row.state.next_due_on().map(day_words);
        cells.push(match row.ended_at {
            Some(at) => cell(&format::date(at)),
            None => text(ends.as_deref().unwrap_or("–")),
        });
        cells.push(text(reason_words(row.cancel_reason.as_deref().unwrap_or("none"))));
    }
    cells
}

/// A reason for which people cancelled, in words.
fn reason_words(code: &str) -> &'static str {
    if code == "withdrawn" {
        return "Withdrew from the contract";
    }
    CancelReason::parse(code).map_or("No reason given", CancelReason::words)
}

/// The codes of all reasons by which the list can be narrowed.
fn cancel_reasons() -> impl Iterator<Item = &'static str> {
    CancelReason::iter().map(<&'static str>::from).chain(["none", "withdrawn"])
}

/// How many cancelled for which reason; each leads to those who did.
async fn reasons(req: &Req) -> Result<Markup, HttpError> {
    let counts = subscriptions::cancel_reasons(&req.app.reader).await?;
    let columns = [Column::new("Reason"), Column::number("Subscriptions")];
    let rows: Vec<Vec<Markup>> = cancel_reasons()
        .map(|code| {
            let count = counts.iter().find(|(c, _)| c == code).map_or(0, |(_, n)| *n);
            vec![
                head(&html! { a href={ "/billing/subscriptions?reason=" (code) } { (reason_words(code)) } }),
                number(&format::count(count)),
            ]
        })
        .collect();
    Ok(
        html! { section.stack { h2 { "Why people cancelled" } (table("Reasons for cancelling", &columns, &rows)) } },
    )
}

async fn chips(req: &Req, narrowed: &Filter) -> Result<Markup, HttpError> {
    let mut all = Vec::new();
    match &narrowed.status {
        Some(status) => {
            let label = STATUSES.iter().find(|(s, _)| s == status).map_or(status.as_str(), |(_, l)| l);
            all.push(filter("Status", Some(label), &with(req, "status", None)));
        }
        None => all.extend(STATUSES.iter().map(|(s, l)| filter(l, None, &with(req, "status", Some(s))))),
    }
    match &narrowed.plan {
        Some(plan) => all.push(filter("Plan", Some(plan), &with(req, "plan", None))),
        None => {
            let mut plans: Vec<String> =
                subscriptions::counts(&req.app.reader).await?.into_iter().map(|(_, plan, _)| plan).collect();
            plans.sort_unstable();
            plans.dedup();
            all.extend(plans.iter().map(|p| filter(p, None, &with(req, "plan", Some(p)))));
        }
    }
    if let Some(reason) = &narrowed.cancel_reason {
        all.push(filter("Cancelled because", Some(reason_words(reason)), &with(req, "reason", None)));
    }
    for (name, label, on) in [
        ("due", "Due within a week", narrowed.due.is_some()),
        ("overdue", "Overdue", narrowed.overdue.is_some()),
        ("expiring", "Expires within 30 days", narrowed.expiring.is_some()),
        ("unknown", "Payment unknown", narrowed.unknown),
        ("failing", "Payment failing", narrowed.failing),
        ("parked", "Parked", narrowed.parked),
        ("paused", "Paused", narrowed.paused),
        ("vat_pending", "VAT number unanswered", narrowed.vat_pending),
    ] {
        all.push(if on {
            filter(label, Some("yes"), &with(req, name, None))
        } else {
            filter(label, None, &with(req, name, Some("yes")))
        });
    }
    let set = *narrowed != Filter::default();
    Ok(filters(&all, set.then_some("/billing/subscriptions")))
}

pub(in crate::http) const NAMES: [&str; 16] = [
    "subscription",
    "account",
    "status",
    "plan",
    "price",
    "currency",
    "collection",
    "country",
    "joined_at",
    "anchor",
    "next_due_on",
    "open_order",
    "failures",
    "parked",
    "ended_at",
    "cancel_reason",
];

/// What the file says of one; the price is the one that is charged.
pub(in crate::http) fn cells(row: &SubscriptionRow, desk: &TaxDesk) -> Vec<String> {
    let (s, price) = (&row.state, desk.price(row));
    let status: &'static str = row.status.into();
    let collection: &'static str = s.terms().map(|t| t.collection.into()).unwrap_or("");
    let some = |value: Option<String>| value.unwrap_or_default();
    vec![
        row.id.to_string(),
        row.owner.to_string(),
        status.into(),
        row.plan(),
        some(price.map(|p| p.decimal())),
        some(price.map(|p| p.currency.to_string())),
        collection.into(),
        some(s.country().map(|c| c.to_string())),
        row.joined_at.to_rfc3339(),
        some(s.anchor().map(|d| d.to_string())),
        some(s.next_payment_on().map(|d| d.to_string())),
        some(s.open_order().map(|o| o.order.to_string())),
        some(s.open_order().map(|o| o.failures.to_string())),
        s.is_parked().to_string(),
        some(row.ended_at.map(|t| t.to_rfc3339())),
        some(row.cancel_reason.clone()),
    ]
}

async fn export(req: &Req, kind: FileKind, narrowed: Filter) -> Result<Res, HttpError> {
    exports::known(req, "status", STATUSES.iter().map(|(status, _)| *status))?;
    exports::known(req, "reason", cancel_reasons())?;
    let (app, tax) = (Arc::clone(&req.app), Arc::new(TaxDesk::open(req).await?));
    Ok(exports::send("subscriptions", kind, &NAMES, move |last| {
        let (app, tax, narrowed) = (Arc::clone(&app), Arc::clone(&tax), narrowed.clone());
        async move {
            let rows = subscriptions::after(&app.reader, &narrowed, last, PART).await?;
            Ok(exports::part(&rows, |row| cells(row, &tax), |s| (s.joined_at, s.id)))
        }
    }))
}
