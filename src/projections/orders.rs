//! Orders with their payments: the staff's list, the member's page, lost answers to look up.

pub use super::order_lists::{Filter, SORTS, Sought, after, list};
use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::gift::is_order_of;
use crate::domain::order::{OrderEvent, RefundOf, Settlement};
use crate::domain::shared::{AccountId, Currency, Money};
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Orders;

#[async_trait]
impl Projection for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn version(&self) -> i32 {
        6
    }

    fn streams_apart(&self) -> bool {
        true
    }

    fn tables(&self) -> &'static [&'static str] {
        &["orders", "payments"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists orders (
            id           uuid primary key,
            number       text not null,
            account      uuid not null,
            subscription uuid not null,
            description  text not null,
            gross_minor  bigint not null,
            currency     text not null,
            status       text not null,
            settlement   json not null,
            placed_at    timestamptz not null,
            paid_at      timestamptz,
            transferred  bigint not null default 0,
            overpaid     bigint not null default 0,
            refunded     bigint not null default 0,
            returned     bigint not null default 0,
            last_code    text,
            placed       json not null,
            disputed     text,
            credit       bigint not null default 0,
            taken_back   boolean not null default false
        );
        create index if not exists orders_by_account on orders (account, placed_at);
        create index if not exists orders_by_subscription on orders (subscription, placed_at);
        create index if not exists orders_by_time on orders (placed_at desc, id);
        create table if not exists payments (
            attempt       uuid primary key,
            order_id      uuid not null,
            gateway       text not null,
            state         text not null,
            code          text,
            started_at    timestamptz not null,
            until         timestamptz,
            look_again_at timestamptz,
            intent        bigint not null
        );
        create index if not exists payments_by_order on payments (order_id, started_at);
        create index if not exists payments_open on payments (look_again_at) where state in ('started', 'unknown', 'action-required');"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        use OrderEvent as E;
        let Some(decoded) = event.decode::<OrderEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        let status = |status: &'static str| set_status(tx, id, status);
        match &decoded {
            E::OrderPlaced { number, account, subscription, items, tax, settlement, credit, at, .. } => {
                let description = items.first().map(|i| i.description.as_str()).unwrap_or_default();
                tx.execute(
                    "insert into orders (id, number, account, subscription, description, gross_minor, currency, status,
                         settlement, placed_at, placed, credit)
                     values ($1, $2, $3, $4, $5, $6, $7, 'created', $8, $9, $10, $11)",
                    &[
                        &id,
                        number,
                        account,
                        subscription,
                        &description,
                        &tax.gross.minor,
                        &tax.gross.currency.code(),
                        &serde_json::to_value(settlement)?,
                        at,
                        &*event.payload,
                        &credit.map_or(0, |c| c.minor),
                    ],
                )
                .await?;
            }
            E::PaymentAttemptStarted { attempt, method, at, .. } => {
                // One that is still without an answer a little later was cut off: it is looked up.
                let look = *at + chrono::TimeDelta::minutes(2);
                tx.execute(
                    "insert into payments values ($1, $2, $3, 'started', null, $4, null, $5, $6)",
                    &[attempt, &id, &method.gateway, at, &look, &event.position],
                )
                .await?;
            }
            E::PaymentSucceeded { attempt, .. } => payment(tx, *attempt, "succeeded", None, None).await?,
            E::PaymentDeclined { attempt, code, .. } => {
                payment(tx, *attempt, "declined", Some(code), None).await?;
                tx.execute(
                    "update orders set status = case status when 'created' then 'soft-failed' else status end,
                         last_code = $2 where id = $1",
                    &[&id, code],
                )
                .await?;
            }
            E::PaymentAttemptCancelled { attempt, .. } => {
                payment(tx, *attempt, "cancelled", None, None).await?;
                tx.execute(
                    "update orders set status = 'soft-failed' where id = $1 and status = 'created'",
                    &[&id],
                )
                .await?;
            }
            E::PaymentActionRequired { attempt, subscription, until, .. } => {
                // Of a subscription's order its own clock finds out; nobody else would of a gift's.
                let look = is_order_of(*subscription, id).then_some(*until);
                payment(tx, *attempt, "action-required", None, look).await?;
                tx.execute("update payments set until = $2 where attempt = $1", &[attempt, until]).await?;
            }
            E::PaymentOutcomeUnknown { attempt, look_again_at, .. } => {
                payment(tx, *attempt, "unknown", None, Some(*look_again_at)).await?;
            }
            E::PaymentParked { attempt, .. } => payment(tx, *attempt, "parked", None, None).await?,
            E::TransferReceived { received, .. } => {
                tx.execute(
                    "update orders set transferred = transferred + $2 where id = $1",
                    &[&id, &received.minor],
                )
                .await?;
            }
            E::DirectDebitReturned { taken_back, reopened, of_overpaid, rest, .. } => {
                let sql = "update orders set overpaid = overpaid - $4,
                     transferred = case when $5::bigint is null then transferred - $2 else gross_minor - credit - $5 end,
                     status = case when $3 then 'created' else status end,
                     paid_at = case when $3 then null else paid_at end, taken_back = taken_back or $3 where id = $1";
                let (spare, rest) = (of_overpaid.map_or(0, |m| m.minor), rest.map(|m| m.minor));
                tx.execute(sql, &[&id, &taken_back.minor, reopened, &spare, &rest]).await?;
            }
            E::OrderCreditApplied { amount, .. } => {
                tx.execute("update orders set credit = credit + $2 where id = $1", &[&id, &amount.minor])
                    .await?;
            }
            E::OrderCreditReleased { .. } => {
                tx.execute("update orders set credit = 0 where id = $1", &[&id]).await?;
            }
            E::OrderPaid { at, .. } => {
                status("paid").await?;
                let sql = "update orders set paid_at = $2, taken_back = false where id = $1";
                tx.execute(sql, &[&id, at]).await?;
            }
            E::OrderOverpaid { over, .. } => {
                tx.execute("update orders set overpaid = overpaid + $2 where id = $1", &[&id, &over.minor])
                    .await?;
            }
            E::RefundSucceeded { of, amount, .. } => {
                let column = if *of == RefundOf::Price { "refunded" } else { "returned" };
                let sql = format!("update orders set {column} = {column} + $2 where id = $1");
                tx.execute(&sql, &[&id, &amount.minor]).await?;
            }
            E::PaymentDisputed { .. } => dispute(tx, id, "open").await?,
            E::DisputeClosed { won, .. } => dispute(tx, id, if *won { "won" } else { "lost" }).await?,
            E::OrderFulfilled { .. } => status("fulfilled").await?,
            E::OrderRefunded { .. } => status("refunded").await?,
            // The projection `refunds` follows each of them.
            E::DirectDebitSent { .. }
            | E::DirectDebitRejected { .. }
            | E::RefundProposed { .. }
            | E::RefundRejected { .. }
            | E::RefundLapsed { .. }
            | E::RefundDismissed { .. }
            | E::RefundStarted { .. }
            | E::RefundRefused { .. }
            | E::RefundOutcomeUnknown { .. }
            | E::RefundAwaitsDispute(_)
            | E::InvoiceReissueRequested(_)
            | E::RefundParked { .. } => {}
            E::OrderFailed { .. } => status("failed").await?,
            E::OrderCancelled { .. } => {
                status("cancelled").await?;
                tx.execute("update orders set taken_back = false where id = $1", &[&id]).await?;
            }
        }
        Ok(())
    }
}

async fn set_status(tx: &Transaction<'_>, id: Uuid, status: &str) -> Result<(), ProjectionError> {
    tx.execute("update orders set status = $2 where id = $1", &[&id, &status]).await?;
    Ok(())
}

async fn dispute(tx: &Transaction<'_>, id: Uuid, state: &str) -> Result<(), ProjectionError> {
    tx.execute("update orders set disputed = $2 where id = $1", &[&id, &state]).await?;
    Ok(())
}

async fn payment(
    tx: &Transaction<'_>,
    attempt: Uuid,
    state: &str,
    code: Option<&String>,
    look: Option<DateTime<Utc>>,
) -> Result<(), ProjectionError> {
    let sql = "update payments set state = $2, code = $3, look_again_at = $4 where attempt = $1";
    tx.execute(sql, &[&attempt, &state, &code, &look]).await?;
    Ok(())
}

/// An order as lists and pages show it.
#[derive(Clone, Debug)]
pub struct OrderRow {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub number: String,
    /// Who pays.
    pub account: AccountId,
    /// What it is for.
    pub subscription: Uuid,
    /// First line.
    pub description: String,
    /// Total.
    pub total: Money,
    /// Where it stands.
    pub status: String,
    /// How it is to be settled.
    pub settlement: Settlement,
    /// When it was made.
    pub placed_at: DateTime<Utc>,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// What has come by transfer.
    pub transferred: Money,
    /// What the buyer's credit paid.
    pub credit: Money,
    /// What came too much.
    pub overpaid: Money,
    /// What of the price went back.
    pub refunded: Money,
    /// What of the overpaid went back, or became credit.
    pub returned: Money,
    /// The code of the last declined attempt.
    pub last_code: Option<String>,
    /// Attempts made.
    pub attempts: i64,
    /// Where the last attempt stands.
    pub last_attempt: Option<(Uuid, String)>,
    /// Until when the holder of the card can confirm the last attempt.
    pub confirm_until: Option<DateTime<Utc>>,
    /// The event that placed it.
    pub placed: serde_json::Value,
    /// Where its last dispute stands: `open`, `won`, `lost`.
    pub disputed: Option<String>,
}

impl OrderRow {
    /// Whether it still waits for money.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "created" | "soft-failed" | "failed")
    }

    /// Whether a charge may be under way at a gateway.
    #[must_use]
    pub fn charge_under_way(&self) -> bool {
        let open = ["started", "action-required", "unknown", "parked"];
        self.last_attempt.as_ref().is_some_and(|(_, state)| open.contains(&state.as_str()))
    }

    /// What is still missing.
    #[must_use]
    pub fn rest(&self) -> Money {
        let came = self.transferred.minor.saturating_add(self.credit.minor);
        Money::new((self.total.minor - came).max(0), self.total.currency)
    }
}

pub(super) const SELECT: &str = "select o.id, o.number, o.account, o.subscription, o.description, o.gross_minor, o.currency, o.status,
    o.settlement, o.placed_at, o.paid_at, o.transferred, o.overpaid, o.last_code,
    (select count(*) from payments p where p.order_id = o.id), l.attempt, l.state, l.until, o.placed, o.refunded, o.returned, o.disputed, o.credit
    from orders o left join lateral
      (select attempt, state, until from payments p where p.order_id = o.id order by started_at desc, attempt limit 1) l on true";

pub(super) fn read(row: &Row) -> Result<OrderRow, QueryError> {
    let unreadable = |e: String| StoreError::Unreadable(format!("an order's row cannot be read: {e}"));
    let currency = Currency::parse(row.get(6)).map_err(|e| unreadable(e.to_string()))?;
    let state: Option<String> = row.get(16);
    Ok(OrderRow {
        id: row.get(0),
        number: row.get(1),
        account: row.get(2),
        subscription: row.get(3),
        description: row.get(4),
        total: Money::new(row.get(5), currency),
        status: row.get(7),
        settlement: serde_json::from_value(row.get(8)).map_err(|e| unreadable(e.to_string()))?,
        placed_at: row.get(9),
        paid_at: row.get(10),
        transferred: Money::new(row.get(11), currency),
        overpaid: Money::new(row.get(12), currency),
        last_code: row.get(13),
        attempts: row.get(14),
        last_attempt: row.get::<_, Option<Uuid>>(15).zip(state),
        confirm_until: row.get(17),
        placed: row.get(18),
        refunded: Money::new(row.get(19), currency),
        returned: Money::new(row.get(20), currency),
        disputed: row.get(21),
        credit: Money::new(row.get(22), currency),
    })
}

/// One order.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(r: &Reader, id: Uuid) -> Result<Option<OrderRow>, QueryError> {
    let sql = format!("{SELECT} where o.id = $1");
    r.client().await?.query_opt(&sql, &[&id]).await?.as_ref().map(read).transpose()
}

/// The order to which an attempt belongs.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_attempt(r: &Reader, attempt: Uuid) -> Result<Option<Uuid>, QueryError> {
    let sql = "select order_id from payments where attempt = $1";
    Ok(r.client().await?.query_opt(sql, &[&attempt]).await?.map(|row| row.get(0)))
}

/// The orders of a subscription, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_subscription(r: &Reader, subscription: Uuid) -> Result<Vec<OrderRow>, QueryError> {
    let sql = format!("{SELECT} where o.subscription = $1 order by o.placed_at desc, o.id");
    r.client().await?.query(&sql, &[&subscription]).await?.iter().map(read).collect()
}

/// Attempts whose answer is to be looked up by `at`: order and attempt. An attempt whose intent the
/// workflow `charger` has not come to yet is not among them: it still waits for its call, and looking
/// it up would bar it.
///
/// # Errors
/// If the database cannot be read.
pub async fn to_look_up(
    r: &Reader,
    charger: &str,
    at: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, QueryError> {
    let sql = "select order_id, attempt from payments
        where look_again_at <= $1 and (state in ('unknown', 'action-required') or state = 'started'
            and intent <= coalesce((select position from public.checkpoints where name = $3), 0))
        order by look_again_at limit $2";
    let rows = r.client().await?.query(sql, &[&at, &limit, &charger]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// What is missing of open orders whose payment failed, by currency.
///
/// # Errors
/// If the database cannot be read.
pub async fn at_risk(r: &Reader) -> Result<Vec<(i64, Money)>, QueryError> {
    let sql =
        "select currency, count(*), sum(greatest(gross_minor - credit - transferred, 0))::bigint from orders
        where status in ('soft-failed', 'failed') group by currency order by currency";
    let rows = r.client().await?.query(sql, &[]).await?;
    rows.iter()
        .map(|row| {
            let currency = Currency::parse(row.get(0)).map_err(|e| StoreError::Unreadable(e.to_string()))?;
            Ok((row.get(1), Money::new(row.get(2), currency)))
        })
        .collect()
}

/// Orders by status, as [`OrderStatus`](crate::domain::order::OrderStatus) names them.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_status(reader: &Reader) -> Result<Vec<(String, i64)>, QueryError> {
    let rows =
        reader.client().await?.query("select status, count(*) from orders group by status", &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
