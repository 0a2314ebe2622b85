//! Lists for bookkeepers as files: everything, or what belongs to some days, sent while it is read.

use super::Endpoint;
use crate::actors::accounts::access_tokens::Scope;
use crate::domain::shared::calendar::{Zone, day_of};
use crate::http::pages::billing::exports::{self, FileKind, PART, Part};
use crate::http::pages::billing::{
    invoices as invoice_list, orders as order_list, subscriptions as member_list,
};
use crate::http::pages::membership::shared::TaxDesk;
use crate::http::route::Access;
use crate::http::{HttpError, Req, Res};
use crate::projections::{invoices, orders, subscriptions};
use chrono::NaiveDate;
use std::sync::Arc;

const STAFF: Access = Access::Role(&["billing"]);
const CSV: &str = "text/csv";
const LINES: &str = "application/jsonl";
const DAYS: &[(&str, &str)] = &[
    ("from", "the first day, such as `2026-01-01`, by the studio's calendar"),
    ("until", "the last day, such as `2026-01-31`"),
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = Scope::BillingRead;
    let file = |endpoint: Endpoint, kind| endpoint.file(kind, DAYS).access(STAFF);
    let issued = "Invoices and credit notes issued in these days, the newest first";
    let placed = "Orders placed in these days, the newest first";
    let joined = "Subscriptions begun in these days, the newest first";
    vec![
        file(Endpoint::get("/api/v1/invoices.csv", read, issued, "", issued_in), CSV),
        file(Endpoint::get("/api/v1/invoices.jsonl", read, issued, "", issued_in), LINES),
        file(Endpoint::get("/api/v1/orders.csv", read, placed, "", placed_in), CSV),
        file(Endpoint::get("/api/v1/orders.jsonl", read, placed, "", placed_in), LINES),
        file(Endpoint::get("/api/v1/subscriptions.csv", read, joined, "", begun_in), CSV),
        file(Endpoint::get("/api/v1/subscriptions.jsonl", read, joined, "", begun_in), LINES),
    ]
}

/// The days that are asked for, by the studio's calendar.
#[derive(Clone, Copy)]
struct Days {
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    zone: Zone,
}

impl Days {
    fn asked(req: &Req) -> Result<Self, HttpError> {
        let wrong = |name: &str, why: &str| HttpError::Fields(vec![(name.into(), why.into())]);
        let day = |name: &str| match req.query(name) {
            "" => Ok(None),
            text => day_of(text).map(Some).ok_or_else(|| wrong(name, "Ask for a day such as 2026-01-31.")),
        };
        let (from, until) = (day("from")?, day("until")?);
        if from.zip(until).is_some_and(|(from, until)| from > until) {
            return Err(wrong("until", "The last day lies before the first."));
        }
        let zone =
            Zone::parse(&req.app.config.studio.zone).map_err(|e| HttpError::Internal(e.to_string()))?;
        Ok(Self { from, until, zone })
    }

    fn have(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| day >= from) && self.until.is_none_or(|until| day <= until)
    }

    /// Whether all of these days come after `day`.
    fn begin_after(&self, day: NaiveDate) -> bool {
        self.from.is_some_and(|from| day < from)
    }

    /// What of `rows` belongs to these days, and where the list goes on.
    fn part<T, K>(
        &self,
        rows: &[T],
        day: impl Fn(&T) -> NaiveDate,
        cells: impl Fn(&T) -> Vec<String>,
        key: impl Fn(&T) -> K,
    ) -> Part<K> {
        let wanted: Vec<&T> = rows.iter().filter(|row| self.have(day(row))).collect();
        (wanted.into_iter().map(cells).collect(), exports::part(rows, |_| vec![], key).1)
    }
}

async fn issued_in(req: Req) -> Result<Res, HttpError> {
    let (days, app) = (Days::asked(&req)?, Arc::clone(&req.app));
    let kind = FileKind::of_path(&req);
    Ok(exports::send("invoices", kind, &invoice_list::NAMES, move |last| {
        let app = Arc::clone(&app);
        async move {
            let rows = invoices::after(&app.reader, "", None, last, PART).await?;
            // To the end of the list: invoices and credit notes are two series, of which either may be ahead in days.
            Ok(days.part(&rows, |i| i.document.issued_on, invoice_list::cells, |i| i.position))
        }
    }))
}

async fn placed_in(req: Req) -> Result<Res, HttpError> {
    let (days, app) = (Days::asked(&req)?, Arc::clone(&req.app));
    let kind = FileKind::of_path(&req);
    Ok(exports::send("orders", kind, &order_list::NAMES, move |last| {
        let app = Arc::clone(&app);
        async move {
            let rows = orders::after(&app.reader, &orders::Filter::default(), last, PART).await?;
            let day = |o: &orders::OrderRow| days.zone.date_of(o.placed_at);
            let (rows, next) = days.part(&rows, day, order_list::cells, |o| (o.placed_at, o.id));
            Ok((rows, next.filter(|(at, _)| !days.begin_after(days.zone.date_of(*at)))))
        }
    }))
}

async fn begun_in(req: Req) -> Result<Res, HttpError> {
    let (days, app) = (Days::asked(&req)?, Arc::clone(&req.app));
    let tax = Arc::new(TaxDesk::open(&req).await?);
    let kind = FileKind::of_path(&req);
    Ok(exports::send("subscriptions", kind, &member_list::NAMES, move |last| {
        let (app, tax) = (Arc::clone(&app), Arc::clone(&tax));
        async move {
            let rows =
                subscriptions::after(&app.reader, &subscriptions::Filter::default(), last, PART).await?;
            let day = |s: &subscriptions::SubscriptionRow| days.zone.date_of(s.joined_at);
            let cells = |s: &subscriptions::SubscriptionRow| member_list::cells(s, &tax);
            let (rows, next) = days.part(&rows, day, cells, |s| (s.joined_at, s.id));
            Ok((rows, next.filter(|(at, _)| !days.begin_after(days.zone.date_of(*at)))))
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_and_the_last_day_belong_to_it_and_older_ones_are_still_looked_through() {
        let zone = Zone::amsterdam();
        let days = Days { from: Some(day("2026-01-01")), until: Some(day("2026-01-31")), zone };
        let cells = |d: &NaiveDate| vec![d.to_string()];
        let rows = ["2026-02-01", "2026-01-31", "2025-12-31", "2026-01-01"].map(day);
        let wanted = vec![vec!["2026-01-31".to_owned()], vec!["2026-01-01".to_owned()]];
        assert_eq!(days.part(&rows, |d| *d, cells, |d| *d), (wanted, None));
        // A full part goes on, whatever is in it: a credit note may be of an older day than the invoice before it.
        let full = [vec![day("2026-01-15"); 999], vec![day("2025-12-31")]].concat();
        assert_eq!(days.part(&full, |d| *d, cells, |d| *d).1, Some(day("2025-12-31")));
        assert!(days.begin_after(day("2025-12-31")) && !days.begin_after(day("2026-01-01")));
    }
}
