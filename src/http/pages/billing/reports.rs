//! `/billing/reports`: revenue, what moved it, who stayed; `/billing/reports/vat`: tax by country.

use super::{BILLING, csv, desk, download, with};
use crate::domain::shared::tax::Country;
use crate::domain::shared::{Currency, Money};
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::button::{link_small, submit_small};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{Column, Errors, Field, Icon, Weight, bars, empty, format, page_head, table};
use crate::http::{Req, Res};
use crate::projections::movements::{self, Cohort, Month};
use crate::projections::tax_report::{self, Invoiced, TaxLine};
use chrono::{Datelike as _, Months, NaiveDate};
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/reports", BILLING, show),
        Route::get("/billing/reports/revenue.csv", BILLING, revenue_csv),
        Route::get("/billing/reports/movements.csv", BILLING, movements_csv),
        Route::get("/billing/reports/vat", BILLING, vat),
        Route::get("/billing/reports/vat.csv", BILLING, vat_csv),
    ]
}

/// Months that the reports go back.
const BACK: u32 = 23;

fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn month_words(month: NaiveDate) -> String {
    month.format("%b %Y").to_string()
}

/// The first of the months that are shown, and the first day that is not.
fn span(req: &Req) -> (NaiveDate, NaiveDate) {
    let this = month_of(req.now().date_naive());
    let from = this.checked_sub_months(Months::new(BACK)).unwrap_or(this);
    (from, this.checked_add_months(Months::new(1)).unwrap_or(this))
}

fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, Currency::parse(currency).unwrap_or_else(|_| Currency::eur()))
}

#[expect(clippy::cast_precision_loss, reason = "a bar")]
fn tall(minor: i64) -> f64 {
    minor as f64
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let (from, until) = span(&req);
    let reader = &req.app.reader;
    let invoiced = tax_report::by_month(reader, from, until).await?;
    let today = req.now().date_naive();
    let moved = movements::months(reader, from, today).await?;
    let moved: Vec<Month> = moved.into_iter().skip_while(|m| m.start == 0 && m.end() == 0).collect();
    let cohorts = movements::cohorts(reader, from, today).await?;
    let content = html! {
        (page_head("Reports", Some("Made from the event log; every figure can be rebuilt from it."), None))
        p { a href="/billing/reports/vat" { "VAT by country" } }
        section.stack { h2 { "Revenue" } (revenue(&invoiced)) }
        section.stack { h2 { "Monthly recurring revenue" } (movement(&moved)) }
        section.stack { h2 { "Who stays" } (who_stays(&cohorts)) }
    };
    Ok(desk(&req, "Reports", &Errors::none(), &content))
}

fn revenue(all: &[Invoiced]) -> Markup {
    let columns = [
        Column::new("Month"),
        Column::number("Invoices"),
        Column::number("Invoiced"),
        Column::number("Credit notes"),
        Column::number("Credited"),
        Column::number("VAT"),
        Column::number("Net"),
    ];
    let rows = all.iter().rev().map(|m| {
        let money = |minor| number(&money(minor, &m.currency).to_string());
        vec![
            head(&html! { (month_words(m.month)) }),
            number(&format::count(m.invoices)),
            money(m.gross),
            number(&format::count(m.credit_notes)),
            money(m.credited),
            money(m.tax),
            money(m.net),
        ]
    });
    let drawn = drawn(all.iter().map(|m| (m.month, m.currency.as_str(), m.net)));
    html! {
        @if all.is_empty() { p.dim { "Nothing was invoiced yet." } } @else {
            (bars("Net revenue by month", &drawn))
            (table("Revenue by month", &columns, &rows.collect::<Vec<_>>()))
            p { (link_small("Export CSV", "/billing/reports/revenue.csv", Weight::Plain)) }
        }
    }
}

/// Bars of the currency that comes first: amounts of several are not added.
fn drawn<'a>(all: impl Iterator<Item = (NaiveDate, &'a str, i64)>) -> Vec<(String, f64)> {
    let mut first = None;
    all.filter(|(_, currency, _)| *first.get_or_insert(*currency) == *currency)
        .map(|(month, currency, minor)| {
            (format!("{}: {}", month_words(month), money(minor, currency)), tall(minor))
        })
        .collect()
}

fn movement(all: &[Month]) -> Markup {
    let columns = [
        Column::new("Month"),
        Column::number("At start"),
        Column::number("New"),
        Column::number("Came back"),
        Column::number("Dearer plans"),
        Column::number("Cheaper plans"),
        Column::number("Left or resting"),
        Column::number("At end"),
        Column::number("Churn"),
    ];
    let rows = all.iter().rev().map(|m| {
        let money = |minor| number(&money(minor, &m.currency).to_string());
        vec![
            head(&html! { (month_words(m.month)) }),
            money(m.start),
            money(m.new),
            money(m.reactivation),
            money(m.expansion),
            money(m.contraction),
            money(m.churn),
            money(m.end()),
            number(&share(m.lost, m.subscriptions)),
        ]
    });
    let drawn = drawn(all.iter().map(|m| (m.month, m.currency.as_str(), m.end())));
    html! {
        @if all.is_empty() { p.dim { "Nobody has paid yet." } } @else {
            (bars("Monthly recurring revenue at the end of each month", &drawn))
            (table("What moved the monthly recurring revenue", &columns, &rows.collect::<Vec<_>>()))
            p.small.dim { "Churn: subscriptions that stopped giving in the month, of those that gave when it began. A subscription on trial or pause gives nothing." }
            p { (link_small("Export CSV", "/billing/reports/movements.csv", Weight::Plain)) }
        }
    }
}

/// "4.2 %"; a dash where there was nobody.
fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "–".into();
    }
    let tenths = (part * 2000 + whole) / (2 * whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn who_stays(all: &[Cohort]) -> Markup {
    let most = all.iter().map(|c| c.kept.len()).max().unwrap_or(0);
    let names: Vec<String> = (1..=most).map(|n| format!("After {n} mo.")).collect();
    let columns: Vec<Column<'_>> = [Column::new("Came in"), Column::number("People")]
        .into_iter()
        .chain(names.iter().map(|n| Column::number(n)))
        .collect();
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .rev()
        .map(|c| {
            let kept = (0..most).map(|n| match c.kept.get(n) {
                Some(kept) => number(&share(*kept, c.size)),
                None => cell(&html! {}),
            });
            [head(&html! { (month_words(c.month)) }), number(&format::count(c.size))]
                .into_iter()
                .chain(kept)
                .collect()
        })
        .collect();
    html! {
        @if rows.is_empty() { p.dim { "Nobody has paid yet." } } @else { (table("Who still gave after so many months", &columns, &rows)) }
    }
}

async fn revenue_csv(req: Req) -> Result<Res, HttpError> {
    let (from, until) = span(&req);
    let all = tax_report::by_month(&req.app.reader, from, until).await?;
    let head = ["month", "currency", "invoices", "invoiced", "credit_notes", "credited", "vat", "net"];
    let lines = all.iter().map(|m| {
        let plain = |minor| money(minor, &m.currency).decimal();
        vec![
            m.month.format("%Y-%m").to_string(),
            m.currency.clone(),
            m.invoices.to_string(),
            plain(m.gross),
            m.credit_notes.to_string(),
            plain(m.credited),
            plain(m.tax),
            plain(m.net),
        ]
    });
    Ok(download("revenue.csv", "text/csv; charset=utf-8", csv(&head, lines)?))
}

async fn movements_csv(req: Req) -> Result<Res, HttpError> {
    let (from, _) = span(&req);
    let all = movements::months(&req.app.reader, from, req.now().date_naive()).await?;
    let head = [
        "month",
        "currency",
        "start",
        "new",
        "reactivation",
        "expansion",
        "contraction",
        "churn",
        "end",
        "subscriptions",
        "lost",
    ];
    let lines = all.iter().map(|m| {
        let plain = |minor| money(minor, &m.currency).decimal();
        vec![
            m.month.format("%Y-%m").to_string(),
            m.currency.clone(),
            plain(m.start),
            plain(m.new),
            plain(m.reactivation),
            plain(m.expansion),
            plain(m.contraction),
            plain(m.churn),
            plain(m.end()),
            m.subscriptions.to_string(),
            m.lost.to_string(),
        ]
    });
    Ok(download("movements.csv", "text/csv; charset=utf-8", csv(&head, lines)?))
}

/// A quarter such as `2026-Q4`; the one that `day` lies in if the text is none.
fn quarter(words: &str, day: NaiveDate) -> (String, NaiveDate, NaiveDate) {
    let parsed = words.split_once("-Q").and_then(|(year, n)| {
        let (year, n): (i32, u32) = (year.parse().ok()?, n.parse().ok()?);
        (1..=4).contains(&n).then_some(())?;
        NaiveDate::from_ymd_opt(year, n * 3 - 2, 1).filter(|d| (2000..2200).contains(&d.year()))
    });
    let from = parsed
        .unwrap_or_else(|| NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1).unwrap_or(day));
    let until = from.checked_add_months(Months::new(3)).unwrap_or(from);
    (format!("{}-Q{}", from.year(), from.month0() / 3 + 1), from, until)
}

/// Under which scheme a line is declared: the one-stop shop takes what is charged in other countries.
fn scheme(line: &TaxLine, home: &str) -> &'static str {
    match line.kind.as_str() {
        "VATC" if line.country == home => "domestic",
        "VATC" => "one-stop shop",
        "VATRC" => "reverse charge",
        _ => "no VAT",
    }
}

fn percent(basis_points: i32) -> String {
    format!("{}.{:02}", basis_points / 100, basis_points % 100)
}

fn country_words(code: &str) -> String {
    Country::parse(code).map_or_else(|_| code.to_owned(), |c| c.name().to_owned())
}

async fn vat(req: Req) -> Result<Res, HttpError> {
    let today = req.now().date_naive();
    let (name, from, until) = quarter(req.query("quarter"), today);
    let lines = tax_report::by_country(&req.app.reader, from, until).await?;
    let home = &req.app.config.studio.country;
    let columns = [
        Column::new("Country"),
        Column::new("Scheme"),
        Column::number("Rate"),
        Column::number("Documents"),
        Column::number("Net"),
        Column::number("VAT"),
        Column::number("Total"),
    ];
    let rows: Vec<Vec<Markup>> = lines
        .iter()
        .map(|l| {
            let money = |minor| number(&money(minor, &l.currency).to_string());
            vec![
                head(&html! { (country_words(&l.country)) }),
                text(scheme(l, home)),
                number(&format!("{} %", percent(l.basis_points))),
                number(&format::count(l.documents)),
                money(l.net),
                money(l.tax),
                money(l.gross),
            ]
        })
        .collect();
    let this = month_of(today);
    let quarters: Vec<(String, String)> = (0..12)
        .filter_map(|n| this.checked_sub_months(Months::new(3 * n)))
        .map(|d| quarter("", d).0)
        .map(|name| (name.clone(), name))
        .collect();
    let export =
        with(&req, "quarter", Some(&name)).replacen("/billing/reports/vat", "/billing/reports/vat.csv", 1);
    let acts = html! { (link_small("Export CSV", &export, Weight::Plain)) };
    let content = html! {
        (crumbs(&[Place::new("Reports", "/billing/reports")], "VAT by country"))
        (page_head(&format!("VAT by country, {name}"), Some("By the day of issue; credit notes are taken off. What is charged in other countries of the Union is declared in the one-stop shop."), Some(&acts)))
        form.row method="get" action="/billing/reports/vat" {
            (Field::new("quarter", "Quarter").value(&name).select(quarters).short().render())
            (submit_small("Show", Weight::Plain))
        }
        @if rows.is_empty() { (empty(Icon::Info, "Nothing was invoiced in this quarter", "Choose another one.", None)) }
        @else { (table("VAT by country", &columns, &rows)) }
    };
    Ok(desk(&req, "VAT by country", &Errors::none(), &content))
}

async fn vat_csv(req: Req) -> Result<Res, HttpError> {
    let (name, from, until) = quarter(req.query("quarter"), req.now().date_naive());
    let all = tax_report::by_country(&req.app.reader, from, until).await?;
    let home = &req.app.config.studio.country;
    let head = [
        "period",
        "country",
        "scheme",
        "rate_type",
        "rate_percent",
        "taxable_amount",
        "vat_amount",
        "currency",
        "documents",
    ];
    let lines = all.iter().map(|l| {
        vec![
            name.clone(),
            l.country.clone(),
            scheme(l, home).to_owned(),
            if l.kind == "none" { String::new() } else { "STANDARD".into() },
            percent(l.basis_points),
            money(l.net, &l.currency).decimal(),
            money(l.tax, &l.currency).decimal(),
            l.currency.clone(),
            l.documents.to_string(),
        ]
    });
    Ok(download(&format!("vat-{name}.csv"), "text/csv; charset=utf-8", csv(&head, lines)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_are_read_and_found() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 28).expect("a day");
        let of = |words: &str| {
            let (name, from, until) = quarter(words, day);
            format!("{name} {from} {until}")
        };
        assert_eq!(of(""), "2026-Q4 2026-10-01 2027-01-01");
        assert_eq!(of("2026-Q1"), "2026-Q1 2026-01-01 2026-04-01");
        for nonsense in ["2026-Q5", "2026-Q0", "Q1", "99999-Q1", "2026-Q1x"] {
            assert_eq!(of(nonsense), of(""), "{nonsense}");
        }
    }

    #[test]
    fn shares_are_rounded_half_up() {
        assert_eq!(
            (share(1, 3), share(1, 8), share(0, 5), share(3, 0)),
            ("33.3 %".into(), "12.5 %".into(), "0.0 %".into(), "–".into())
        );
    }
}
