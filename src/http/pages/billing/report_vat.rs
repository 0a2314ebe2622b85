//! `/billing/reports/vat`: tax by country and rate for a quarter; `/billing/reports/oss`: the same as a return
//! for the one-stop shop of the Union.

use super::exports::{self, FileKind};
use super::reports::{money, tall};
use super::{BILLING, desk, with};
use crate::domain::shared::tax::Country;
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::button::{link_small, submit_small};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{head, number, text};
use crate::http::ui::{Column, Errors, Field, Icon, Weight, bars, empty, format, page_head, table};
use crate::http::{Req, Res};
use crate::projections::tax_report::{self, OssLine, TaxLine};
use chrono::{Datelike as _, Months, NaiveDate};
use maud::{Markup, html};

const HERE: &str = "/billing/reports/vat";
const OSS: &str = "/billing/reports/oss";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(HERE, BILLING, vat),
        Route::get("/billing/reports/vat.csv", BILLING, vat_file),
        Route::get("/billing/reports/vat.jsonl", BILLING, vat_file),
        Route::get(OSS, BILLING, oss),
        Route::get("/billing/reports/oss.csv", BILLING, oss_file),
        Route::get("/billing/reports/oss.jsonl", BILLING, oss_file),
    ]
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

/// The choice of a quarter, and its button.
fn choose(chosen: &str, today: NaiveDate) -> Markup {
    let this = today.with_day(1).unwrap_or(today);
    let quarters: Vec<(String, String)> = (0..12)
        .filter_map(|n| this.checked_sub_months(Months::new(3 * n)))
        .map(|d| quarter("", d).0)
        .map(|name| (name.clone(), name))
        .collect();
    html! {
        (Field::new("quarter", "Quarter").value(chosen).select(quarters).short().render())
        (submit_small("Show", Weight::Plain))
    }
}

/// The ways to save a quarter.
fn files(req: &Req, page: &str, quarter: &str) -> Markup {
    let of =
        |ending: &str| with(req, "quarter", Some(quarter)).replacen(page, &format!("{page}.{ending}"), 1);
    html! {
        (link_small("Export CSV", &of("csv"), Weight::Plain))
        (link_small("Export JSON Lines", &of("jsonl"), Weight::Quiet))
    }
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
    let acts = files(&req, HERE, &name);
    let taxes =
        lines.iter().filter(|l| l.tax != 0 && l.currency == lines.first().map_or("", |f| &f.currency));
    let drawn: Vec<(String, f64)> = taxes
        .map(|l| {
            let words = format!(
                "{} {} %: {}",
                country_words(&l.country),
                percent(l.basis_points),
                money(l.tax, &l.currency)
            );
            (words, tall(l.tax))
        })
        .collect();
    let content = html! {
        (crumbs(&[Place::new("Reports", "/billing/reports")], "VAT by country"))
        (page_head(&format!("VAT by country, {name}"), Some("By the day of issue; credit notes are taken off. What is charged in other countries of the Union is declared in the one-stop shop."), Some(&acts)))
        p { a href={ "/billing/reports/oss?quarter=" (name) } { "The same as a return for the one-stop shop" } }
        form.row method="get" action="/billing/reports/vat" {
            (choose(&name, today))
        }
        @if rows.is_empty() { (empty(Icon::Info, "Nothing was invoiced in this quarter", "Choose another one.", None)) }
        @else { (bars("VAT by country", &drawn)) (table("VAT by country", &columns, &rows)) }
    };
    Ok(desk(&req, "VAT by country", &Errors::none(), &content))
}

const VAT_NAMES: [&str; 9] = [
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

async fn vat_file(req: Req) -> Result<Res, HttpError> {
    let (name, from, until) = quarter(req.query("quarter"), req.now().date_naive());
    let all = tax_report::by_country(&req.app.reader, from, until).await?;
    let home = &req.app.config.studio.country;
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
    Ok(exports::whole(&format!("vat-{name}"), FileKind::of_path(&req), &VAT_NAMES, lines.collect()))
}

fn quarter_words(day: NaiveDate) -> String {
    quarter("", day).0
}

async fn oss(req: Req) -> Result<Res, HttpError> {
    let today = req.now().date_naive();
    let (name, from, until) = quarter(req.query("quarter"), today);
    let lines =
        tax_report::one_stop_shop(&req.app.reader, &req.app.config.studio.country, from, until).await?;
    let columns = |first| {
        [
            Column::new(first),
            Column::new("Country of consumption"),
            Column::new("Rate type"),
            Column::number("Rate"),
            Column::number("Taxable amount"),
            Column::number("VAT amount"),
        ]
    };
    let row = |l: &OssLine| {
        vec![
            head(&html! { (l.corrects.map_or_else(|| name.clone(), quarter_words)) }),
            text(&country_words(&l.country)),
            text("Standard"),
            number(&format!("{} %", percent(l.basis_points))),
            number(&money(l.net, &l.currency).to_string()),
            number(&money(l.tax, &l.currency).to_string()),
        ]
    };
    let part = |corrections: bool| -> Vec<Vec<Markup>> {
        lines.iter().filter(|l| l.corrects.is_some() == corrections).map(row).collect()
    };
    let (supplies, corrections) = (part(false), part(true));
    let content = html! {
        (crumbs(&[Place::new("Reports", "/billing/reports"), Place::new("VAT by country", HERE)], "One-stop shop"))
        (page_head(&format!("One-stop shop, {name}"), Some("What consumers in other countries of the Union paid tax on, in the order of the return, and what corrects returns of earlier quarters."), Some(&files(&req, OSS, &name))))
        form.row method="get" action=(OSS) { (choose(&name, today)) }
        h2 { "Supplies of the quarter" }
        @if supplies.is_empty() { (empty(Icon::Info, "Nothing to declare in this quarter", "A return without supplies is due all the same.", None)) }
        @else { (table("Supplies of the quarter", &columns("Quarter"), &supplies)) }
        h2 { "Corrections of earlier quarters" }
        @if corrections.is_empty() { p.dim { "None." } }
        @else { (table("Corrections of earlier quarters", &columns("Corrects"), &corrections)) }
        p.small.dim { "By the day of issue. The return is made out in euro: amounts in another currency stand in lines of their own, to be converted at the rate of the European Central Bank for the last day of the quarter." }
    };
    Ok(desk(&req, "One-stop shop", &Errors::none(), &content))
}

const OSS_NAMES: [&str; 10] = [
    "quarter",
    "part",
    "corrected_quarter",
    "country_of_consumption",
    "supply_type",
    "rate_type",
    "rate_percent",
    "taxable_amount",
    "vat_amount",
    "currency",
];

async fn oss_file(req: Req) -> Result<Res, HttpError> {
    let (name, from, until) = quarter(req.query("quarter"), req.now().date_naive());
    let lines =
        tax_report::one_stop_shop(&req.app.reader, &req.app.config.studio.country, from, until).await?;
    let rows = lines.iter().map(|l| {
        vec![
            name.clone(),
            if l.corrects.is_some() { "correction" } else { "supply" }.to_owned(),
            l.corrects.map(quarter_words).unwrap_or_default(),
            l.country.clone(),
            "SERVICES".into(),
            "STANDARD".into(),
            percent(l.basis_points),
            money(l.net, &l.currency).decimal(),
            money(l.tax, &l.currency).decimal(),
            l.currency.clone(),
        ]
    });
    Ok(exports::whole(&format!("oss-{name}"), FileKind::of_path(&req), &OSS_NAMES, rows.collect()))
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
}
