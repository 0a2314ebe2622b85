//! `/billing/invoices` and one invoice.

use super::exports::{self, FileKind, PART};
use super::{BILLING, PAGE, desk, kept, names, page_number, pages, person, sort, sortable};
use crate::actors::accounts::staff;
use crate::actors::paper::{Billed, billed};
use crate::domain::gift::is_order_of;
use crate::http::error::HttpError;
use crate::http::pages::membership::paper::pdf;
use crate::http::pages::membership::shared::invoice_sheet;
use crate::http::route::Route;
use crate::http::ui::button::link_small;
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Icon, Tone, Weight, chip, empty, format, page_head, search_form, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::invoices::{self, Invoice};
use maud::{Markup, html};
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/invoices", BILLING, list),
        Route::get("/billing/invoices/{number}", BILLING, show),
        Route::get("/billing/invoices/{number}/pdf", BILLING, paper),
    ]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let words = req.query("q");
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(&req, &["q"])?;
        return Ok(export(&req, kind, words));
    }
    let (page, by) = (page_number(&req), sort(&req, invoices::SORTS));
    let (rows, total) = invoices::list(&req.app.reader, words, by, (page - 1) * PAGE, PAGE).await?;
    let accounts: Vec<Uuid> = rows.iter().map(|i| i.document.account).collect();
    let names = names(&req, &accounts, "billing-invoices").await?;
    let columns = [
        sortable(&req, by, "number", Column::new("Number")),
        Column::new("Member"),
        Column::new("For"),
        sortable(&req, by, "kind", Column::new("Kind")),
        sortable(&req, by, "vat", Column::number("VAT")),
        sortable(&req, by, "total", Column::number("Amount")),
        sortable(&req, by, "issued", Column::new("Issued")),
    ];
    let lines: Vec<Vec<Markup>> = rows
        .iter()
        .map(|i| {
            let d = &i.document;
            vec![
                head(&html! { a href={ "/billing/invoices/" (i.number) } { (i.number) } }),
                cell(&person(&names, d.account)),
                text(d.lines.first().map_or("", |l| l.description.as_str())),
                cell(&if i.credit_note {
                    chip(Tone::Warning, "Credit note")
                } else {
                    chip(Tone::Plain, "Invoice")
                }),
                number(&d.tax.tax.to_string()),
                number(&d.tax.gross.to_string()),
                cell(&html! { (format::day(d.issued_on)) }),
            ]
        })
        .collect();
    let acts = exports::files(&req);
    let content = html! {
        (page_head("Invoices", Some("Numbers run on without a gap; an issued invoice never changes."), Some(&acts)))
        (search_form("/billing/invoices", "Number or part of it", words, &kept(&req, &["q"])))
        @if lines.is_empty() {
            (empty(Icon::Info, "No invoices", "An invoice is issued when an order is paid, or when it asks for a transfer.", None))
        } @else {
            (table("Invoices", &columns, &lines))
            (pages(&req, page, lines.len(), total))
        }
    };
    Ok(desk(&req, "Invoices", &Errors::none(), &content))
}

pub(in crate::http) const NAMES: [&str; 13] = [
    "number",
    "kind",
    "order",
    "account",
    "issued_on",
    "country",
    "tax_kind",
    "rate_percent",
    "net",
    "vat",
    "gross",
    "currency",
    "corrects",
];

pub(in crate::http) fn cells(i: &Invoice) -> Vec<String> {
    let d = &i.document;
    let kind = serde_json::to_value(d.tax.kind).ok().and_then(|v| v.as_str().map(ToOwned::to_owned));
    vec![
        i.number.clone(),
        if i.credit_note { "credit note".into() } else { "invoice".into() },
        d.order_number.clone(),
        d.account.to_string(),
        d.issued_on.to_string(),
        d.tax.country.to_string(),
        kind.unwrap_or_default(),
        format!("{}.{:02}", d.tax.basis_points / 100, d.tax.basis_points % 100),
        d.tax.net.decimal(),
        d.tax.tax.decimal(),
        d.tax.gross.decimal(),
        d.tax.gross.currency.to_string(),
        d.corrects.clone().unwrap_or_default(),
    ]
}

fn export(req: &Req, kind: FileKind, words: &str) -> Res {
    let (app, words) = (Arc::clone(&req.app), words.to_owned());
    exports::send("invoices", kind, &NAMES, move |last| {
        let (app, words) = (Arc::clone(&app), words.clone());
        async move {
            let rows = invoices::after(&app.reader, &words, None, last, PART).await?;
            Ok(exports::part(&rows, cells, |i| i.position))
        }
    })
}

/// The invoice that the address names, and the buyer; reading it is recorded.
async fn asked(req: &Req) -> Result<(Invoice, Billed), HttpError> {
    let invoice =
        invoices::by_number(&req.app.reader, req.param("number")).await?.ok_or(HttpError::NotFound)?;
    let account = invoice.document.account;
    staff::record_read(&req.app, req.meta(), req.account()?.id, account, "billing-invoice")
        .await
        .map_err(|_| HttpError::busy())?;
    let billed = billed(&req.app, &invoice).await?;
    Ok((invoice, billed))
}

async fn paper(req: Req) -> Result<Res, HttpError> {
    let (invoice, billed) = asked(&req).await?;
    pdf(&req, &invoice, &billed).await
}

/// The way to what it was for: a subscription, or a gift.
fn what_for(invoice: &Invoice) -> Markup {
    let (subject, order) = (invoice.document.subscription, invoice.document.order);
    html! {
        @if is_order_of(subject, order) { a href={ "/billing/gifts/" (subject) } { "The gift" } }
        @else { a href={ "/billing/subscriptions/" (subject) } { "The subscription" } }
    }
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

pub(super) async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let (invoice, billed) = asked(req).await?;
    let anew = super::invoice_reissue::panel(req, &invoice, form, errors).await?;
    let all = invoices::all_of_order(&req.app.reader, invoice.document.order).await?;
    let others: Vec<&Invoice> = all.iter().filter(|other| other.number != invoice.number).collect();
    let file = format!("/billing/invoices/{}/pdf", invoice.number);
    let content = html! {
        (crumbs(&[Place::new("Invoices", "/billing/invoices")], &invoice.number))
        h1.hush { (invoice.number) }
        (invoice_sheet(&invoice, &billed))
        p { (link_small("Download PDF", &file, Weight::Plain)) }
        p { a href={ "/billing/orders/" (invoice.document.order) } { "The order" } " · " (what_for(&invoice)) }
        @if !others.is_empty() {
            p { "Other papers of the order: " @for (n, other) in others.iter().enumerate() { (if n > 0 { ", " } else { "" }) a href={ "/billing/invoices/" (other.number) } { (other.number) } } "." }
        }
        (anew)
    };
    Ok(desk(req, &invoice.number, errors, &content))
}
