//! Payments: every charge that was tried and every transfer that came, and what the bank took back of direct debits.

use super::sorting::{Sort, SortColumn};
use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::order::OrderEvent;
use crate::domain::shared::{AccountId, Currency, Money};
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// What stands for a gateway where a bank brought the money.
pub const TRANSFER: &str = "transfer";
/// What stands for a gateway where the bank gave a direct debit back.
pub const DEBIT: &str = "direct-debit";

/// The projection.
pub struct PaymentList;

#[async_trait]
impl Projection for PaymentList {
    fn name(&self) -> &'static str {
        "payment_list"
    }

    fn version(&self) -> i32 {
        1
    }

    fn streams_apart(&self) -> bool {
        true
    }

    fn tables(&self) -> &'static [&'static str] {
        &["payment_list", "payment_list_orders"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists payment_list_orders (
            order_id uuid primary key,
            number   text not null,
            account  uuid not null
        );
        create table if not exists payment_list (
            position  bigint primary key,
            attempt   uuid unique,
            order_id  uuid not null,
            number    text not null,
            account   uuid not null,
            gateway   text not null,
            minor     bigint not null,
            currency  text not null,
            outcome   text not null,
            code      text,
            reference text,
            at        timestamptz not null,
            told_at   timestamptz
        );
        create index if not exists payment_list_by_time on payment_list (at desc, position desc);
        create index if not exists payment_list_by_outcome on payment_list (outcome, at desc);
        create index if not exists payment_list_by_gateway on payment_list (gateway, at desc);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        use OrderEvent as E;
        let Some(decoded) = event.decode::<OrderEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        match &decoded {
            E::OrderPlaced { number, account, .. } => {
                let sql = "insert into payment_list_orders values ($1, $2, $3)";
                tx.execute(sql, &[&id, number, account]).await?;
            }
            E::PaymentAttemptStarted { attempt, amount, method, at, .. } => {
                insert(tx, &New::of(event, &method.gateway, *amount, *at), Some(*attempt), "started", None)
                    .await?;
            }
            E::PaymentSucceeded { attempt, amount, gateway_reference, at, .. } => {
                told(tx, *attempt, "succeeded", None, *at).await?;
                let sql = "update payment_list set minor = $2, reference = $3 where attempt = $1";
                tx.execute(sql, &[attempt, &amount.minor, gateway_reference]).await?;
            }
            E::PaymentDeclined { attempt, code, at, .. } => {
                told(tx, *attempt, "declined", Some(code), *at).await?;
            }
            E::PaymentActionRequired { attempt, at, .. } => {
                told(tx, *attempt, "action-required", None, *at).await?;
            }
            E::PaymentAttemptCancelled { attempt, at, .. } => {
                told(tx, *attempt, "cancelled", None, *at).await?;
            }
            E::PaymentOutcomeUnknown { attempt, at, .. } => told(tx, *attempt, "unknown", None, *at).await?,
            E::PaymentParked { attempt, at, .. } => told(tx, *attempt, "parked", None, *at).await?,
            E::TransferReceived { received, at, .. } => {
                insert(tx, &New::of(event, TRANSFER, *received, *at), None, "succeeded", None).await?;
            }
            E::DirectDebitReturned { taken_back, reason, at, .. } => {
                let back = New::of(event, DEBIT, taken_back.negated(), *at);
                insert(tx, &back, None, "returned", Some(reason)).await?;
            }
            // What became of the order, and what went back of it, is told by other lists.
            _ => {}
        }
        Ok(())
    }
}

/// What a new row says from the beginning.
struct New<'a> {
    position: i64,
    order: Uuid,
    gateway: &'a str,
    amount: Money,
    at: DateTime<Utc>,
}

impl<'a> New<'a> {
    fn of(event: &RecordedEvent, gateway: &'a str, amount: Money, at: DateTime<Utc>) -> Self {
        Self { position: event.position, order: event.stream_uuid(), gateway, amount, at }
    }
}

async fn insert(
    tx: &Transaction<'_>,
    new: &New<'_>,
    attempt: Option<Uuid>,
    outcome: &str,
    code: Option<&String>,
) -> Result<(), ProjectionError> {
    // Of a charge it is not known yet how it ends; what a bank tells has happened.
    let told_at = attempt.is_none().then_some(new.at);
    tx.execute(
        "insert into payment_list
             (position, attempt, order_id, number, account, gateway, minor, currency, outcome, code, at, told_at)
         select $1, $2, order_id, number, account, $4, $5, $6, $7, $8, $9, $10
         from payment_list_orders where order_id = $3",
        &[
            &new.position,
            &attempt,
            &new.order,
            &new.gateway,
            &new.amount.minor,
            &new.amount.currency.code(),
            &outcome,
            &code,
            &new.at,
            &told_at,
        ],
    )
    .await?;
    Ok(())
}

/// Notes what a gateway told of a charge.
async fn told(
    tx: &Transaction<'_>,
    attempt: Uuid,
    outcome: &str,
    code: Option<&String>,
    at: DateTime<Utc>,
) -> Result<(), ProjectionError> {
    let sql = "update payment_list set outcome = $2, code = $3, told_at = $4 where attempt = $1";
    tx.execute(sql, &[&attempt, &outcome, &code, &at]).await?;
    Ok(())
}

/// A payment as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRow {
    /// Where it began in the log.
    pub position: i64,
    /// The attempt, the gateway's key; none for what a bank tells.
    pub attempt: Option<Uuid>,
    /// The order.
    pub order: Uuid,
    /// That order's number.
    pub number: String,
    /// Whose order.
    pub account: AccountId,
    /// Through which gateway, or [`TRANSFER`], or [`DEBIT`].
    pub gateway: String,
    /// How much: asked for, or taken where it was; below zero for what the bank took back.
    pub amount: Money,
    /// `started`, `succeeded`, `declined`, `action-required`, `unknown`, `parked`, `cancelled` or `returned`.
    pub outcome: String,
    /// Why it was declined, or given back.
    pub code: Option<String>,
    /// The gateway's number of the charge.
    pub reference: Option<String>,
    /// When it was tried, or when the money came.
    pub at: DateTime<Utc>,
    /// When the gateway or the bank told what became of it last.
    pub told_at: Option<DateTime<Utc>>,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One outcome; `unknown` has the parked ones among it, of which nobody knows it either.
    pub outcome: Option<String>,
    /// One gateway, [`TRANSFER`] or [`DEBIT`].
    pub gateway: Option<String>,
}

/// What the list can be sorted by.
pub const SORTS: &[SortColumn] = &[
    ("order", &["number"]),
    ("gateway", &["gateway"]),
    ("amount", &["currency", "minor"]),
    ("outcome", &["outcome", "code"]),
    ("when", &["at"]),
];

const SELECT: &str = "select position, attempt, order_id, number, account, gateway, minor, currency, outcome,
    code, reference, at, told_at from payment_list";

const NARROWED: &str = "($1::text is null or outcome = $1 or ($1 = 'unknown' and outcome = 'parked'))
    and ($2::text is null or gateway = $2)";

fn read(row: &Row) -> Result<PaymentRow, QueryError> {
    let currency = Currency::parse(row.get(7))
        .map_err(|e| StoreError::Unreadable(format!("a payment's row cannot be read: {e}")))?;
    Ok(PaymentRow {
        position: row.get(0),
        attempt: row.get(1),
        order: row.get(2),
        number: row.get(3),
        account: row.get(4),
        gateway: row.get(5),
        amount: Money::new(row.get(6), currency),
        outcome: row.get(8),
        code: row.get(9),
        reference: row.get(10),
        at: row.get(11),
        told_at: row.get(12),
    })
}

/// A page of the list, in the wished order or newest first, and how many there are in all.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(
    r: &Reader,
    filter: &Filter,
    sort: Option<Sort>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<PaymentRow>, i64), QueryError> {
    let client = r.client().await?;
    let count = format!("select count(*) from payment_list where {NARROWED}");
    let total = client.query_one(&count, &[&filter.outcome, &filter.gateway]).await?.get(0);
    let order = Sort::order(sort, "at desc, position desc");
    let sql = format!("{SELECT} where {NARROWED} order by {order} offset $3 limit $4");
    let rows = client.query(&sql, &[&filter.outcome, &filter.gateway, &offset, &limit]).await?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total))
}

/// Those that follow `last` (when it was, and where it began in the log) in the same order; from the beginning
/// without one.
///
/// # Errors
/// If the database cannot be read.
pub async fn after(
    r: &Reader,
    filter: &Filter,
    last: Option<(DateTime<Utc>, i64)>,
    limit: i64,
) -> Result<Vec<PaymentRow>, QueryError> {
    let (at, position) = last.unzip();
    let sql = format!(
        "{SELECT} where {NARROWED}
         and ($3::timestamptz is null or at < $3 or (at = $3 and position < $4))
         order by at desc, position desc limit $5"
    );
    let rows =
        r.client().await?.query(&sql, &[&filter.outcome, &filter.gateway, &at, &position, &limit]).await?;
    rows.iter().map(read).collect()
}

/// The gateways through which there are any, each found by one look into the index.
///
/// # Errors
/// If the database cannot be read.
pub async fn gateways(r: &Reader) -> Result<Vec<String>, QueryError> {
    let sql = "with recursive known as (
            select min(gateway) as gateway from payment_list
            union all
            select (select min(p.gateway) from payment_list p where p.gateway > known.gateway)
            from known where known.gateway is not null
        ) select gateway from known where gateway is not null";
    Ok(r.client().await?.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}
