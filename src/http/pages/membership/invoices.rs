//! `/account/invoices` and one invoice.

use super::paper::pdf;
use super::shared::invoice_sheet;
use crate::actors::paper::{Billed, billed};
use crate::domain::shared::Money;
use crate::http::error::HttpError;
use crate::http::listing::{sort, sortable};
use crate::http::page::{Page, page};
use crate::http::pages::account::places;
use crate::http::route::{Access, Route};
use crate::http::ui::button::link;
use crate::http::ui::layout::{Place, Theme, crumbs, rooms};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{Column, Icon, Weight, empty, format, page_head, table};
use crate::http::{Req, Res};
use crate::projections::invoices::{self, Invoice};
use crate::projections::people;
use maud::{Markup, html};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/invoices", Access::SignedIn, list),
        Route::get("/account/invoices/{number}", Access::SignedIn, one),
        Route::get("/account/invoices/{number}/pdf", Access::SignedIn, paper),
    ]
}

fn frame(req: &Req, title: &str, content: &Markup) -> Res {
    page(
        req,
        Page {
            title: title.into(),
            section: "Your account".into(),
            theme: Theme::Desk,
            private: true,
            body: html! { div.page { (rooms("Your account", &places(), "/account/invoices", content)) } },
            ..Page::default()
        },
    )
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let mut all = Vec::new();
    for account in people::same_person(&req.app.reader, req.account()?.id).await? {
        all.extend(invoices::of_account(&req.app.reader, account).await?);
    }
    all.sort_by_key(|i| std::cmp::Reverse(i.position));
    // The own ones are all read, so that they can be sorted here; what is equal stays in its usual order.
    let by = sort(&req, invoices::SORTS);
    if let Some(by) = by {
        let money = |m: Money| (m.currency, m.minor);
        let compare = |a: &Invoice, b: &Invoice| match by.name {
            "vat" => money(a.document.tax.tax).cmp(&money(b.document.tax.tax)),
            "total" => money(a.document.tax.gross).cmp(&money(b.document.tax.gross)),
            "issued" => a.document.issued_on.cmp(&b.document.issued_on),
            _ => a.number.cmp(&b.number),
        };
        all.sort_by(|a, b| if by.rises { compare(a, b) } else { compare(b, a) });
    }
    let columns = [
        sortable(&req, by, "number", Column::new("Number")),
        Column::new("For"),
        sortable(&req, by, "issued", Column::new("Issued")),
        sortable(&req, by, "vat", Column::number("VAT")),
        sortable(&req, by, "total", Column::number("Total")),
    ];
    let content = html! {
        (page_head("Invoices", None, None))
        @if all.is_empty() {
            (empty(Icon::Info, "No invoices yet", "When an order is paid, its invoice stands here.", Some(&Place::new("See your subscription", "/account/subscription"))))
        } @else {
            (table("Your invoices", &columns, &all.iter().map(row).collect::<Vec<_>>()))
        }
    };
    Ok(frame(&req, "Invoices", &content))
}

fn row(invoice: &Invoice) -> Vec<Markup> {
    let d = &invoice.document;
    let what = d.lines.first().map(|l| l.description.clone()).unwrap_or_default();
    let money = |m: Money| number(&m.to_string());
    vec![
        head(&html! { a href={ "/account/invoices/" (invoice.number) } { (invoice.number) } }),
        text(&what),
        cell(&html! { (format::day(d.issued_on)) }),
        money(d.tax.tax),
        money(d.tax.gross),
    ]
}

/// The own invoice that the address names, and the buyer as it stands on it.
async fn own(req: &Req) -> Result<(Invoice, Billed), HttpError> {
    let found = invoices::by_number(&req.app.reader, req.param("number")).await?;
    let mine = people::same_person(&req.app.reader, req.account()?.id).await?;
    let invoice = found.filter(|i| mine.contains(&i.document.account)).ok_or(HttpError::NotFound)?;
    let mut billed = billed(&req.app, &invoice).await?;
    if invoice.document.billing.is_none() {
        billed.address = Some(req.account()?.label.clone());
    }
    Ok((invoice, billed))
}

async fn paper(req: Req) -> Result<Res, HttpError> {
    let (invoice, billed) = own(&req).await?;
    pdf(&req, &invoice, &billed).await
}

async fn one(req: Req) -> Result<Res, HttpError> {
    let (invoice, billed) = own(&req).await?;
    let file = format!("/account/invoices/{}/pdf", invoice.number);
    let content = html! {
        (crumbs(&[Place::new("Invoices", "/account/invoices")], &invoice.number))
        h1.hush { (invoice.number) }
        (invoice_sheet(&invoice, &billed))
        p { (link("Download PDF", &file, Weight::Main)) }
        p { (link("See the order and its payments", &format!("/account/orders/{}", invoice.document.order), Weight::Quiet)) }
        p.small.dim { "The PDF can be kept for years (PDF/A) and carries the same facts as data, so that bookkeeping programs read it (Factur-X)." }
    };
    Ok(frame(&req, &invoice.number, &content))
}
