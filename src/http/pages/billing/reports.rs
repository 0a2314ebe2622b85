//! `/billing/reports`: revenue by day, week or month, what moved it, who stays, which plans they have.

use super::exports::{self, FileKind};
use super::report_movements::{mix, movement, who_stays};
use super::report_plans::over_time;
use super::{BILLING, desk, with};
use crate::domain::shared::calendar::{day_of, day_words};
use crate::domain::shared::{Currency, Money};
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::button::link_small;
use crate::http::ui::table::{head, number};
use crate::http::ui::{Column, Errors, Weight, bars, filter, filters, format, page_head, table};
use crate::http::{Req, Res};
use crate::projections::movements::{self, Month};
use crate::projections::plan_mix;
use crate::projections::tax_report::{self, Invoiced, Span};
use chrono::NaiveDate;
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/reports", BILLING, show),
        Route::get("/billing/reports/revenue.csv", BILLING, revenue_file),
        Route::get("/billing/reports/revenue.jsonl", BILLING, revenue_file),
    ]
}

/// What a report covers: spans of one length, from the first to the one that `today` lies in.
pub(super) struct Scope {
    pub span: Span,
    /// The first day.
    pub from: NaiveDate,
    /// The last day that is looked at: today, or an earlier one that `?until=` asks for.
    pub today: NaiveDate,
    /// The first day after it.
    pub until: NaiveDate,
    /// Whether the last day was asked for.
    asked: bool,
}

impl Scope {
    /// As `?by=` says: two months by day, a year by week, or two years by month, which is what it is without it; up
    /// to the day that `?until=` says.
    ///
    /// # Errors
    /// If it says something else: a program that asks for quarters must not take months for them.
    pub fn of(req: &Req) -> Result<Self, HttpError> {
        let span = match req.query("by") {
            "" => Span::Month,
            by => by.parse().map_err(|_| {
                HttpError::BadRequest(
                    "Reports are by day, by week or by month: ?by=day, ?by=week, ?by=month.".into(),
                )
            })?,
        };
        let newest = format::local_day(req.now());
        let (asked, today) = match req.query("until") {
            "" => (false, newest),
            text => (
                true,
                day_of(text).map(|day| day.min(newest)).ok_or_else(|| {
                    HttpError::BadRequest(
                        "Name the last day of the report, such as ?until=2026-01-31.".into(),
                    )
                })?,
            ),
        };
        let this = span.start(today);
        let from = span.step(this, 1 - span.shown());
        Ok(Self { span, from, today, until: span.step(this, 1), asked })
    }

    /// The first day of the first cohort: those of two years are shown, whatever the spans are.
    pub fn first_cohort(&self) -> NaiveDate {
        Span::Month.step(Span::Month.start(self.today), -23)
    }

    /// A span as people read it.
    pub fn words(&self, start: NaiveDate) -> String {
        match self.span {
            Span::Month => start.format("%b %Y").to_string(),
            Span::Week => start.format("Week of %-d %b %Y").to_string(),
            Span::Day => start.format("%-d %b %Y").to_string(),
        }
    }

    /// A span as programs read it.
    pub fn code(&self, start: NaiveDate) -> String {
        match self.span {
            Span::Month => start.format("%Y-%m").to_string(),
            Span::Week => start.format("%G-W%V").to_string(),
            Span::Day => start.to_string(),
        }
    }

    /// The heading of the column of spans.
    pub fn column(&self) -> &'static str {
        match self.span {
            Span::Month => "Month",
            Span::Week => "Week",
            Span::Day => "Day",
        }
    }

    /// The ways to save a report as it is shown.
    pub fn files(&self, name: &str) -> Markup {
        let until = if self.asked { format!("&until={}", self.today) } else { String::new() };
        let of = |ending: &str| format!("/billing/reports/{name}.{ending}?by={}{until}", self.span.word());
        html! {
            div.row {
                (link_small("Export CSV", &of("csv"), Weight::Plain))
                (link_small("Export JSON Lines", &of("jsonl"), Weight::Quiet))
            }
        }
    }

    /// Bars of spans; a chart for each currency.
    pub fn drawn<'a>(&self, label: &str, all: impl Iterator<Item = (NaiveDate, &'a str, i64)>) -> Markup {
        charts(label, all.map(|(start, currency, minor)| (self.words(start), currency, minor)))
    }

    /// Ways to the spans before and after those shown.
    fn walk(&self, req: &Req) -> Markup {
        let to = |day: NaiveDate| with(req, "until", Some(&day.to_string()));
        let newest = format::local_day(req.now());
        let later = self.span.step(self.span.start(self.today), self.span.shown()).min(newest);
        html! {
            nav.row aria-label="Other times" {
                @if let Some(before) = self.from.pred_opt() { (link_small("Earlier", &to(before), Weight::Plain)) }
                @if self.today < newest {
                    (link_small("Later", &to(later), Weight::Plain))
                    (link_small("Up to today", &with(req, "until", None), Weight::Quiet))
                }
                span.small.dim { (day_words(self.from)) " to " (day_words(self.today)) }
            }
        }
    }
}

/// Bars of what is named; a chart for each currency, because amounts of several are not added.
pub(super) fn charts<'a>(label: &str, all: impl Iterator<Item = (String, &'a str, i64)>) -> Markup {
    let mut by_currency: Vec<(&str, Vec<(String, f64)>)> = Vec::new();
    for (name, currency, minor) in all {
        let bar = (format!("{name}: {}", money(minor, currency)), tall(minor));
        match by_currency.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, bars)) => bars.push(bar),
            None => by_currency.push((currency, vec![bar])),
        }
    }
    let several = by_currency.len() > 1;
    html! {
        @for (currency, drawn) in &by_currency {
            @if several { (bars(&format!("{label}, {currency}"), drawn)) } @else { (bars(label, drawn)) }
        }
    }
}

pub(super) fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, Currency::parse(currency).unwrap_or_else(|_| Currency::eur()))
}

#[expect(clippy::cast_precision_loss, reason = "a bar")]
pub(super) fn tall(minor: i64) -> f64 {
    minor as f64
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let scope = Scope::of(&req)?;
    let reader = &req.app.reader;
    let invoiced = tax_report::by_span(reader, format::zone(), scope.span, (scope.from, scope.until)).await?;
    let invoiced = without_gaps(&scope, invoiced);
    let moved = movements::by_span(reader, scope.span, scope.from, scope.today).await?;
    let moved: Vec<Month> = moved.into_iter().skip_while(|m| m.start == 0 && m.end() == 0).collect();
    let cohorts = movements::cohorts(reader, scope.first_cohort(), scope.today).await?;
    let plans = movements::plan_mix(reader).await?;
    let history = plan_mix::by_span(reader, scope.span, scope.from, scope.today).await?;
    let chips =
        [(Span::Day, "By day"), (Span::Week, "By week"), (Span::Month, "By month")].map(|(span, label)| {
            filter(label, (span == scope.span).then_some("shown"), &with(&req, "by", Some(span.word())))
        });
    let content = html! {
        (page_head("Reports", Some("Made from the event log; every figure can be rebuilt from it."), None))
        p { a href="/billing/reports/vat" { "VAT by country" } ", " a href="/billing/reports/oss" { "one-stop shop" } }
        (filters(&chips, None))
        (scope.walk(&req))
        section.stack { h2 { "Revenue" } (revenue(&scope, &invoiced)) }
        section.stack { h2 { "Monthly recurring revenue" } (movement(&scope, &moved)) }
        section.stack { h2 { "Who stays" } (who_stays(&scope, &cohorts)) }
        section.stack { h2 { "Plans" } (mix(&scope, &plans)) }
        section.stack { h2 { "Plans over time" } (over_time(&scope, &history)) }
    };
    Ok(desk(&req, "Reports", &Errors::none(), &content))
}

/// With a line of zeros for every span between the first one and now in which nothing was invoiced.
fn without_gaps(scope: &Scope, all: Vec<Invoiced>) -> Vec<Invoiced> {
    let Some(first) = all.first().map(|i| i.start) else { return all };
    let currencies: BTreeSet<String> = all.iter().map(|i| i.currency.clone()).collect();
    let mut known: BTreeMap<(NaiveDate, String), Invoiced> =
        all.into_iter().map(|i| ((i.start, i.currency.clone()), i)).collect();
    let mut filled = Vec::new();
    let mut start = first;
    while start < scope.until {
        for currency in &currencies {
            let key = (start, currency.clone());
            filled.push(known.remove(&key).unwrap_or_else(|| Invoiced::nothing(start, currency)));
        }
        start = scope.span.step(start, 1);
    }
    filled
}

fn revenue(scope: &Scope, all: &[Invoiced]) -> Markup {
    let columns = [
        Column::new(scope.column()),
        Column::number("Invoices"),
        Column::number("Invoiced"),
        Column::number("Credit notes"),
        Column::number("Credited"),
        Column::number("VAT"),
        Column::number("Net"),
        Column::number("Lost in disputes"),
        Column::number("Revenue"),
    ];
    let rows = all.iter().rev().map(|m| {
        let money = |minor| number(&money(minor, &m.currency).to_string());
        vec![
            head(&html! { (scope.words(m.start)) }),
            number(&format::count(m.invoices)),
            money(m.gross),
            number(&format::count(m.credit_notes)),
            money(m.credited),
            money(m.tax),
            money(m.net),
            money(m.lost),
            money(m.revenue()),
        ]
    });
    let bars = all.iter().map(|m| (m.start, m.currency.as_str(), m.revenue()));
    let drawn = scope.drawn("Revenue, without tax", bars);
    html! {
        @if all.is_empty() { p.dim { "Nothing was invoiced yet." } } @else {
            (drawn)
            (table("Revenue", &columns, &rows.collect::<Vec<_>>()))
            p.small.dim { "Refunds are taken off on the day of their credit note. A lost dispute is taken off as a whole on the day on which it was lost: no credit note is written, so its VAT stays owed: " a href="/billing/orders?lost=yes" { "the orders" } "." }
            (scope.files("revenue"))
        }
    }
}

const NAMES: [&str; 10] = [
    "period",
    "currency",
    "invoices",
    "invoiced",
    "credit_notes",
    "credited",
    "vat",
    "net",
    "lost_in_disputes",
    "revenue",
];

async fn revenue_file(req: Req) -> Result<Res, HttpError> {
    let scope = Scope::of(&req)?;
    let all =
        tax_report::by_span(&req.app.reader, format::zone(), scope.span, (scope.from, scope.until)).await?;
    let all = without_gaps(&scope, all);
    let lines = all.iter().map(|m| {
        let plain = |minor| money(minor, &m.currency).decimal();
        vec![
            scope.code(m.start),
            m.currency.clone(),
            m.invoices.to_string(),
            plain(m.gross),
            m.credit_notes.to_string(),
            plain(m.credited),
            plain(m.tax),
            plain(m.net),
            plain(m.lost),
            plain(m.revenue()),
        ]
    });
    Ok(exports::whole("revenue", FileKind::of_path(&req), &NAMES, lines.collect()))
}
