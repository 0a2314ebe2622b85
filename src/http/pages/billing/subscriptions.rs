//! `GET /billing/subscriptions`: the list, narrowed by status, plan, trouble or person; and the same as CSV.

use super::parts::{ROWS, address, day, desk, money, names, page_number, pages, person, query, status};
use super::{BILLING, export};
use crate::http::error::HttpError;
use crate::http::request::Req;
use crate::http::response::Res;
use crate::http::route::Route;
use crate::http::ui::button::link_small;
use crate::http::ui::table::{self, Column, table};
use crate::http::ui::{Icon, Place, Tone, Weight, chip, empty, filter, filters, page_head, search_form};
use crate::projections::subscriptions::{self, Filter, SubscriptionRow};
use maud::{Markup, html};
use std::collections::HashMap;
use uuid::Uuid;

const PATH: &str = "/billing/subscriptions";
const STATES: [(&str, &str); 5] = [
    ("active", "active"),
    ("pending-cancellation", "ends with its paid time"),
    ("on-hold", "on hold"),
    ("cancelled", "cancelled"),
    ("expired", "expired"),
];

/// The addresses of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PATH, BILLING, show), Route::get("/billing/subscriptions.csv", BILLING, csv)]
}

/// What the list is narrowed to, from the address. A search is a mail address, or the number of a
/// subscription or account.
async fn wanted(req: &Req) -> Result<Filter, HttpError> {
    let set = |name: &str| Some(req.query(name).to_owned()).filter(|value| !value.is_empty());
    let owners = match req.query("q").trim() {
        "" => None,
        sought => Some(owners(req, sought).await?),
    };
    Ok(Filter {
        status: set("status"),
        plan: set("plan"),
        failing: req.query("failing") == "yes",
        parked: req.query("parked") == "yes",
        owners,
    })
}

async fn owners(req: &Req, sought: &str) -> Result<Vec<Uuid>, HttpError> {
    let reader = &req.app.reader;
    if let Ok(id) = Uuid::parse_str(sought) {
        let owner = subscriptions::one(reader, id).await?.map(|row| row.owner);
        return Ok(vec![owner.unwrap_or(id)]);
    }
    Ok(crate::projections::people::by_mail(reader, sought).await?.into_iter().collect())
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let wanted = wanted(&req).await?;
    let number = page_number(&req);
    let (rows, total) = subscriptions::list(&req.app.reader, &wanted, number * ROWS, ROWS).await?;
    let owners: Vec<Uuid> = rows.iter().map(|row| row.owner).collect();
    let names = names(&req, &owners).await?;
    let counts = subscriptions::counts(&req.app.reader).await?;
    let parts = [
        ("status", req.query("status")),
        ("plan", req.query("plan")),
        ("failing", req.query("failing")),
        ("parked", req.query("parked")),
        ("q", req.query("q")),
    ];
    let export = link_small("Export CSV", &address("/billing/subscriptions.csv", &parts), Weight::Plain);
    let narrowed = parts.iter().any(|(_, value)| !value.is_empty());
    let content = html! {
        (page_head("Subscriptions", None, Some(&export)))
        (search_form(PATH, "Mail address or number", req.query("q")))
        (chips(&wanted, &counts, narrowed))
        @if rows.is_empty() && narrowed {
            (empty(Icon::Search, "Nothing fits", "No subscription fits these filters.", Some(&Place::new("Show all", PATH))))
        } @else if rows.is_empty() {
            (empty(Icon::Info, "No subscriptions yet", "As soon as somebody joins, the subscription stands here with its whole story.", None))
        } @else {
            (list(&rows, &names))
            (pages(PATH, &query(&parts), number, rows.len(), total))
        }
    };
    Ok(desk(&req, "Subscriptions", &content))
}

fn chips(wanted: &Filter, counts: &[(String, String, i64)], narrowed: bool) -> Markup {
    let mut chips: Vec<Markup> = Vec::new();
    match wanted.status.as_deref() {
        Some(chosen) => {
            let words = STATES.iter().find(|(state, _)| *state == chosen).map_or(chosen, |(_, words)| words);
            chips.push(filter("Status", Some(words), PATH));
        }
        None => chips.extend(
            STATES.iter().map(|(state, words)| filter(words, None, &address(PATH, &[("status", state)]))),
        ),
    }
    match wanted.plan.as_deref() {
        Some(chosen) => chips.push(filter("Plan", Some(chosen), PATH)),
        None => {
            let mut plans: Vec<&str> = counts.iter().map(|(_, plan, _)| plan.as_str()).collect();
            plans.sort_unstable();
            plans.dedup();
            chips.extend(plans.iter().map(|plan| filter(plan, None, &address(PATH, &[("plan", plan)]))));
        }
    }
    chips.push(filter(
        "payment failing",
        wanted.failing.then_some("yes"),
        if wanted.failing { PATH } else { "/billing/subscriptions?failing=yes" },
    ));
    chips.push(filter(
        "to be decided",
        wanted.parked.then_some("yes"),
        if wanted.parked { PATH } else { "/billing/subscriptions?parked=yes" },
    ));
    filters(&chips, narrowed.then_some(PATH))
}

fn list(rows: &[SubscriptionRow], names: &HashMap<Uuid, String>) -> Markup {
    let columns = [
        Column::new("Subscription"),
        Column::new("Member"),
        Column::new("Status"),
        Column::number("Price"),
        Column::new("Joined"),
        Column::new("Paid until"),
    ];
    let rows: Vec<Vec<Markup>> = rows
        .iter()
        .map(|row| {
            let failing = row.state.open_order().is_some_and(|order| order.failures > 0);
            vec![
                table::head(&html! { a href={ (PATH) "/" (row.id) } { (row.plan()) } }),
                table::cell(&person(names, row.owner)),
                table::cell(&html! { (status(row.status)) @if failing { " " (chip(Tone::Warning, "payment failing")) } @if row.state.is_parked() { " " (chip(Tone::Warning, "to be decided")) } }),
                table::number(&money(row.price())),
                table::cell(&day(Some(row.joined_at))),
                table::cell(&day(row.state.paid_up_to())),
            ]
        })
        .collect();
    table("Subscriptions", &columns, &rows)
}

/// Ids, states, dates and amounts; no name leaves the page.
async fn csv(req: Req) -> Result<Res, HttpError> {
    let wanted = wanted(&req).await?;
    let (rows, _) = subscriptions::list(&req.app.reader, &wanted, 0, export::MOST).await?;
    let head = [
        "subscription",
        "account",
        "status",
        "plan",
        "price",
        "currency",
        "joined_at",
        "paid_until",
        "ended_at",
        "payment_failures",
        "to_be_decided",
    ];
    let lines = rows.iter().map(|row| {
        let price = row.price();
        let state: &'static str = row.status.into();
        vec![
            row.id.to_string(),
            row.owner.to_string(),
            state.to_owned(),
            row.plan(),
            price.map(|price| price.decimal()).unwrap_or_default(),
            price.map(|price| price.currency.code().to_owned()).unwrap_or_default(),
            row.joined_at.to_rfc3339(),
            row.state.paid_up_to().map(|at| at.to_rfc3339()).unwrap_or_default(),
            row.ended_at.map(|at| at.to_rfc3339()).unwrap_or_default(),
            row.state.open_order().map_or(0, |order| order.failures).to_string(),
            row.state.is_parked().to_string(),
        ]
    });
    export::csv("subscriptions.csv", &head, lines)
}
