//! Subscriptions, orders and invoices: the own ones; for billing staff all of them. Names and
//! addresses are not among it: bookkeepers get ids, and the documents themselves on their pages.

use super::{Endpoint, bad_cursor, cursor, limit, one, page};
use crate::actors::accounts::access_tokens::Scope;
use crate::actors::bus::Envelope;
use crate::domain::subscription::{Subscription, SubscriptionCommand};
use crate::http::route::Access;
use crate::http::{Form, HttpError, Req, Res};
use crate::projections::invoices::{self, Invoice};
use crate::projections::orders::{self, OrderRow};
use crate::projections::subscription_timeline as timeline;
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
            "One subscription; for staff with its timeline",
            "Subscription",
            |r| Box::pin(show_subscription(r)),
        ),
        act("/api/v1/subscriptions/{id}/cancel", "End your subscription with the paid time", |at| {
            SubscriptionCommand::Cancel { at }
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
    ]
}

fn is_staff(req: &Req) -> bool {
    req.viewer.has_role(&["billing", "admin"])
}

fn offset(req: &Req) -> Result<i64, HttpError> {
    match cursor(req)? {
        None => Ok(0),
        Some(text) => text.parse().ok().filter(|n| *n >= 0).ok_or_else(bad_cursor),
    }
}

fn wish(req: &Req, name: &str) -> Option<String> {
    Some(req.query(name).to_owned()).filter(|text| !text.is_empty())
}

/// A page of `rows`, which start at `start` of `total`.
fn shown<T>(
    req: &Req,
    rows: &[T],
    start: i64,
    total: i64,
    json: impl Fn(&T) -> Value,
) -> Result<Res, HttpError> {
    let end = start + i64::try_from(rows.len()).unwrap_or(0);
    let next = (end < total && !rows.is_empty()).then(|| end.to_string());
    page(req, rows.iter().map(json).collect(), next)
}

/// The part of a person's own short list that a page shows.
fn part<T>(all: &[T], start: i64, most: i64) -> &[T] {
    let start = usize::try_from(start).unwrap_or(usize::MAX).min(all.len());
    let end = start.saturating_add(usize::try_from(most).unwrap_or(0)).min(all.len());
    &all[start..end]
}

fn subscription_json(row: &SubscriptionRow) -> Value {
    let terms = row.state.terms();
    json!({
        "id": row.id, "account": row.owner, "status": row.status, "plan": row.plan(),
        "price": row.price(), "interval": terms.map(|t| &t.interval), "collection": terms.map(|t| t.collection),
        "joined_at": row.joined_at, "ended_at": row.ended_at, "next_payment_on": row.state.next_payment_on(),
        "access": row.state.gives_access(), "pause": row.state.pause().map(|p| json!({
            "from": p.from, "until": p.until, "began": p.began() })), "trial_until": row.state.trial_until(),
    })
}

fn order_json(row: &OrderRow) -> Value {
    json!({
        "id": row.id, "number": row.number, "account": row.account, "subscription": row.subscription,
        "description": row.description, "total": row.total, "status": row.status, "settlement": row.settlement,
        "placed_at": row.placed_at, "paid_at": row.paid_at, "transferred": row.transferred,
        "overpaid": row.overpaid, "refunded": row.refunded,
        "returned": row.returned, "last_code": row.last_code, "attempts": row.attempts,
    })
}

fn invoice_json(invoice: &Invoice) -> Value {
    let d = &invoice.document;
    json!({
        "number": invoice.number, "kind": if invoice.credit_note { "credit-note" } else { "invoice" },
        "order": d.order, "order_number": d.order_number, "subscription": d.subscription, "account": d.account,
        "issued_on": d.issued_on, "paid": d.paid, "corrects": d.corrects, "lines": d.lines, "tax": d.tax,
        "url": format!("/account/invoices/{}", invoice.number),
    })
}

async fn list_subscriptions(req: Req) -> Result<Res, HttpError> {
    let (start, most) = (offset(&req)?, limit(&req)?);
    let own = (!is_staff(&req)).then_some(vec![req.account()?.id]);
    let filter = subscriptions::Filter {
        status: wish(&req, "status"),
        owners: own,
        ..subscriptions::Filter::default()
    };
    let (rows, total) = subscriptions::list(&req.app.reader, &filter, start, most).await?;
    shown(&req, &rows, start, total, subscription_json)
}

async fn find(req: &Req) -> Result<SubscriptionRow, HttpError> {
    let row = subscriptions::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if is_staff(req) || Some(row.owner) == req.viewer.id() { Ok(row) } else { Err(HttpError::NotFound) }
}

async fn whole(req: &Req, row: &SubscriptionRow) -> Result<Value, HttpError> {
    let mut value = subscription_json(row);
    if is_staff(req) {
        let entries = timeline::of(&req.app.reader, row.id, None).await?;
        value["timeline"] = entries
            .iter()
            .map(|e| {
                let words = describe(e);
                json!({
                    "position": e.position, "type": e.kind, "effective_at": e.effective_at,
                    "recorded_at": e.recorded_at, "what": words.what, "why": words.why,
                    "by": actor_words(e, row.owner), "caused_by": e.caused_by,
                })
            })
            .collect();
    }
    Ok(value)
}

async fn show_subscription(req: Req) -> Result<Res, HttpError> {
    let row = find(&req).await?;
    one(&req, &whole(&req, &row).await?)
}

/// Only the member's own: staff act on their desk, with a reason.
async fn act(req: Req, command: fn(DateTime<Utc>) -> SubscriptionCommand) -> Result<Res, HttpError> {
    let row = find(&req).await?;
    if Some(row.owner) != req.viewer.id() {
        return Err(HttpError::Forbidden(
            "Only its member may do this here; staff act at the billing desk.".into(),
        ));
    }
    super::check_match(&req, &whole(&req, &row).await?)?;
    let id = req.command_id(&Form::default());
    let envelope = Envelope::new(id, row.id, command(req.now()), req.meta());
    let receipt = req.app.bus.dispatch::<Subscription>(envelope).await?;
    if receipt.position > 0 {
        req.app.reader.wait_for(receipt.position, std::time::Duration::from_secs(2)).await?;
    }
    let row = find(&req).await?;
    one(&req, &whole(&req, &row).await?)
}

/// All orders of a person; few.
async fn own_orders(req: &Req, account: Uuid) -> Result<Vec<OrderRow>, HttpError> {
    let mut all = vec![];
    for subscription in subscriptions::of_account(&req.app.reader, account).await? {
        all.extend(orders::of_subscription(&req.app.reader, subscription.id).await?);
    }
    all.sort_by(|a, b| b.placed_at.cmp(&a.placed_at).then(a.id.cmp(&b.id)));
    Ok(all)
}

async fn list_orders(req: Req) -> Result<Res, HttpError> {
    let (start, most, status) = (offset(&req)?, limit(&req)?, wish(&req, "status"));
    if is_staff(&req) {
        let filter = orders::Filter { status, ..orders::Filter::default() };
        let (rows, total) = orders::list(&req.app.reader, &filter, start, most).await?;
        return shown(&req, &rows, start, total, order_json);
    }
    let mut all = own_orders(&req, req.account()?.id).await?;
    all.retain(|o| status.as_ref().is_none_or(|s| *s == o.status || (s == "open" && o.is_open())));
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    shown(&req, part(&all, start, most), start, total, order_json)
}

async fn show_order(req: Req) -> Result<Res, HttpError> {
    let row = orders::one(&req.app.reader, req.id_param("id")?).await?.ok_or(HttpError::NotFound)?;
    if !is_staff(&req) && Some(row.account) != req.viewer.id() {
        return Err(HttpError::NotFound);
    }
    one(&req, &order_json(&row))
}

async fn list_invoices(req: Req) -> Result<Res, HttpError> {
    let (start, most) = (offset(&req)?, limit(&req)?);
    if is_staff(&req) {
        let (rows, total) = invoices::list(&req.app.reader, "", start, most).await?;
        return shown(&req, &rows, start, total, invoice_json);
    }
    let all = invoices::of_account(&req.app.reader, req.account()?.id).await?;
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    shown(&req, part(&all, start, most), start, total, invoice_json)
}

async fn show_invoice(req: Req) -> Result<Res, HttpError> {
    let found =
        invoices::by_number(&req.app.reader, req.param("number")).await?.ok_or(HttpError::NotFound)?;
    if !is_staff(&req) && Some(found.document.account) != req.viewer.id() {
        return Err(HttpError::NotFound);
    }
    one(&req, &invoice_json(&found))
}
