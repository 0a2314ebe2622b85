//! `GET /billing`: revenue, memberships and what needs a look.

use super::BILLING;
use super::parts::desk;
use crate::domain::shared::{Currency, Money};
use crate::http::error::HttpError;
use crate::http::request::Req;
use crate::http::response::Res;
use crate::http::route::Route;
use crate::http::ui::table::{self, Column, table};
use crate::http::ui::{Stat, Tone, format, notice, page_head, stats};
use crate::projections::{orders, subscriptions};
use chrono::TimeDelta;
use maud::{Markup, html};

/// The address of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get("/billing", BILLING, show)]
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let reader = &req.app.reader;
    let now = req.now();
    let currency = Currency::parse(&req.app.config.billing.currency).unwrap_or_else(|_| Currency::eur());
    let days = orders::revenue_by_day(reader, currency.code(), now.date_naive(), 60).await?;
    let (before, recent) = days.split_at(days.len().saturating_sub(30));
    let sum =
        |days: &[(chrono::NaiveDate, i64)]| Money::new(days.iter().map(|(_, minor)| minor).sum(), currency);
    let (started, ended) = subscriptions::movements(reader, now - TimeDelta::days(7)).await?;
    let counts = subscriptions::counts(reader).await?;
    let active: i64 = counts
        .iter()
        .filter(|(status, _, _)| status == "active" || status == "pending-cancellation")
        .map(|(_, _, n)| n)
        .sum();
    let at_risk = orders::at_risk(reader).await?;
    let failing: i64 = at_risk.iter().map(|(count, _)| count).sum();
    let mrr = subscriptions::monthly_revenue(reader).await?;
    let (overdue, parked) = (
        subscriptions::overdue(reader, now).await?,
        subscriptions::list(reader, &subscriptions::Filter { parked: true, ..Default::default() }, 0, 1)
            .await?
            .1,
    );
    let questionable =
        orders::list(reader, &orders::Filter { questionable: true, ..Default::default() }, 0, 1).await?.1;
    let joined =
        |amounts: Vec<Money>| amounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let content = html! {
        (page_head("Billing", Some("Revenue, memberships, and what needs a look."), None))
        (attention(overdue, parked, questionable))
        (stats(&[
            Stat {
                label: "Paid in 30 days",
                value: sum(recent).to_string(),
                note: Some(format!("{} in the 30 days before", sum(before))),
                course: recent.iter().map(|(_, minor)| cents(*minor)).collect(),
                ..Stat::default()
            },
            Stat {
                label: "Active memberships",
                value: format::count(active),
                note: Some(format!("{} started, {} ended this week", format::count(started), format::count(ended))),
                ..Stat::default()
            },
            Stat {
                label: "Failed payments",
                value: format::count(failing),
                note: (failing > 0).then(|| format!("{} at risk", joined(at_risk.iter().map(|(_, money)| *money).collect()))),
                tone: if failing > 0 { Tone::Danger } else { Tone::Plain },
                ..Stat::default()
            },
            Stat {
                label: "Monthly recurring revenue",
                value: if mrr.is_empty() { Money::new(0, currency).to_string() } else { joined(mrr) },
                ..Stat::default()
            },
        ]))
        section.stack { h2 { "Memberships by plan" } (plans(&counts)) }
        section.stack { h2 { "Paid by day" } (by_day(recent, currency)) }
    };
    Ok(desk(&req, "Billing", &content))
}

fn cents(minor: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a point of a line of 240 pixels")]
    let value = minor as f64;
    value
}

fn attention(overdue: i64, parked: i64, questionable: i64) -> Markup {
    html! {
        @if overdue > 0 {
            (notice(Tone::Danger, &html! { p { (format::counted(overdue, "payment is", "payments are")) " due for more than two hours and untried. Ask an operator whether the billing clock runs." } }))
        }
        @if parked > 0 {
            (notice(Tone::Warning, &html! { p { (format::counted(parked, "subscription waits", "subscriptions wait")) " for your decision. " a href="/billing/subscriptions?parked=yes" { "Show them" } } }))
        }
        @if questionable > 0 {
            (notice(Tone::Warning, &html! { p { (format::counted(questionable, "order has", "orders have")) " a payment that is unknown or too much. " a href="/billing/orders?questionable=yes" { "Show them" } } }))
        }
    }
}

fn plans(counts: &[(String, String, i64)]) -> Markup {
    if counts.is_empty() {
        return html! { p.dim { "Nobody has joined yet." } };
    }
    let rows: Vec<Vec<Markup>> = counts
        .iter()
        .map(|(status, plan, count)| {
            vec![
                table::head(&html! { (plan) }),
                table::text(&status.replace('-', " ")),
                table::number(&format::count(*count)),
            ]
        })
        .collect();
    table(
        "Memberships by plan and status",
        &[Column::new("Plan"), Column::new("Status"), Column::number("Memberships")],
        &rows,
    )
}

fn by_day(days: &[(chrono::NaiveDate, i64)], currency: Currency) -> Markup {
    let rows: Vec<Vec<Markup>> = days
        .iter()
        .rev()
        .filter(|(_, minor)| *minor != 0)
        .map(|(day, minor)| {
            vec![
                table::head(&html! { (format::day(*day)) }),
                table::number(&Money::new(*minor, currency).to_string()),
            ]
        })
        .collect();
    if rows.is_empty() {
        return html! { p.dim { "Nothing was paid in the last 30 days." } };
    }
    table("Paid by day", &[Column::new("Day"), Column::number("Paid")], &rows)
}
