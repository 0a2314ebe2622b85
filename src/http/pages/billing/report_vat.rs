//! `/billing/reports/vat`: tax by country and rate for a quarter, a month, a year or a day; `/billing/reports/oss`: the same as a return
//! for the one-stop shop of the Union.

use super::exports::{self, FileKind};
use super::periods::Named;
use super::reports::{charts, money};
use super::{BILLING, desk};
use crate::domain::exchange::{ExchangeTable, Quote, rate_words};
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::tax::Country;
use crate::domain::shared::{Currency, Money};
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::button::{link_small, submit_small};
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{head, number, text};
use crate::http::ui::{Column, Errors, Field, Icon, Tone, Weight, empty, format, notice, page_head, table};
use crate::http::{Req, Res};
use crate::projections::exchange_rates;
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
    let Named { name, from, until } = Named::quarter(words).unwrap_or_else(|| Named::quarter_of(day));
    (name, from, until)
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

/// The ways to save what is shown: `page` of the span `asked`, such as `quarter=2026-Q4`.
fn files(page: &str, asked: &str) -> Markup {
    let of = |ending: &str| format!("{page}.{ending}?{asked}");
    html! {
        (link_small("Export CSV", &of("csv"), Weight::Plain))
        (link_small("Export JSON Lines", &of("jsonl"), Weight::Quiet))
    }
}

/// What is wrong with the quarter that was asked for; nothing for none.
fn misread(asked: &str, day: NaiveDate) -> Option<String> {
    let known = asked.is_empty() || quarter(asked, day).0 == asked;
    (!known).then(|| "Name a quarter such as 2026-Q4, from the year 2000 on.".to_owned())
}

/// The quarter that a file is asked for: one that is none is refused, not guessed.
fn quarter_of_file(req: &Req) -> Result<(String, NaiveDate, NaiveDate), HttpError> {
    let (asked, today) = (req.query("quarter"), format::local_day(req.now()));
    match misread(asked, today) {
        Some(why) => Err(HttpError::Fields(vec![("quarter".into(), why)])),
        None => Ok(quarter(asked, today)),
    }
}

/// The same for a page, which shows the quarter of today instead and says so.
fn quarter_errors(req: &Req) -> Errors {
    match misread(req.query("quarter"), format::local_day(req.now())) {
        Some(why) => Errors::one("quarter", format!("{why} What is shown is the quarter of today.")),
        None => Errors::none(),
    }
}

/// What `?day=`, `?period=` or `?quarter=` of the report by country asks for: the quarter of today without any.
fn asked_period(req: &Req) -> Result<Named, String> {
    let named = ["day", "period", "quarter"].map(|name| req.query(name)).into_iter().find(|t| !t.is_empty());
    match named {
        None => Ok(Named::quarter_of(format::local_day(req.now()))),
        Some(name) => Named::parse(name).ok_or_else(|| {
            "Name a year, a quarter, a month or a day from the year 2000 on: 2026, 2026-Q4, 2026-11, 2026-11-30."
                .to_owned()
        }),
    }
}

async fn vat(req: Req) -> Result<Res, HttpError> {
    let today = format::local_day(req.now());
    let (shown, errors) = match asked_period(&req) {
        Ok(named) => (named, Errors::none()),
        Err(why) => (
            Named::quarter_of(today),
            Errors::one("period", format!("{why} What is shown is the quarter of today.")),
        ),
    };
    let (kind, words) = (shown.kind(), shown.words());
    let Named { name, from, until } = shown;
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
    let acts = files(HERE, &format!("period={name}"));
    let taxes = lines.iter().filter(|l| l.tax != 0).map(|l| {
        let rate = format!("{} {} %", country_words(&l.country), percent(l.basis_points));
        (rate, l.currency.as_str(), l.tax)
    });
    let drawn = charts("VAT by country", taxes);
    let content = html! {
        (crumbs(&[Place::new("Reports", "/billing/reports")], "VAT by country"))
        (page_head(&format!("VAT by country, {words}"), Some("By the day of issue; credit notes are taken off. What is charged in other countries of the Union is declared in the one-stop shop."), Some(&acts)))
        p { a href={ "/billing/reports/oss?quarter=" (Named::quarter_of(from).name) } { "The same as a return for the one-stop shop" } }
        form.row method="get" action="/billing/reports/vat" {
            (Field::new("period", "Quarter, month or year").value(&name).select(Named::choices(today)).short().render())
            (Field::new("day", "Or one day").kind("date").value(req.query("day")).optional().mid().render())
            (submit_small("Show", Weight::Plain))
        }
        @if rows.is_empty() { (empty(Icon::Info, &format!("Nothing was invoiced in this {kind}"), "Choose another one.", None)) }
        @else { (drawn) (table("VAT by country", &columns, &rows)) }
    };
    Ok(desk(&req, "VAT by country", &errors, &content))
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
    let Named { name, from, until } =
        asked_period(&req).map_err(|why| HttpError::Fields(vec![("period".into(), why)]))?;
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

/// Amounts of a line of a return in euro, with the rate; none while no rate is noted.
struct InEuro {
    net: Money,
    tax: Money,
    quote: Option<Quote>,
}

/// By the rate for the quarter that the line belongs to: that of the return, or the earlier one that it corrects.
fn in_euro(line: &OssLine, rates: &ExchangeTable, from: NaiveDate) -> Option<InEuro> {
    let start = line.corrects.unwrap_or(from);
    let last = start.checked_add_months(Months::new(3))?.pred_opt()?;
    let (net, quote) = rates.to_euro(money(line.net, &line.currency), last)?;
    let (tax, _) = rates.to_euro(money(line.tax, &line.currency), last)?;
    Some(InEuro { net, tax, quote })
}

/// What has no rate yet, as "USD for 2026-Q4".
fn without_rate(lines: &[OssLine], rates: &ExchangeTable, from: NaiveDate) -> Vec<String> {
    let missing = lines.iter().filter(|l| in_euro(l, rates, from).is_none());
    let mut words: Vec<String> = missing
        .map(|l| format!("{} for {}", l.currency, quarter_words(l.corrects.unwrap_or(from))))
        .collect();
    words.dedup();
    words
}

fn quarter_words(day: NaiveDate) -> String {
    quarter("", day).0
}

async fn oss(req: Req) -> Result<Res, HttpError> {
    let today = format::local_day(req.now());
    let (name, from, until) = quarter(req.query("quarter"), today);
    let lines =
        tax_report::one_stop_shop(&req.app.reader, &req.app.config.studio.country, from, until).await?;
    let rates = exchange_rates::table(&req.app.reader).await?;
    let missing = without_rate(&lines, &rates, from);
    let foreign = lines.iter().any(|l| l.currency != "EUR");
    let columns = |first| {
        [
            Column::new(first),
            Column::new("Country of consumption"),
            Column::new("Rate type"),
            Column::number("Rate"),
            Column::number("Taxable amount"),
            Column::number("VAT amount"),
            Column::number("Taxable, in euro"),
            Column::number("VAT, in euro"),
            Column::new("Rate of exchange"),
        ]
        .into_iter()
        .take(if foreign { 9 } else { 6 })
        .collect::<Vec<_>>()
    };
    let row = |l: &OssLine| {
        let euro = in_euro(l, &rates, from);
        let cells = vec![
            head(&html! { (l.corrects.map_or_else(|| name.clone(), quarter_words)) }),
            text(&country_words(&l.country)),
            text("Standard"),
            number(&format!("{} %", percent(l.basis_points))),
            number(&money(l.net, &l.currency).to_string()),
            number(&money(l.tax, &l.currency).to_string()),
            number(&euro.as_ref().map_or_else(|| "no rate".into(), |e| e.net.to_string())),
            number(&euro.as_ref().map_or_else(|| "no rate".into(), |e| e.tax.to_string())),
            text(
                &euro
                    .and_then(|e| e.quote)
                    .map(|q| format!("{} on {}", rate_words(q.millionths), day_words(q.day)))
                    .unwrap_or_default(),
            ),
        ];
        cells.into_iter().take(if foreign { 9 } else { 6 }).collect()
    };
    let sum = |corrections: bool| -> Option<Money> {
        let of = lines.iter().filter(|l| l.corrects.is_some() == corrections);
        let all: Option<Vec<i64>> = of.map(|l| in_euro(l, &rates, from).map(|e| e.tax.minor)).collect();
        all.map(|all| Money::new(all.iter().sum(), Currency::eur()))
    };
    let owed = |corrections| {
        html! {
            p { "VAT in euro: " @match sum(corrections) { Some(sum) => strong.num { (sum) }, None => "not known, a rate is missing" } "." }
        }
    };
    let part = |corrections: bool| -> Vec<Vec<Markup>> {
        lines.iter().filter(|l| l.corrects.is_some() == corrections).map(row).collect()
    };
    let (supplies, corrections) = (part(false), part(true));
    let content = html! {
        (crumbs(&[Place::new("Reports", "/billing/reports"), Place::new("VAT by country", HERE)], "One-stop shop"))
        (page_head(&format!("One-stop shop, {name}"), Some("What consumers in other countries of the Union paid tax on, in the order of the return, and what corrects returns of earlier quarters."), Some(&files(OSS, &format!("quarter={name}")))))
        form.row method="get" action=(OSS) { (choose(&name, today)) }
        @if !missing.is_empty() {
            (notice(Tone::Warning, &html! { p { "Not converted, because no rate is noted: " (missing.join(", ")) ". " a href="/billing/exchange-rates" { "Note the rate" } "; the bank publishes it when the quarter is over." } }))
        }
        h2 { "Supplies of the quarter" }
        @if supplies.is_empty() { (empty(Icon::Info, "Nothing to declare in this quarter", "A return without supplies is due all the same.", None)) }
        @else { (table("Supplies of the quarter", &columns("Quarter"), &supplies)) (owed(false)) }
        h2 { "Corrections of earlier quarters" }
        @if corrections.is_empty() { p.dim { "None." } }
        @else { (table("Corrections of earlier quarters", &columns("Corrects"), &corrections)) (owed(true)) }
        p.small.dim { "By the day of issue. The return is made out in euro: amounts in another currency stand in lines of their own, and beside them in euro at the rate of the European Central Bank for the last day of the quarter, for a correction that of the quarter it corrects. " a href="/billing/exchange-rates" { "The rates" } "." }
    };
    Ok(desk(&req, "One-stop shop", &quarter_errors(&req), &content))
}

const OSS_NAMES: [&str; 14] = [
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
    "taxable_amount_eur",
    "vat_amount_eur",
    "exchange_rate",
    "exchange_rate_day",
];

async fn oss_file(req: Req) -> Result<Res, HttpError> {
    let (name, from, until) = quarter_of_file(&req)?;
    let lines =
        tax_report::one_stop_shop(&req.app.reader, &req.app.config.studio.country, from, until).await?;
    let rates = exchange_rates::table(&req.app.reader).await?;
    let rows = lines.iter().map(|l| {
        let euro = in_euro(l, &rates, from);
        let quote = euro.as_ref().and_then(|e| e.quote);
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
            euro.as_ref().map(|e| e.net.decimal()).unwrap_or_default(),
            euro.as_ref().map(|e| e.tax.decimal()).unwrap_or_default(),
            quote.map(|q| rate_words(q.millionths)).unwrap_or_default(),
            quote.map(|q| q.day.to_string()).unwrap_or_default(),
        ]
    });
    Ok(exports::whole(&format!("oss-{name}"), FileKind::of_path(&req), &OSS_NAMES, rows.collect()))
}
