//! `/billing/orders`, one order, and booking a transfer on it.

use super::exports::{self, FileKind, PART};
use super::subscription_acts::with_reason;
use super::{BILLING, PAGE, approvals, desk, kept, names, page_number, pages, person, sort, sortable, with};
use crate::actors::accounts;
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::payments;
use crate::domain::approval::Act;
use crate::domain::gift::is_order_of;
use crate::domain::order::{Order, OrderCommand, OrderEvent, Settlement, transfer_reference};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::{day_of, day_words};
use crate::http::error::HttpError;
use crate::http::pages::membership::subscription::order_chip;
use crate::http::response::after;
use crate::http::route::Route;
use crate::http::ui::button::submit;
use crate::http::ui::layout::{Place, crumbs};
use crate::http::ui::table::{cell, head, number, text};
use crate::http::ui::{
    Column, Errors, Field, Icon, Weight, empty, facts, filter, filters, form as post_form, format, page_head,
    search_form, table,
};
use crate::http::{Form, Req, Res};
use crate::projections::invoices;
use crate::projections::orders::{self, Filter, OrderRow, Sought};
use crate::projections::people;
use crate::projections::refunds;
use chrono::NaiveDate;
use maud::{Markup, html};
use std::sync::Arc;
use uuid::Uuid;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/billing/orders", BILLING, list),
        Route::get("/billing/orders/{id}", BILLING, show),
        Route::post("/billing/orders/{id}/paid", BILLING, book),
    ]
}

const STATUSES: [(&str, &str); 9] = [
    ("open", "Open"),
    ("failing", "Payment failed or given up"),
    ("created", "Waiting"),
    ("soft-failed", "Payment failed"),
    ("failed", "Given up"),
    ("paid", "Paid"),
    ("fulfilled", "Fulfilled"),
    ("refunded", "Refunded"),
    ("cancelled", "Cancelled"),
];

/// What the words of a search mean: a number with or without what the bank puts before it, an amount, or a member.
async fn sought(req: &Req) -> Result<Option<Sought>, HttpError> {
    let words = req.query("q").trim();
    if words.is_empty() {
        return Ok(None);
    }
    let accounts = match accounts::find(&req.app, words).await? {
        Some(account) => people::of_person(&req.app.reader, account).await?,
        None => Vec::new(),
    };
    Ok(Some(Sought { accounts, ..Sought::of(words) }))
}

/// The account whose orders are asked for, as the page of a person does.
fn account(req: &Req) -> Result<Option<Uuid>, HttpError> {
    let asked = Some(req.query("account")).filter(|id| !id.is_empty());
    asked.map(|id| id.parse().map_err(|_| HttpError::NotFound)).transpose()
}

async fn list(req: Req) -> Result<Res, HttpError> {
    let set = |name: &str| Some(req.query(name).to_owned()).filter(|v| !v.is_empty());
    let narrowed = Filter {
        status: set("status"),
        sought: sought(&req).await?,
        questionable: req.query("questionable") == "yes",
        unknown: req.query("unknown") == "yes",
        lost: req.query("lost") == "yes",
        account: account(&req)?,
    };
    if let Some(kind) = FileKind::asked(&req) {
        exports::only(&req, &["q", "status", "questionable", "unknown", "lost", "account"])?;
        exports::known(&req, "status", STATUSES.iter().map(|(status, _)| *status))?;
        return Ok(export(&req, kind, narrowed));
    }
    let (page, by) = (page_number(&req), sort(&req, orders::SORTS));
    let (rows, total) = orders::list(&req.app.reader, &narrowed, by, (page - 1) * PAGE, PAGE).await?;
    let accounts: Vec<Uuid> = rows.iter().map(|r| r.account).collect();
    let names = names(&req, &accounts, "billing-orders").await?;
    let mut chips: Vec<Markup> = match &narrowed.status {
        Some(status) => {
            let label = STATUSES.iter().find(|(s, _)| s == status).map_or(status.as_str(), |(_, l)| l);
            vec![filter("Status", Some(label), &with(&req, "status", None))]
        }
        None => STATUSES.iter().map(|(s, l)| filter(l, None, &with(&req, "status", Some(s)))).collect(),
    };
    for (name, label, on) in [
        ("unknown", "Payment unknown", narrowed.unknown),
        ("questionable", "Unknown, disputed, taken back or too much", narrowed.questionable),
        ("lost", "Dispute lost", narrowed.lost),
    ] {
        chips.push(match on {
            true => filter(label, Some("yes"), &with(&req, name, None)),
            false => filter(label, None, &with(&req, name, Some("yes"))),
        });
    }
    if let Some(account) = narrowed.account {
        let whose = names.get(&account).map_or("one person", String::as_str);
        chips.push(filter("Member", Some(whose), &with(&req, "account", None)));
    }
    let clear = (narrowed != Filter::default()).then_some("/billing/orders");
    let columns = [
        sortable(&req, by, "number", Column::new("Number")),
        Column::new("Member"),
        sortable(&req, by, "for", Column::new("For")),
        sortable(&req, by, "status", Column::new("Status")),
        sortable(&req, by, "amount", Column::number("Amount")),
        sortable(&req, by, "placed", Column::new("Placed")),
    ];
    let lines: Vec<Vec<Markup>> = rows
        .iter()
        .map(|o| {
            vec![
                head(&html! { a href={ "/billing/orders/" (o.id) } { (o.number) } }),
                cell(&person(&names, o.account)),
                text(&o.description),
                cell(&order_chip(&o.status)),
                number(&o.total.to_string()),
                cell(&format::date(o.placed_at)),
            ]
        })
        .collect();
    let acts = exports::files(&req);
    let content = html! {
        (page_head("Orders", None, Some(&acts)))
        (search_form("/billing/orders", "Order number, the bank's reference, an amount, or the member's mail address or user name", req.query("q"), &kept(&req, &["q"])))
        (filters(&chips, clear))
        @if lines.is_empty() {
            (empty(Icon::Search, "No order found", "Take a filter away, or search for another number, an amount such as 14.90, or the whole mail address of the member.", Some(&Place::new("Show all", "/billing/orders"))))
        } @else {
            (table("Orders", &columns, &lines))
            (pages(&req, page, lines.len(), total))
        }
    };
    Ok(desk(&req, "Orders", &Errors::none(), &content))
}

pub(in crate::http) const NAMES: [&str; 14] = [
    "number",
    "order",
    "account",
    "subscription",
    "description",
    "status",
    "amount",
    "refunded",
    "currency",
    "settlement",
    "attempts",
    "placed_at",
    "paid_at",
    "gift",
];

pub(in crate::http) fn cells(o: &OrderRow) -> Vec<String> {
    let way = match &o.settlement {
        Settlement::Charge { gateway } => gateway.clone(),
        Settlement::Transfer { .. } => "transfer".into(),
    };
    let gift = is_order_of(o.subscription, o.id);
    vec![
        o.number.clone(),
        o.id.to_string(),
        o.account.to_string(),
        if gift { String::new() } else { o.subscription.to_string() },
        o.description.clone(),
        o.status.clone(),
        o.total.decimal(),
        o.refunded.decimal(),
        o.total.currency.to_string(),
        way,
        o.attempts.to_string(),
        o.placed_at.to_rfc3339(),
        o.paid_at.map(|t| t.to_rfc3339()).unwrap_or_default(),
        if gift { o.subscription.to_string() } else { String::new() },
    ]
}

fn export(req: &Req, kind: FileKind, narrowed: Filter) -> Res {
    let app = Arc::clone(&req.app);
    exports::send("orders", kind, &NAMES, move |last| {
        let (app, narrowed) = (Arc::clone(&app), narrowed.clone());
        async move {
            let rows = orders::after(&app.reader, &narrowed, last, PART).await?;
            Ok(exports::part(&rows, cells, |o| (o.placed_at, o.id)))
        }
    })
}

async fn show(req: Req) -> Result<Res, HttpError> {
    view(&req, &Form::default(), &Errors::none()).await
}

pub(super) async fn view(req: &Req, form: &Form, errors: &Errors) -> Result<Res, HttpError> {
    let order = orders::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let names = names(req, &[order.account], "billing-order").await?;
    let invoice = invoices::of_order(&req.app.reader, order.id).await?;
    let refunds = refunds::of_order(&req.app.reader, order.id).await?;
    let placed: Option<OrderEvent> =
        serde_json::from_value(serde_json::json!({ "type": "OrderPlaced", "data": order.placed })).ok();
    let tax = placed.and_then(|p| match p {
        OrderEvent::OrderPlaced { tax, .. } => Some(tax.words()),
        _ => None,
    });
    let reference = match &order.settlement {
        Settlement::Transfer { reference, .. } => reference.clone(),
        Settlement::Charge { .. } => transfer_reference(&order.number),
    };
    let why = super::why::panel(req, &order).await?;
    let waiting = approvals::waiting(req, order.account).await?;
    let credit = super::order_credit::panel(req, &order, form, errors).await?;
    let content = html! {
        (crumbs(&[Place::new("Orders", "/billing/orders")], &order.number))
        (page_head(&format!("Order {}", order.number), None, None))
        (waiting)
        section.panel {
            div.row.apart { p { (order.description) ", for " (person(&names, order.account)) } (order_chip(&order.status)) }
            (facts(&[
                ("Total", html! { strong.num { (order.total) } }),
                ("Tax", html! { (tax.unwrap_or_default()) }),
                ("Received by transfer", html! { span.num { (order.transferred) } }),
                ("Paid from credit", html! { span.num { (order.credit) } }),
                ("Still to pay", html! { @if order.is_open() { strong.num { (order.rest()) } } @else { "nothing" } }),
                ("Overpaid", html! { span.num { (order.overpaid) } @if order.returned.minor > 0 { ", of which " span.num { (order.returned) } " went back or became credit" } }),
                ("Refunded", html! { span.num { (order.refunded) } }),
                ("Disputed", html! { (match order.disputed.as_deref() { Some("open") => "yes, and not decided yet: answer at the payment service", Some("won") => "once, and the money stays", Some(_) => "and lost: the money is gone", None => "no" }) }),
                ("Attempts", html! { (order.attempts) @if let Some((_, state)) = &order.last_attempt { ", the last one " (state) } @if let Some(code) = &order.last_code { " (" (code) ")" } }),
                ("Transfer reference", html! { span.mono { (reference) } }),
                ("Placed", html! { (format::moment(order.placed_at)) }),
                ("Paid", html! { @if let Some(at) = order.paid_at { (format::moment(at)) } @else { "not yet" } }),
                ("Invoice", html! { @if let Some(i) = &invoice { a href={ "/billing/invoices/" (i.number) } { (i.number) } } @else { "none yet" } }),
            ]))
        }
        (why)
        (super::order_outcome::panel(req, &order, form, errors))
        (credit)
        (super::refunds::of_order(&order, &refunds))
        (booking(req, &order, form, errors))
    };
    Ok(desk(req, &format!("Order {}", order.number), errors, &content))
}

fn booking(req: &Req, order: &OrderRow, form: &Form, errors: &Errors) -> Markup {
    let rest = if order.is_open() { order.rest().decimal() } else { String::new() };
    let typed = if form.has("amount") { form.get("amount") } else { &rest };
    let today = format::local_day(req.now()).to_string();
    let arrived = if form.has("arrived_on") { form.get("arrived_on") } else { &today };
    let limit = Money::new(req.app.config.billing.second_person_over, order.total.currency);
    let act = if order.is_open() { "Mark as paid" } else { "Record money that came" };
    html! {
        section.panel aria-labelledby="book" {
            h2 #book { (act) }
            @if order.is_open() {
                p { "For money that arrived in the bank account. Less than the total leaves the order open; more is noted as overpaid. Above " (limit) ", all that is booked by hand on this order together, a second person has to agree." }
            } @else {
                p { "Nothing is owed here any more. Money that came all the same is noted as overpaid, to go back or to become credit." }
            }
            (post_form(req, &format!("/billing/orders/{}/paid", order.id), &html! {
                (Field::new("amount", &format!("Amount in {}", order.total.currency)).value(typed).inputmode("decimal").short().errors(errors).render())
                (Field::new("arrived_on", "Arrived on").kind("date").value(arrived).short().hint("The day on which the bank booked it: access that waited for the money is reckoned from it.").errors(errors).render())
                (Field::new("reason", "Reason").hint("For example the number of the bank statement. Kept with the event.").value(form.get("reason")).maxlength(500).errors(errors).render())
                (submit(act, if order.is_open() { Weight::Main } else { Weight::Plain }))
            }))
        }
    }
}

/// The day on which the money was there; today if nothing is said.
fn arrival(req: &Req, form: &Form, order: &OrderRow) -> Result<NaiveDate, String> {
    let today = format::local_day(req.now());
    // A tick for a later time places orders of days to come.
    let placed = format::local_day(order.placed_at).min(today);
    let typed = form.get("arrived_on");
    let day = if typed.is_empty() { Some(today) } else { day_of(typed) };
    match day {
        None => Err("Enter a day such as 2027-01-31.".into()),
        Some(day) if day > today => {
            Err("That day is still to come: money is booked when it is there.".into())
        }
        Some(day) if day < placed => Err(format!(
            "The order was placed on {}: money for it cannot have come before.",
            day_words(placed)
        )),
        Some(day) => Ok(day),
    }
}

async fn book(mut req: Req) -> Result<Res, HttpError> {
    let form = req.form().await?;
    let order = orders::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    let received = match Money::parse(form.get("amount"), order.total.currency) {
        Ok(money) => money,
        Err(why) => return view(&req, &form, &Errors::one("amount", why.to_string())).await,
    };
    let arrived_on = match arrival(&req, &form, &order) {
        Ok(day) => day,
        Err(why) => return view(&req, &form, &Errors::one("arrived_on", why)).await,
    };
    let (meta, reason) = match with_reason(&req, &form, order.account) {
        Ok(both) => both,
        Err(errors) => return view(&req, &form, &errors).await,
    };
    let what = Act::MarkPaid { order: order.id, received, arrived_on: Some(arrived_on) };
    let whose = (order.account, Some(order.subscription));
    match approvals::ask(&req, &form, whose, what, (meta.clone(), reason.clone())).await? {
        Some(Ok(asked)) => return Ok(asked),
        Some(Err(errors)) => return view(&req, &form, &errors).await,
        None => {}
    }
    let at = payments::arrived(&req.app, order.id, arrived_on, req.now()).await?;
    let command = OrderCommand::RecordTransfer { received, at };
    let envelope = Envelope::new(req.command_id(&form), order.id, command, meta).with_private(vec![reason]);
    match req.app.bus.dispatch::<Order>(envelope).await {
        Ok(receipt) => Ok(after(receipt, &format!("/billing/orders/{}", order.id))),
        Err(CommandError::Refused(why)) => view(&req, &form, &Errors::one("amount", why.to_string())).await,
        Err(other) => Err(other.into()),
    }
}
