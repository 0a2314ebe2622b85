//! Parts of `/billing/reports` and their files: what moved the recurring revenue, who stays, which plans.

use super::BILLING;
use super::exports::{self, FileKind};
use super::reports::{Scope, charts, money, tall};
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{Column, Signed, bars, format, signed, table};
use crate::http::{Req, Res};
use crate::projections::movements::{self, Cohort, Month, Share};
use maud::{Markup, html};
use std::collections::BTreeMap;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/reports/movements.csv", BILLING, movements_file),
        Route::get("/billing/reports/movements.jsonl", BILLING, movements_file),
        Route::get("/billing/reports/cohorts.csv", BILLING, cohorts_file),
        Route::get("/billing/reports/cohorts.jsonl", BILLING, cohorts_file),
        Route::get("/billing/reports/plans.csv", BILLING, plans_file),
        Route::get("/billing/reports/plans.jsonl", BILLING, plans_file),
    ]
}

/// "4.2 %"; a dash where there was nobody.
fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "–".into();
    }
    let tenths = (part * 2000 + whole) / (2 * whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// "4.2", or nothing, for files.
fn plain_share(part: i64, whole: i64) -> String {
    share(part, whole).strip_suffix(" %").unwrap_or_default().to_owned()
}

/// A chart of each currency, because amounts of several are not added.
fn of_each(label: &str, all: &[Month], chart: impl Fn(&str, &[&Month]) -> Markup) -> Markup {
    let mut each: BTreeMap<&str, Vec<&Month>> = BTreeMap::new();
    for month in all {
        each.entry(month.currency.as_str()).or_default().push(month);
    }
    let several = each.len() > 1;
    html! {
        @for (currency, months) in &each {
            @if several { (chart(&format!("{label}, {currency}"), months)) } @else { (chart(label, months)) }
        }
    }
}

fn came(m: &Month) -> [(&'static str, i64); 3] {
    [("new", m.new), ("came back", m.reactivation), ("pay more", m.expansion)]
}

fn went(m: &Month) -> [(&'static str, i64); 2] {
    [("left or resting", m.churn), ("pay less", m.contraction)]
}

/// What moved the revenue: above the line what came, below it what went.
fn moves(scope: &Scope, label: &str, months: &[&Month]) -> Markup {
    let currency = months.first().map_or("", |m| m.currency.as_str());
    let sum = |parts: &[(&str, i64)]| parts.iter().map(|(_, minor)| *minor).sum::<i64>();
    let high = months.iter().map(|m| sum(&came(m))).max().unwrap_or(0);
    let low = months.iter().map(|m| sum(&went(m))).min().unwrap_or(0);
    let drawn: Vec<Signed> = months
        .iter()
        .map(|m| {
            let said: Vec<String> = came(m)
                .into_iter()
                .chain(went(m))
                .filter(|(_, minor)| *minor != 0)
                .map(|(name, minor)| format!("{name} {}", money(minor, currency)))
                .collect();
            Signed {
                words: format!("{}: {}", scope.words(m.month), said.join("; ")),
                above: came(m).map(|(_, minor)| tall(minor)).to_vec(),
                below: went(m).map(|(_, minor)| tall(-minor)).to_vec(),
            }
        })
        .collect();
    let axis = (money(high, currency).to_string(), money(low, currency).to_string());
    signed(label, (&axis.0, &axis.1), &drawn)
}

/// How much of what was there at the start of each span went.
fn churn(scope: &Scope, label: &str, months: &[&Month], of: fn(&Month) -> (i64, i64)) -> Markup {
    let drawn: Vec<(String, f64)> = months
        .iter()
        .map(|m| {
            let (lost, whole) = of(m);
            (format!("{}: {}", scope.words(m.month), share(lost, whole)), ratio(lost, whole))
        })
        .collect();
    bars(label, &drawn)
}

pub(super) fn movement(scope: &Scope, all: &[Month]) -> Markup {
    let columns = [
        Column::new(scope.column()),
        Column::number("At start"),
        Column::number("New"),
        Column::number("Came back"),
        Column::number("Pay more"),
        Column::number("Pay less"),
        Column::number("Left or resting"),
        Column::number("At end"),
        Column::number("Churn"),
        Column::number("Churn of revenue"),
    ];
    let rows = all.iter().rev().map(|m| {
        let money = |minor| number(&money(minor, &m.currency).to_string());
        vec![
            head(&html! { (scope.words(m.month)) }),
            money(m.start),
            money(m.new),
            money(m.reactivation),
            money(m.expansion),
            money(m.contraction),
            money(m.churn),
            money(m.end()),
            number(&share(m.lost, m.subscriptions)),
            number(&share(m.lost_minor, m.start)),
        ]
    });
    let ends = all.iter().map(|m| (m.month, m.currency.as_str(), m.end()));
    let ends = scope.drawn("Monthly recurring revenue at the end", ends);
    // One span alone is not drawn.
    let several = all.first().zip(all.last()).is_some_and(|(first, last)| first.month < last.month);
    let label = "What moved the monthly recurring revenue";
    let moved = of_each(label, all, |label, months| moves(scope, label, months));
    let left = of_each("Churn of subscriptions", all, |label, months| {
        churn(scope, label, months, |m| (m.lost, m.subscriptions))
    });
    let lost = of_each("Churn of revenue", all, |label, months| {
        churn(scope, label, months, |m| (m.lost_minor, m.start))
    });
    html! {
        @if all.is_empty() { p.dim { "Nobody has paid yet." } } @else {
            (ends)
            (moved)
            @if several { p.small.dim { "On the line, darker to lighter: new, came back, pay more. Below it: left or resting, pay less." } }
            (left)
            (lost)
            (table("What moved the monthly recurring revenue", &columns, &rows.collect::<Vec<_>>()))
            p.small.dim { "What coupons take off is taken off here too: a coupon that is used up shows as paying more. Churn: subscriptions that stopped giving, of those that gave at the start; churn of revenue: what was lost by them and by paying less, of the revenue at the start. Who came and left in between counts in neither. A subscription on trial or pause gives nothing." }
            (scope.files("movements"))
        }
    }
}

pub(super) fn who_stays(scope: &Scope, all: &[Cohort]) -> Markup {
    let most = all.iter().map(|c| c.kept.len()).max().unwrap_or(0);
    let names: Vec<String> = (1..=most).map(|n| format!("After {n} mo.")).collect();
    let columns: Vec<Column<'_>> = [Column::new("Came in"), Column::number("People")]
        .into_iter()
        .chain(names.iter().map(|n| Column::number(n)))
        .collect();
    let month = |c: &Cohort| c.month.format("%b %Y").to_string();
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .rev()
        .map(|c| {
            let kept = (0..most).map(|n| match c.kept.get(n) {
                Some(kept) => number(&share(*kept, c.size)),
                None => cell(&html! {}),
            });
            [head(&html! { (month(c)) }), number(&format::count(c.size))].into_iter().chain(kept).collect()
        })
        .collect();
    let drawn: Vec<(String, f64)> = (0..most)
        .map(|n| {
            let (kept, size) = kept_after(all, n);
            (format!("After {} months: {}", n + 1, share(kept, size)), ratio(kept, size))
        })
        .collect();
    html! {
        @if rows.is_empty() { p.dim { "Nobody has paid yet." } } @else {
            (bars("Who still gave after so many months, of all cohorts", &drawn))
            (table("Who still gave after so many months", &columns, &rows))
            (scope.files("cohorts"))
        }
    }
}

/// How many of all for whom `n + 1` months are over gave still.
fn kept_after(all: &[Cohort], n: usize) -> (i64, i64) {
    all.iter()
        .filter_map(|c| Some((*c.kept.get(n)?, c.size)))
        .fold((0, 0), |(a, b), (kept, size)| (a + kept, b + size))
}

fn ratio(part: i64, whole: i64) -> f64 {
    tall(part) / tall(whole.max(1))
}

pub(super) fn mix(scope: &Scope, all: &[Share]) -> Markup {
    let columns = [
        Column::new("Plan"),
        Column::new("Paid for"),
        Column::number("Subscriptions"),
        Column::number("A month"),
        Column::number("Share"),
    ];
    let whole =
        |currency: &str| all.iter().filter(|s| s.currency == currency).map(|s| s.monthly).sum::<i64>();
    let rows: Vec<Vec<Markup>> = all
        .iter()
        .map(|s| {
            vec![
                head(&html! { (s.plan) }),
                text(&s.interval),
                number(&format::count(s.subscriptions)),
                number(&money(s.monthly, &s.currency).to_string()),
                number(&share(s.monthly, whole(&s.currency))),
            ]
        })
        .collect();
    let named = all.iter().map(|s| (format!("{}, {}", s.plan, s.interval), s.currency.as_str(), s.monthly));
    let drawn = charts("What each plan brings a month", named);
    html! {
        @if rows.is_empty() { p.dim { "Nobody has paid yet." } } @else {
            (drawn)
            (table("Plans that bring something now", &columns, &rows))
            (scope.files("plans"))
        }
    }
}

const MOVEMENTS: [&str; 13] = [
    "period",
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
    "churn_percent",
    "revenue_churn_percent",
];

async fn movements_file(req: Req) -> Result<Res, HttpError> {
    let scope = Scope::of(&req)?;
    let all = movements::by_span(&req.app.reader, scope.span, scope.from, scope.today).await?;
    let lines = all.iter().map(|m| {
        let plain = |minor| money(minor, &m.currency).decimal();
        vec![
            scope.code(m.month),
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
            plain_share(m.lost, m.subscriptions),
            plain_share(m.lost_minor, m.start),
        ]
    });
    Ok(exports::whole("movements", FileKind::of_path(&req), &MOVEMENTS, lines.collect()))
}

async fn cohorts_file(req: Req) -> Result<Res, HttpError> {
    let scope = Scope::of(&req)?;
    let all = movements::cohorts(&req.app.reader, scope.first_cohort(), scope.today).await?;
    let lines = all.iter().flat_map(|c| {
        // At first, all are there: who came this month stands in the file too, as on the page.
        (0_usize..).zip(std::iter::once(&c.size).chain(&c.kept)).map(|(n, kept)| {
            let month = c.month.format("%Y-%m").to_string();
            vec![month, c.size.to_string(), n.to_string(), kept.to_string(), plain_share(*kept, c.size)]
        })
    });
    let names = &["came_in", "people", "after_months", "kept", "kept_percent"];
    Ok(exports::whole("cohorts", FileKind::of_path(&req), names, lines.collect()))
}

async fn plans_file(req: Req) -> Result<Res, HttpError> {
    // What the plans bring now is of no span: what is asked for is read all the same, and refused if it is none.
    Scope::of(&req)?;
    let all = movements::plan_mix(&req.app.reader).await?;
    let lines = all.iter().map(|s| {
        let monthly = money(s.monthly, &s.currency).decimal();
        vec![s.plan.clone(), s.interval.clone(), s.currency.clone(), s.subscriptions.to_string(), monthly]
    });
    let names = &["plan", "paid_for", "currency", "subscriptions", "monthly"];
    Ok(exports::whole("plans", FileKind::of_path(&req), names, lines.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_half_up() {
        assert_eq!(
            (share(1, 3), share(1, 8), share(0, 5), share(3, 0)),
            ("33.3 %".into(), "12.5 %".into(), "0.0 %".into(), "–".into())
        );
        assert_eq!((plain_share(1, 8), plain_share(1, 0)), ("12.5".into(), String::new()));
    }

    #[test]
    fn only_cohorts_for_whom_the_months_are_over_count() {
        let cohort =
            |size, kept: &[i64]| Cohort { month: "2026-01-01".parse().unwrap(), size, kept: kept.to_vec() };
        let all = [cohort(4, &[3, 2]), cohort(2, &[2]), cohort(9, &[])];
        assert_eq!((kept_after(&all, 0), kept_after(&all, 1), kept_after(&all, 2)), ((5, 6), (2, 4), (0, 0)));
    }
}
