//! `GET /billing/orders` and one order; a transfer that has come is entered there.

use super::BILLING;
use super::parts::{ROWS, address, day, desk, money, names, order_status, page_number, pages, person, query};
use crate::actors::bus::Envelope;
use crate::domain::order::{Order, OrderCommand, Settlement};
use crate::domain::shared::Money;
use crate::http::error::HttpError;
use crate::http::page::unprocessable;
use crate::http::request::Req;
use crate::http::response::{Res, after};
use crate::http::route::Route;
use crate::http::ui::table::{self, Column, facts, table};
use crate::http::ui::{
    Errors, Field, Icon, Place, Tone, Weight, button, chip, crumbs, empty, error_summary, filter, filters,
    form, page_head, search_form,
};
use crate::projections::invoices;
use crate::projections::orders::{self, Filter, OrderRow};
use maud::{Markup, html};
use uuid::Uuid;

const PATH: &str = "/billing/orders";

/// The addresses of this file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, BILLING, list),
        Route::get("/billing/orders/{order}", BILLING, show),
        Route::post("/billing/orders/{order}/transfer", BILLING, transfer),
    ]
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let set = |name: &str| Some(req.query(name).to_owned()).filter(|value| !value.is_empty());
    let wanted =
        Filter { status: set("status"), number: set("q"), questionable: req.query("questionable") == "yes" };
    let number = page_number(&req);
    let (rows, total) = orders::list(&req.app.reader, &wanted, number * ROWS, ROWS).await?;
    let names = names(&req, &rows.iter().map(|row| row.account).collect::<Vec<Uuid>>()).await?;
    let parts =
        [("status", req.query("status")), ("q", req.query("q")), ("questionable", req.query("questionable"))];
    let narrowed = parts.iter().any(|(_, value)| !value.is_empty());
    let columns = [
        Column::new("Number"),
        Column::new("Member"),
        Column::new("For"),
        Column::new("Status"),
        Column::number("Amount"),
        Column::new("Placed"),
    ];
    let cells: Vec<Vec<Markup>> = rows
        .iter()
        .map(|row| {
            vec![
                table::head(&html! { a href={ (PATH) "/" (row.id) } { (row.number) } }),
                table::cell(&person(&names, row.account)),
                table::text(&row.description),
                table::cell(&html! { (order_status(&row.status)) @if row.overpaid.minor > 0 { " " (chip(Tone::Warning, "overpaid")) } }),
                table::number(&row.total.to_string()),
                table::cell(&day(Some(row.placed_at))),
            ]
        })
        .collect();
    let content = html! {
        (page_head("Orders", None, None))
        (search_form(PATH, "Number of the order", req.query("q")))
        (chips(&wanted, narrowed))
        @if rows.is_empty() {
            (empty(Icon::Info, if narrowed { "Nothing fits" } else { "No orders yet" }, "Every period of every subscription has its order, paid or not.", narrowed.then(|| Place::new("Show all", PATH)).as_ref()))
        } @else {
            (table("Orders", &columns, &cells))
            (pages(PATH, &query(&parts), number, rows.len(), total))
        }
    };
    Ok(desk(&req, "Orders", &content))
}

fn chips(wanted: &Filter, narrowed: bool) -> Markup {
    let states = [
        ("open", "waiting for money"),
        ("failed", "payment failed"),
        ("paid", "paid"),
        ("cancelled", "cancelled"),
    ];
    let mut chips: Vec<Markup> = match wanted.status.as_deref() {
        Some(chosen) => vec![filter(
            "Status",
            Some(states.iter().find(|(state, _)| *state == chosen).map_or(chosen, |(_, words)| words)),
            PATH,
        )],
        None => states
            .iter()
            .map(|(state, words)| filter(words, None, &address(PATH, &[("status", state)])))
            .collect(),
    };
    let to = if wanted.questionable { PATH } else { "/billing/orders?questionable=yes" };
    chips.push(filter("unknown or too much", wanted.questionable.then_some("yes"), to));
    filters(&chips, narrowed.then_some(PATH))
}

async fn find(req: &Req) -> Result<OrderRow, HttpError> {
    orders::one(&req.app.reader, req.id_param("order")?).await?.ok_or(HttpError::NotFound)
}

async fn show(req: Req) -> Result<Res, HttpError> {
    let order = find(&req).await?;
    page_of(&req, &order, "", &Errors::none()).await
}

async fn page_of(req: &Req, order: &OrderRow, amount: &str, errors: &Errors) -> Result<Res, HttpError> {
    let names = names(req, &[order.account]).await?;
    let invoice = invoices::of_order(&req.app.reader, order.id).await?;
    let settlement = match &order.settlement {
        Settlement::Charge { gateway } => html! { "Charge by " (gateway) },
        Settlement::Transfer { iban, reference } => {
            html! { "Bank transfer to " (iban) ", reference " strong { (reference) } }
        }
    };
    let by_transfer = matches!(order.settlement, Settlement::Transfer { .. });
    let content = html! {
        (crumbs(&[Place::new("Orders", PATH)], &order.number))
        (page_head(&order.number, Some(&order.description), Some(&order_status(&order.status))))
        (error_summary(errors))
        (facts(&[
            ("Member", person(&names, order.account)),
            ("Subscription", html! { a href={ "/billing/subscriptions/" (order.subscription) } { "Its whole story" } }),
            ("Amount", html! { (order.total) }),
            ("To be paid by", settlement),
            ("Placed", day(Some(order.placed_at))),
            ("Paid", day(order.paid_at)),
            ("Attempts", html! { (order.attempts) @if let Some(code) = &order.last_code { ", last declined with " code { (code) } } }),
            ("Came by transfer", html! { (order.transferred) }),
            ("Too much", html! { (order.overpaid) }),
            ("Invoice", invoice.as_ref().map_or_else(|| html! { "none yet" }, |invoice| html! { a href={ "/billing/invoices/" (invoice.number) } { (invoice.number) } })),
        ]))
        @if by_transfer && order.is_open() {
            section.stack {
                h2 { "Enter a transfer that has come" }
                p.dim { (money(Some(order.rest()))) " is still missing. Less leaves the order open with the rest; more is noted as too much." }
                (form(req, &format!("{PATH}/{}/transfer", order.id), &html! {
                    (Field::new("amount", "Amount received").short().inputmode("decimal").value(amount).hint("As on the bank statement, such as 11.50.").errors(errors).render())
                    (button::submit("Enter transfer", Weight::Main))
                }))
            }
        }
    };
    Ok(desk(req, &order.number, &content))
}

async fn transfer(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let order = find(&req).await?;
    let typed = form.get("amount").trim().to_owned();
    let refused = async |sentence: String| -> Result<Res, HttpError> {
        Ok(unprocessable(page_of(&req, &order, &typed, &Errors::one("amount", sentence)).await?))
    };
    let received = match Money::parse(&typed, order.total.currency) {
        Ok(received) if received.minor > 0 => received,
        Ok(_) => return refused("Enter an amount above zero.".into()).await,
        Err(error) => return refused(error.to_string()).await,
    };
    let command = OrderCommand::RecordTransfer { received, at: req.now() };
    let envelope = Envelope::new(req.command_id(&form), order.id, command, req.meta());
    match req.app.bus.dispatch::<Order>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("{PATH}/{}", order.id))),
        Err(crate::actors::CommandError::Refused(reason)) => refused(reason.to_string()).await,
        Err(error) => Err(error.into()),
    }
}
