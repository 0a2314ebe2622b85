//! The billing desk: what is going on, every subscription with its event log, orders, invoices, plans.

pub(super) mod approvals;
mod bank;
mod coupons;
mod credits;
mod direct_debits;
mod event_log;
mod exchange_rates;
pub(in crate::http) mod exports;
mod gifts;
mod invoice_reissue;
pub(in crate::http) mod invoices;
mod managed;
mod merge;
pub(super) mod order_credit;
mod order_outcome;
pub(in crate::http) mod orders;
mod overview;
mod payments;
mod periods;
mod plans;
mod price_change;
mod proof;
mod proof_log;
mod refund_ask;
mod refunds;
mod report_movements;
mod report_plans;
mod report_vat;
mod reports;
mod subscription;
pub(super) mod subscription_acts;
mod subscription_end;
mod subscription_export;
mod subscription_mails;
mod subscription_plan;
pub(in crate::http) mod subscriptions;
mod tax_rates;
mod what_if;
mod why;

use crate::actors::accounts::staff;
use crate::domain::shared::AccountId;
use crate::http::error::HttpError;
use crate::http::listing::{kept, page_number, sort, sortable, with};
use crate::http::page::{Page, page, unprocessable};
use crate::http::response::{self, text};
use crate::http::route::{Access, Route};
use crate::http::ui::layout::{Place, Theme, rooms};
use crate::http::ui::{Errors, error_summary};
use crate::http::{Req, Res};
use crate::projections::people;
use futures_util::future::try_join_all;
use maud::{Markup, html};
use std::collections::HashMap;
use warp::http::header::CONTENT_DISPOSITION;

/// The addresses of this desk.
#[must_use]
pub fn routes() -> Vec<Route> {
    [
        overview::routes(),
        subscriptions::routes(),
        subscription::routes(),
        subscription_acts::routes(),
        subscription_end::routes(),
        what_if::routes(),
        orders::routes(),
        order_outcome::routes(),
        order_credit::routes(),
        payments::routes(),
        refund_ask::routes(),
        refunds::routes(),
        credits::routes(),
        approvals::routes(),
        proof_log::routes(),
        invoices::routes(),
        invoice_reissue::routes(),
        managed::routes(),
        merge::routes(),
        plans::routes(),
        coupons::routes(),
        gifts::routes(),
        tax_rates::routes(),
        exchange_rates::routes(),
        bank::routes(),
        direct_debits::routes(),
        reports::routes(),
        report_movements::routes(),
        report_plans::routes(),
        report_vat::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Who may see it.
const BILLING: Access = Access::Role(&["billing"]);

/// Readings that are recorded at a time.
const AT_A_TIME: usize = 16;

/// Rows on one page of a list.
const PAGE: i64 = 25;

/// The places of the billing desk, for every page of it.
#[must_use]
pub fn places() -> Vec<Place> {
    vec![
        Place::new("Overview", "/billing"),
        Place::new("Subscriptions", "/billing/subscriptions"),
        Place::new("Orders", "/billing/orders"),
        Place::new("Payments", "/billing/payments"),
        Place::new("Refunds", "/billing/refunds"),
        Place::new("Credits", "/billing/credits"),
        Place::new("Approvals", "/billing/approvals"),
        Place::new("Bank", "/billing/bank"),
        Place::new("Direct debits", "/billing/direct-debits"),
        Place::new("Invoices", "/billing/invoices"),
        Place::new("Reports", "/billing/reports"),
        Place::new("Plans", "/billing/plans"),
        Place::new("Coupons", "/billing/coupons"),
        Place::new("Gifts", "/billing/gifts"),
        Place::new("Tax rates", "/billing/tax-rates"),
        Place::new("Exchange rates", "/billing/exchange-rates"),
        Place::new("People", "/billing/people"),
        Place::new("Mails", "/billing/mails"),
        Place::new("Proof", "/billing/proof"),
    ]
}

/// A page of this desk; with errors the answer is 422.
fn desk(req: &Req, title: &str, errors: &Errors, content: &Markup) -> Res {
    let content = html! { (error_summary(errors)) (content) };
    let res = page(
        req,
        Page {
            title: if errors.is_empty() { title.to_owned() } else { format!("Error: {title}") },
            section: "Billing".into(),
            theme: Theme::Desk,
            private: true,
            body: html! { div.page { (rooms("Billing", &places(), &req.path, &content)) } },
            ..Page::default()
        },
    );
    if errors.is_empty() { res } else { unprocessable(res) }
}

/// Names of people for a list. That they were read is recorded first; without the record there are
/// no names.
pub(super) async fn names(
    req: &Req,
    accounts: &[AccountId],
    scope: &str,
) -> Result<HashMap<AccountId, String>, HttpError> {
    let reader = req.account()?.id;
    let mut wanted: Vec<AccountId> = accounts.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    // A few at a time: however many there are, everybody else's commands find room.
    for some in wanted.chunks(AT_A_TIME) {
        let noted = some.iter().map(|id| staff::record_read(&req.app, req.meta(), reader, *id, scope));
        try_join_all(noted).await.map_err(|_| HttpError::busy())?;
    }
    Ok(people::display_names(&req.app.reader, &wanted).await?)
}

/// A person's name with the way to the person.
fn person(names: &HashMap<AccountId, String>, id: AccountId) -> Markup {
    let name = names.get(&id).map_or("Deleted account", String::as_str);
    html! { a href={ "/billing/people/" (id) } { (name) } }
}

/// The line below a list.
fn pages(req: &Req, number: i64, shown: usize, total: i64) -> Markup {
    crate::http::listing::pages(req, number, PAGE, shown, total)
}

/// A file to save.
fn download(name: &str, content_type: &str, content: String) -> Res {
    let mut res = text(content_type, content);
    response::set(&mut res, CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    response::set(&mut res, warp::http::header::CACHE_CONTROL, "no-store");
    res
}

/// Rows as CSV; a cell that a spreadsheet would take for a formula is quoted as text.
fn csv(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<String, HttpError> {
    let failed = |e: String| HttpError::Internal(format!("writing CSV: {e}"));
    let mut out = ::csv::Writer::from_writer(Vec::new());
    out.write_record(head).map_err(|e| failed(e.to_string()))?;
    for row in rows {
        let safe = row.into_iter().map(|cell| {
            let formula = cell.starts_with(['=', '@', '\t', '\r'])
                || (cell.starts_with(['+', '-']) && cell.parse::<f64>().is_err());
            if formula { format!("'{cell}") } else { cell }
        });
        out.write_record(safe).map_err(|e| failed(e.to_string()))?;
    }
    let bytes = out.into_inner().map_err(|e| failed(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::csv;

    #[test]
    fn csv_never_holds_a_formula() {
        let text =
            csv(&["a", "b"], [vec!["=1+1".into(), "-5.00".into()], vec!["x,y".into(), "-x".into()]]).unwrap();
        assert_eq!(text, "a,b\n'=1+1,-5.00\n\"x,y\",'-x\n");
    }
}
