//! Orders, invoices and gifts of one person: part of their page at the billing desk.

use crate::domain::shared::AccountId;
use crate::http::Req;
use crate::http::error::HttpError;
use crate::http::pages::membership::gifts::{gift_chip, what};
use crate::http::pages::membership::subscription::order_chip;
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{Column, format, table};
use crate::projections::{gifts, invoices, orders};
use maud::{Markup, html};

/// How many of each are shown.
const MOST: i64 = 10;

/// The newest of each; nothing of what there is none.
pub(super) async fn lists(req: &Req, id: AccountId) -> Result<Markup, HttpError> {
    Ok(html! {
        (of_orders(req, id).await?)
        (of_invoices(req, id).await?)
        (of_gifts(req, id).await?)
    })
}

async fn of_orders(req: &Req, id: AccountId) -> Result<Markup, HttpError> {
    let own = orders::Filter { account: Some(id), ..orders::Filter::default() };
    let (all, total) = orders::list(&req.app.reader, &own, None, 0, MOST).await?;
    let columns = [
        Column::new("Order"),
        Column::new("For"),
        Column::new("Status"),
        Column::number("Amount"),
        Column::new("Placed"),
    ];
    let rows = all.iter().map(|o| {
        vec![
            head(&html! { a href={ "/billing/orders/" (o.id) } { (o.number) } }),
            text(&o.description),
            cell(&order_chip(&o.status)),
            number(&o.total.to_string()),
            cell(&format::date(o.placed_at)),
        ]
    });
    let more = html! { p.small { "The newest of " a href={ "/billing/orders?account=" (id) } { (format::counted(total, "order", "orders")) } "." } };
    Ok(section("Orders", &columns, &rows.collect::<Vec<_>>(), (total > MOST).then_some(&more)))
}

async fn of_invoices(req: &Req, id: AccountId) -> Result<Markup, HttpError> {
    let all = invoices::after(&req.app.reader, "", Some(id), None, MOST + 1).await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let columns =
        [Column::new("Number"), Column::new("Of order"), Column::number("Amount"), Column::new("Issued")];
    let rows = all.iter().take(most).map(|i| {
        let d = &i.document;
        vec![
            head(&html! { a href={ "/billing/invoices/" (i.number) } { (i.number) } }),
            cell(&html! { a href={ "/billing/orders/" (d.order) } { (d.order_number) } }),
            number(&d.tax.gross.to_string()),
            text(&format::day(d.issued_on)),
        ]
    });
    let more = html! { p.small { "The newest ones; those before stand on the pages of their orders." } };
    Ok(section("Invoices", &columns, &rows.collect::<Vec<_>>(), (all.len() > most).then_some(&more)))
}

async fn of_gifts(req: &Req, id: AccountId) -> Result<Markup, HttpError> {
    let all = gifts::of_account(&req.app.reader, id).await?;
    let today = format::local_day(req.now());
    let columns = ["Gift", "Bought or got", "State", "Ordered"].map(Column::new);
    let rows = all.iter().map(|g| {
        vec![
            head(&html! { a href={ "/billing/gifts/" (g.id()) } { (what(g)) } }),
            text(if g.buyer() == id { "Bought" } else { "Got" }),
            cell(&gift_chip(g, today)),
            cell(&g.ordered_at().map_or_else(|| html! {}, format::date)),
        ]
    });
    Ok(section("Gifts", &columns, &rows.collect::<Vec<_>>(), None))
}

fn section(title: &str, columns: &[Column<'_>], rows: &[Vec<Markup>], more: Option<&Markup>) -> Markup {
    html! {
        @if !rows.is_empty() {
            section.stack { h2 { (title) } (table(title, columns, rows)) @if let Some(more) = more { (more) } }
        }
    }
}
