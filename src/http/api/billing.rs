//! Subscriptions, orders and invoices: the own ones; for billing staff all of them. Names and
//! addresses are not among it: bookkeepers get ids, and the documents themselves on their pages.

use super::{Endpoint, bad_cursor, cursor, limit, one, page};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::accounts::staff;
use crate::actors::bus::Envelope;
use crate::actors::paper::billed;
use crate::domain::gift::is_order_of;
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::http::pages::membership::paper::pdf;
use crate::http::pages::membership::shared::TaxDesk;
use crate::http::route::Access;
use crate::http::ui::format::in_zone;
use crate::http::{Form, HttpError, Req, Res};
use crate::projections::invoices::{self, Invoice};
use crate::projections::orders::{self, OrderRow};
use crate::projections::subscription_timeline::{self as timeline, Entry};
use crate::projections::subscription_words::{actor_words, describe};
use crate::projections::subscriptions::{self, SubscriptionRow};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;
use warp::http::Method;

const PAGED: &[(&str, &str)] = &[("limit", "1 to 100"), ("cursor", "`next` of the page before")];
const BY_STATUS: &[(&str, &str)] = &[
    ("status", "only those of this status"),
    ("limit", "1 to 100"),
    ("cursor", "`next` of the page before"),
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = Scope::BillingRead;
    let own = Access::SignedIn;
    let get =
        |path,
         summary,
         answer,
         handler: fn(Req) -> futures_util::future::BoxFuture<'static, Result<Res, HttpError>>| {
            Endpoint::get(path, read, summary, answer, handler).access(own)
        };
    let act = |path, summary, command: fn(DateTime<Utc>) -> SubscriptionCommand| {
        Endpoint::act(Method::POST, path, Scope::BillingWrite, summary, "Subscription", move |req| {
            act(req, command)
        })
    };
    vec![
        get("/api/v1/subscriptions", "Subscriptions, the newest first", "Subscription", |r| {
            Box::pin(list_subscriptions(r))
        })
        .list(BY_STATUS),
        get(
            "/api/v1/subscriptions/{id}",
            "One subscription; for staff with the end of its timeline",
            "Subscription",
            |r| Box::pin(show_subscription(r)),
        ),
        get(
            "/api/v1/subscriptions/{id}/timeline",
            "What happened to a subscription and its orders, the newest first; for staff",
            "TimelineEntry",
            |r| Box::pin(list_timeline(r)),
        )
        .list(PAGED)
        .access(Access::Role(&["billing"])),
        act("/api/v1/subscriptions/{id}/cancel", "End your subscription with the paid time", |at| {
            SubscriptionCommand::Cancel { reason: None, at }
        }),
        act("/api/v1/subscriptions/{id}/keep", "Take the cancellation back", |at| {
            SubscriptionCommand::UndoCancel { at }
        }),
        get("/api/v1/orders", "Orders, the newest first", "Order", |r| Box::pin(list_orders(r)))
            .list(BY_STATUS),
        get("/api/v1/orders/{id}", "One order", "Order", |r| Box::pin(show_order(r))),
        get("/api/v1/invoices", "Invoices and credit notes, the newest first", "Invoice", |r| {
            Box::pin(list_invoices(r))
        })
        .list(PAGED),
        get("/api/v1/invoices/{number}", "One invoice or credit note", "Invoice", |r| {
            Box::pin(show_invoice(r))
        }),
        get(
            "/api/v1/invoices/{number}/pdf",
            "It as PDF, with the buyer's name and the electronic invoice in it",
            "",
            |r| Box::pin(paper(r)),
        )
        .file("application/pdf", &[]),
    ]
}

fn is_staff(req: &Req) -> bool {
    req.viewer.has_role(&["billing", "admin"])
}

/// The time and the id of the last entry of the page before: a list that grows meanwhile moves nothing.
fn last(req: &Req) -> Result<Option<(DateTime<Utc>, Uuid)>, HttpError> {
    cursor(req)?.map(|text| super::media::parse(&text)).transpose()
}

fn wish(req: &Req, name: &str) -> Option<String> {
    Some(req.query(name).to_owned()).filter(|text| !text.is_empty())
}

/// The status that a list is narrowed to: one of `known`.
fn status(req: &Req, known: &[&str]) -> Result<Option<String>, HttpError> {
    match wish(req, "status") {
        Some(asked) if !known.contains(&asked.as_str()) => {
            Err(HttpError::Fields(vec![("status".into(), format!("Ask for one of: {}.", known.join(", ")))]))
        }
        asked => Ok(asked),
    }
}

const OF_SUBSCRIPTIONS: [&str; 5] = ["on-hold", "active", "pending-cancellation", "cancelled", "expired"];
const OF_ORDERS: [&str; 8] =
    ["open", "created", "soft-failed", "failed", "paid", "fulfilled", "cancelled", "refunded"];

/// A page of `rows`, of which one more was read than are shown; `key` names the last one in a cursor.
fn shown<T>(
    req: &Req,
    rows: &[T],
    most: i64,
    key: impl Fn(&T) -> String,
    json: impl Fn(&T) -> Value,
) -> Result<Res, HttpError> {
    let most = usize::try_from(most).unwrap_or(0);
    let here = &rows[..rows.len().min(most)];
    let next = here.last().filter(|_| rows.len() > most).map(key);
    page(req, here.iter().map(json).collect(), next)
}

fn time_and_id(at: DateTime<Utc>, id: Uuid) -> String {
    format!("{} {id}", at.timestamp_micros())
}

/// The price is the one that is charged: who accounts for the tax reads the net one only.
fn subscription_json(row: &SubscriptionRow, tax: &TaxDesk) -> Value {
    let terms = row.state.terms();
    json!({
        "id": row.id, "account": row.owner, "status": row.status, "plan": row.plan(),
        "price": tax.price(row), "interval": terms.map(|t| &t.interval), "collection": terms.map(|t| t.collection),
        "joined_at": row.joined_at, "ended_at": row.ended_at, "next_payment_on": row.state.next_payment_on(),
        "access": row.state.gives_access(), "pause": row.state.pause().map(|p| json!({
            "from": p.from, "until": p.until, "began": p.began() })), "trial_until": row.state.trial_until(),
    })
}

/// What an order is for: a subscription, or a gift.
fn subject(id: Uuid, order: Uuid) -> (Option<Uuid>, Option<Uuid>) {
    if is_order_of(id, order) { (None, Some(id)) } else { (Some(id), None) }
}

fn order_json(row: &OrderRow) -> Value {
    let (subscription, gift) = subject(row.subscription, row.id);
    json!({
        "id": row.id, "number": row.number, "account": row.account, "subscription": subscription, "gift": gift,
        "description": row.description, "total": row.total, "status": row.status, "settlement": row.settlement,
        "placed_at": row.placed_at, "paid_at": row.paid_at, "transferred": row.transferred, "paid_from_credit": row.credit,
        "overpaid": row.overpaid, "refunded": row.refunded,
        "returned": row.returned, "last_code": row.last_code, "attempts": row.attempts,
    })
}

fn invoice_json(invoice: &Invoice) -> Value {
    let d = &invoice.document;
    let (subscription, gift) = subject(d.subscription, d.order);
    json!({
        "number": invoice.number, "kind": if invoice.credit_note { "credit-note" } else { "invoice" },
        "order": d.order, "order_number": d.order_number, "subscription": subscription, "gift": gift, "account": d.account,
        "issued_on": d.issued_on, "paid": d.paid, "paid_on": d.paid_on, "corrects": d.corrects, "lines": d.lines, "tax": d.tax,
        "url": format!("/api/v1/invoices/{}/pdf", invoice.number),
    })
}

async fn list_subscriptions(req: Req) -> Result<Res, HttpError> {
    let (last, most) = (last(&req)?, limit(&req)?);
    let own = (!is_staff(&req)).then_some(vec![req.account()?.id]);
    let filter = subscriptions::Filter {
        status: status(&req, &OF_SUBSCRIPTIONS)?,
        owners: own,
        ..subscriptions::Filter::default()
    };
    let rows = subscriptions::after(&req.app.reader, &filter, last, most + 1).await?;
    let tax = TaxDesk::open(&req).await?;
    shown(&req, &rows, most, |s| time_and_id(s.joined_at, s.id), |s| subscription_json(s, &tax))
}

async fn find(req: &Req) -> Result<SubscriptionRow, HttpError> {
    let row = subscriptions::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if is_staff(req) || Some(row.owner) == req.viewer.id() { Ok(row) } else { Err(HttpError::NotFound) }
}

async fn whole(req: &Req, row: &SubscriptionRow) -> Result<Value, HttpError> {
    let mut value = subscription_json(row, &TaxDesk::open(req).await?);
    if is_staff(req) {
        // What is older is had page by page.
        let entries = timeline::newest(&req.app.reader, row.id, None, super::MOST).await?;
        let lines = async { entries.iter().rev().map(entry_json).collect::<Value>() };
        value["timeline"] = in_zone(None, lines).await;
        value["timeline_url"] = format!("/api/v1/subscriptions/{}/timeline", row.id).into();
    }
    Ok(value)
}

/// A line of a timeline; for programs times in words are UTC, too: to be called within [`in_zone`].
fn entry_json(e: &Entry) -> Value {
    let words = describe(e);
    json!({
        "position": e.position, "type": e.kind, "effective_at": e.effective_at, "recorded_at": e.recorded_at,
        "what": words.what, "why": words.why, "by": actor_words(e), "caused_by": e.caused_by,
    })
}

async fn list_timeline(req: Req) -> Result<Res, HttpError> {
    let (row, most) = (find(&req).await?, limit(&req)?);
    let last = position(&req)?;
    let entries = timeline::newest(&req.app.reader, row.id, last, most + 1).await?;
    in_zone(None, async { shown(&req, &entries, most, |e| e.position.to_string(), entry_json) }).await
}

/// The place in the log at which the page before ended.
fn position(req: &Req) -> Result<Option<i64>, HttpError> {
    cursor(req)?.map(|text| text.parse::<i64>().map_err(|_| bad_cursor())).transpose()
}

async fn show_subscription(req: Req) -> Result<Res, HttpError> {
    let row = find(&req).await?;
    one(&req, &whole(&req, &row).await?)
}

/// Only the member's own: staff act on their desk, with a reason.
async fn act(mut req: Req, command: fn(DateTime<Utc>) -> SubscriptionCommand) -> Result<Res, HttpError> {
    super::takes_nothing(&mut req).await?;
    let version = super::seen::<Subscription>(&req, req.id_param("id")?).await?;
    let row = find(&req).await?;
    if Some(row.owner) != req.viewer.id() {
        return Err(HttpError::Forbidden(
            "Only its member may do this here; staff act at the billing desk.".into(),
        ));
    }
    super::check_match(&req, &whole(&req, &row).await?)?;
    let id = req.command_id(&Form::default());
    let envelope = Envelope::new(id, row.id, command(req.now()), req.meta()).having_seen(version);
    let receipt = req.app.bus.dispatch::<Subscription>(envelope).await?;
    if receipt.position > 0 {
        req.app.reader.wait_for(receipt.position, std::time::Duration::from_secs(2)).await?;
    }
    let row = find(&req).await?;
    one(&req, &whole(&req, &row).await?)
}

async fn list_orders(req: Req) -> Result<Res, HttpError> {
    let (last, most) = (last(&req)?, limit(&req)?);
    let account = if is_staff(&req) { None } else { Some(req.account()?.id) };
    let filter = orders::Filter { status: status(&req, &OF_ORDERS)?, account, ..orders::Filter::default() };
    let rows = orders::after(&req.app.reader, &filter, last, most + 1).await?;
    shown(&req, &rows, most, |o| time_and_id(o.placed_at, o.id), order_json)
}

async fn show_order(req: Req) -> Result<Res, HttpError> {
    let row = orders::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if !is_staff(&req) && Some(row.account) != req.viewer.id() {
        return Err(HttpError::NotFound);
    }
    one(&req, &order_json(&row))
}

async fn list_invoices(req: Req) -> Result<Res, HttpError> {
    let most = limit(&req)?;
    // Numbers are given one after the other: the place in the log is a key.
    let last = position(&req)?;
    let account = if is_staff(&req) { None } else { Some(req.account()?.id) };
    let rows = invoices::after(&req.app.reader, "", account, last, most + 1).await?;
    shown(&req, &rows, most, |i| i.position.to_string(), invoice_json)
}

async fn invoice(req: &Req) -> Result<Invoice, HttpError> {
    let found =
        invoices::by_number(&req.app.reader, req.param("number")).await?.ok_or(HttpError::NotFound)?;
    if !is_staff(req) && Some(found.document.account) != req.viewer.id() {
        return Err(HttpError::NotFound);
    }
    Ok(found)
}

async fn show_invoice(req: Req) -> Result<Res, HttpError> {
    one(&req, &invoice_json(&invoice(&req).await?))
}

/// It has the buyer's name on it: that staff read another's is recorded, as on their desk.
async fn paper(req: Req) -> Result<Res, HttpError> {
    let (found, reader) = (invoice(&req).await?, req.account()?.id);
    let buyer = found.document.account;
    if buyer != reader {
        staff::record_read(&req.app, req.meta(), reader, buyer, "billing-invoice")
            .await
            .map_err(|_| HttpError::busy())?;
    }
    pdf(&req, &found, &billed(&req.app, &found).await?).await
}
