//! `GET /billing/invoices` and one invoice, as it was issued.

use super::BILLING;
use super::parts::{ROWS, desk, names, page_number, pages, person, query};
use crate::http::error::HttpError;
use crate::http::request::Req;
use crate::http::response::Res;
use crate::http::route::Route;
use crate::http::ui::table::{self, Column, facts, table};
use crate::http::ui::{Icon, Place, Tone, chip, crumbs, empty, format, page_head, search_form};
use crate::projections::invoices::{self, Invoice};
use maud::{Markup, html};
use uuid::Uuid;

const PATH: &str = "/billing/invoices";

/// The addresses of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PATH, BILLING, list), Route::get("/billing/invoices/{number}", BILLING, show)]
}

fn kind(invoice: &Invoice) -> Markup {
    match (invoice.credit_note, invoice.document.paid) {
        (true, _) => chip(Tone::Plain, "Credit note"),
        (false, true) => chip(Tone::Success, "Paid"),
        (false, false) => chip(Tone::Info, "To be paid"),
    }
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let number = page_number(&req);
    let sought = req.query("q");
    let (rows, total) = invoices::list(&req.app.reader, sought, number * ROWS, ROWS).await?;
    let names = names(&req, &rows.iter().map(|row| row.document.account).collect::<Vec<Uuid>>()).await?;
    let columns = [
        Column::new("Number"),
        Column::new("Member"),
        Column::new("For"),
        Column::new("Kind"),
        Column::number("Amount"),
        Column::new("Issued"),
    ];
    let cells: Vec<Vec<Markup>> = rows
        .iter()
        .map(|row| {
            vec![
                table::head(&html! { a href={ (PATH) "/" (row.number) } { (row.number) } }),
                table::cell(&person(&names, row.document.account)),
                table::text(row.document.lines.first().map_or("", |line| line.description.as_str())),
                table::cell(&kind(row)),
                table::number(&row.document.tax.gross.to_string()),
                table::text(&format::day(row.document.issued_on)),
            ]
        })
        .collect();
    let content = html! {
        (page_head("Invoices", None, None))
        (search_form(PATH, "Number of the invoice", sought))
        @if rows.is_empty() {
            (empty(Icon::Info, if sought.is_empty() { "No invoices yet" } else { "Nothing fits" }, "An invoice is issued as soon as an order is paid, with the next number of its series.", (!sought.is_empty()).then(|| Place::new("Show all", PATH)).as_ref()))
        } @else {
            (table("Invoices", &columns, &cells))
            (pages(PATH, &query(&[("q", sought)]), number, rows.len(), total))
        }
    };
    Ok(desk(&req, "Invoices", &content))
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let invoice =
        invoices::by_number(&req.app.reader, req.param("number")).await?.ok_or(HttpError::NotFound)?;
    let document = &invoice.document;
    let names = names(&req, &[document.account]).await?;
    let columns =
        [Column::new("Line"), Column::new("Period"), Column::number("Quantity"), Column::number("Each")];
    let lines: Vec<Vec<Markup>> = document
        .lines
        .iter()
        .map(|line| {
            let period = line.period.as_ref().map_or_else(
                || "–".into(),
                |period| format!("{} to {}", format::day(period.start), format::day(period.end)),
            );
            vec![
                table::head(&html! { (line.description) }),
                table::text(&period),
                table::number(&line.quantity.to_string()),
                table::number(&line.unit.to_string()),
            ]
        })
        .collect();
    let tax = &document.tax;
    let rate = format!("{}.{:02} %", tax.basis_points / 100, tax.basis_points % 100);
    let content = html! {
        (crumbs(&[Place::new("Invoices", PATH)], &invoice.number))
        (page_head(&invoice.number, None, Some(&kind(&invoice))))
        (facts(&[
            ("Member", person(&names, document.account)),
            ("Order", html! { a href={ "/billing/orders/" (document.order) } { (document.order_number) } }),
            ("Subscription", html! { a href={ "/billing/subscriptions/" (document.subscription) } { "Its whole story" } }),
            ("Issued", html! { (format::day(document.issued_on)) }),
            ("Seller", html! { (document.seller.name) @if !document.seller.vat_number.is_empty() { ", " (document.seller.vat_number) } }),
            ("Net", html! { (tax.net) }),
            ("Tax", html! { (tax.tax) ", " (rate) " of " (tax.country) @if let Some(since) = tax.rate_since { " (in force since " (format::day(since)) ")" } }),
            ("Total", html! { strong { (tax.gross) } }),
        ]))
        (table("Lines", &columns, &lines))
        @if let Some(corrected) = &document.corrects { p { "Takes back " a href={ (PATH) "/" (corrected) } { (corrected) } "." } }
    };
    Ok(desk(&req, &invoice.number, &content))
}
