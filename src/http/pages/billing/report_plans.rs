//! A part of `/billing/reports` and its file: how many memberships each price of each plan had, over time.

use super::BILLING;
use super::exports::{self, FileKind};
use super::reports::{Scope, money, tall};
use crate::http::error::HttpError;
use crate::http::route::Route;
use crate::http::ui::table::{head, number};
use crate::http::ui::{Column, format, stacked, table};
use crate::http::{Req, Res};
use crate::projections::plan_mix::{self, Count};
use chrono::NaiveDate;
use maud::{Markup, html};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/reports/plan-mix.csv", BILLING, file),
        Route::get("/billing/reports/plan-mix.jsonl", BILLING, file),
    ]
}

/// "Studio, €11.50 a month".
fn called(one: &Count) -> String {
    format!("{}, {} per {}", one.plan, money(one.price, &one.currency), one.every)
}

/// The prices that anybody has in the spans, those with the most memberships at the end first, and how many each
/// span has of each.
struct Mix<'a> {
    prices: Vec<&'a Count>,
    spans: BTreeMap<NaiveDate, BTreeMap<Uuid, i64>>,
}

impl<'a> Mix<'a> {
    fn of(all: &'a [Count]) -> Self {
        let mut newest: BTreeMap<Uuid, &Count> = BTreeMap::new();
        let mut spans: BTreeMap<NaiveDate, BTreeMap<Uuid, i64>> = BTreeMap::new();
        for one in all {
            newest.insert(one.variation, one);
            spans.entry(one.start).or_default().insert(one.variation, one.active);
        }
        let mut prices: Vec<&Count> = newest.into_values().collect();
        prices.sort_by_key(|one| (std::cmp::Reverse((one.start, one.active)), called(one)));
        Self { prices, spans }
    }

    fn row(&self, counts: &BTreeMap<Uuid, i64>) -> Vec<i64> {
        self.prices.iter().map(|one| counts.get(&one.variation).copied().unwrap_or(0)).collect()
    }
}

pub(super) fn over_time(scope: &Scope, all: &[Count]) -> Markup {
    let mix = Mix::of(all);
    let names: Vec<String> = mix.prices.iter().map(|one| called(one)).collect();
    let columns: Vec<Column<'_>> = [Column::new(scope.column()), Column::number("Active memberships")]
        .into_iter()
        .chain(names.iter().map(|name| Column::number(name)))
        .collect();
    let rows: Vec<Vec<Markup>> = mix
        .spans
        .iter()
        .rev()
        .map(|(start, counts)| {
            let row = mix.row(counts);
            [head(&html! { (scope.words(*start)) }), number(&format::count(row.iter().sum()))]
                .into_iter()
                .chain(row.iter().map(|n| number(&format::count(*n))))
                .collect()
        })
        .collect();
    let drawn: Vec<(String, Vec<f64>)> = mix
        .spans
        .iter()
        .map(|(start, counts)| {
            let row = mix.row(counts);
            let parts: Vec<String> = names
                .iter()
                .zip(&row)
                .filter(|(_, n)| **n > 0)
                .map(|(name, n)| format!("{name}: {}", format::count(*n)))
                .collect();
            let words = format!("{}: {}", scope.words(*start), parts.join("; "));
            (words, row.iter().map(|n| tall(*n)).collect())
        })
        .collect();
    html! {
        @if rows.is_empty() { p.dim { "There is no active membership yet." } } @else {
            (stacked("Active memberships by plan and price at the end", &drawn))
            @if drawn.len() > 1 && names.len() > 1 {
                p.small.dim { "In each bar from below, darker to lighter: " (names.join("; ")) "." }
            }
            (table("Active memberships by plan and price at the end", &columns, &rows))
            p.small.dim { "Active as the list of subscriptions says it: those on trial, those that are paused, and those that are cancelled and still run count; those on hold do not." }
            (scope.files("plan-mix"))
        }
    }
}

const NAMES: [&str; 7] = ["period", "plan", "variation", "paid_for", "currency", "price", "active"];

async fn file(req: Req) -> Result<Res, HttpError> {
    let scope = Scope::of(&req)?;
    let all = plan_mix::by_span(&req.app.reader, scope.span, scope.from, scope.today).await?;
    let lines = all.iter().map(|one| {
        vec![
            scope.code(one.start),
            one.plan.clone(),
            one.variation.to_string(),
            one.every.clone(),
            one.currency.clone(),
            money(one.price, &one.currency).decimal(),
            one.active.to_string(),
        ]
    });
    Ok(exports::whole("plan-mix", FileKind::of_path(&req), &NAMES, lines.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_that_most_have_at_the_end_comes_first_and_who_is_missing_counts_nought() {
        let one = |start: &str, variation: u128, plan: &str, active| Count {
            start: start.parse().unwrap(),
            variation: Uuid::from_u128(variation),
            plan: plan.into(),
            every: "month".into(),
            price: 1150,
            currency: "EUR".into(),
            active,
        };
        let all = [
            one("2026-01-01", 3, "Former", 9),
            one("2026-01-01", 1, "Studio", 4),
            one("2026-02-01", 1, "Studio", 5),
            one("2026-02-01", 2, "Team", 7),
        ];
        let mix = Mix::of(&all);
        let names: Vec<&str> = mix.prices.iter().map(|one| one.plan.as_str()).collect();
        assert_eq!(names, ["Team", "Studio", "Former"]);
        let rows: Vec<Vec<i64>> = mix.spans.values().map(|counts| mix.row(counts)).collect();
        assert_eq!(rows, [[0, 4, 9], [7, 5, 0]]);
        assert_eq!(called(mix.prices[0]), "Team, €11.50 per month");
    }
}
