//! Direct debits: the mandates of members, and the files for the bank with what became of their debits.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::debit_file::DebitFileEvent;
use crate::domain::mandate::{Mandate, MandateEvent, SignedMandate};
use crate::domain::order::OrderEvent;
use crate::domain::shared::{AccountId, Currency, Money};
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Debits;

#[async_trait]
impl Projection for Debits {
    fn name(&self) -> &'static str {
        "debits"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["mandates", "debit_files", "debits"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists mandates (
            account uuid primary key,
            holds   boolean not null,
            state   json not null
        );
        create table if not exists debit_files (
            file     uuid primary key,
            position bigint not null,
            message  text not null,
            debits   integer not null,
            minor    bigint not null,
            made_by  uuid not null,
            made_at  timestamptz not null
        );
        create table if not exists debits (
            order_id uuid primary key,
            file     uuid not null,
            state    text not null,
            reason   text
        );
        create index if not exists debits_by_file on debits (file);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        if let Some(decoded) = event.decode::<MandateEvent>()? {
            let id = event.stream_uuid();
            let row = tx.query_opt("select state from mandates where account = $1", &[&id]).await?;
            let mut state: Mandate = match row {
                Some(row) => serde_json::from_value(row.get(0))?,
                None => Mandate::default(),
            };
            state.apply(decoded);
            tx.execute(
                "insert into mandates values ($1, $2, $3) on conflict (account) do update
                 set holds = excluded.holds, state = excluded.state",
                &[&id, &state.current().is_some(), &serde_json::to_value(&state)?],
            )
            .await?;
            return Ok(());
        }
        if let Some(DebitFileEvent::DebitFileMade { file, message, debits, by, at, .. }) =
            event.decode::<DebitFileEvent>()?
        {
            let sum: i64 = debits.iter().map(|d| d.amount.minor).sum();
            let count = i32::try_from(debits.len()).unwrap_or(i32::MAX);
            tx.execute(
                "insert into debit_files values ($1, $2, $3, $4, $5, $6, $7)",
                &[&file, &event.position, &message, &count, &sum, &by, &at],
            )
            .await?;
            let orders: Vec<Uuid> = debits.iter().map(|d| d.order).collect();
            tx.execute(
                "insert into debits select unnest($1::uuid[]), $2, 'sent', null on conflict (order_id) do nothing",
                &[&orders, &file],
            )
            .await?;
            return Ok(());
        }
        let set = async |state: &str, reason: Option<&str>| -> Result<(), ProjectionError> {
            let sql = "update debits set state = $2, reason = $3 where order_id = $1";
            tx.execute(sql, &[&event.stream_uuid(), &state, &reason]).await?;
            Ok(())
        };
        match event.decode::<OrderEvent>()? {
            Some(OrderEvent::OrderPaid { .. }) => set("paid", None).await,
            Some(OrderEvent::DirectDebitRejected { reason, .. }) => {
                // Paid in another way meanwhile: that is what counts.
                let sql = "update debits set state = 'rejected', reason = $2 where order_id = $1 and state = 'sent'";
                tx.execute(sql, &[&event.stream_uuid(), &reason]).await?;
                Ok(())
            }
            Some(OrderEvent::DirectDebitReturned { reason, .. }) => set("returned", Some(&reason)).await,
            _ => Ok(()),
        }
    }
}

/// An order that may be collected.
#[derive(Clone, Debug)]
pub struct Due {
    /// Its id.
    pub order: Uuid,
    /// What people call it.
    pub number: String,
    /// Who pays.
    pub account: AccountId,
    /// What is missing.
    pub amount: Money,
    /// The first day of what it pays for, where that is known before.
    pub starts_on: Option<NaiveDate>,
    /// The mandate of the buyer.
    pub mandate: SignedMandate,
}

const DUE: &str = "select o.id, o.number, o.account, o.gross_minor - o.transferred - o.credit, o.currency, o.placed, m.state
        from orders o join mandates m on m.account = o.account and m.holds
        where o.status = 'created' and o.settlement->>'by' = 'transfer' and o.currency = 'EUR'
            and o.gross_minor > o.transferred + o.credit and o.placed->>'reason' <> 'gift'
            and not exists (select from debits d where d.order_id = o.id)
            and exists (select from subscriptions s where s.subscription = o.subscription
                and (s.status = 'active' or o.placed->>'reason' = 'join'))";

fn read_due(row: &Row) -> Result<Option<Due>, QueryError> {
    let unreadable = |e: String| StoreError::Unreadable(format!("an order to collect cannot be read: {e}"));
    let state: Mandate = serde_json::from_value(row.get(6)).map_err(|e| unreadable(e.to_string()))?;
    let Some(mandate) = state.current().cloned() else { return Ok(None) };
    let currency = Currency::parse(row.get(4)).map_err(|e| unreadable(e.to_string()))?;
    let placed: serde_json::Value = row.get(5);
    let starts_on = placed["items"][0]["period"]["start"].as_str().and_then(|day| day.parse().ok());
    Ok(Some(Due {
        order: row.get(0),
        number: row.get(1),
        account: row.get(2),
        amount: Money::new(row.get(3), currency),
        starts_on,
        mandate,
    }))
}

/// Orders of memberships in euro that wait for a transfer, stood in no file, and whose buyers have a mandate;
/// the oldest first. Not those of memberships that are on hold for want of a payment: whether those go on is for
/// their members to say; nor of those that were cancelled: what is open there is for the time after the end.
///
/// # Errors
/// If the database cannot be read.
pub async fn due(r: &Reader, limit: i64) -> Result<Vec<Due>, QueryError> {
    let sql = format!("{DUE} order by o.placed_at, o.id limit $1");
    let rows = r.client().await?.query(&sql, &[&limit]).await?;
    rows.iter().filter_map(|row| read_due(row).transpose()).collect()
}

/// The same of one order; none if it is not among them.
///
/// # Errors
/// If the database cannot be read.
pub async fn due_order(r: &Reader, order: Uuid) -> Result<Option<Due>, QueryError> {
    let sql = format!("{DUE} and o.id = $1");
    Ok(r.client().await?.query_opt(&sql, &[&order]).await?.as_ref().map(read_due).transpose()?.flatten())
}

/// A file in the list of them.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// Its id.
    pub file: Uuid,
    /// What the bank calls it by.
    pub message: String,
    /// How many debits.
    pub debits: i32,
    /// Their sum.
    pub sum: Money,
    /// Who made it.
    pub made_by: AccountId,
    /// When.
    pub made_at: DateTime<Utc>,
}

/// The files that were made last, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn files(r: &Reader, limit: i64) -> Result<Vec<FileRow>, QueryError> {
    let sql = "select file, message, debits, minor, made_by, made_at from debit_files order by position desc limit $1";
    let rows = r.client().await?.query(sql, &[&limit]).await?;
    Ok(rows
        .iter()
        .map(|row| FileRow {
            file: row.get(0),
            message: row.get(1),
            debits: row.get(2),
            sum: Money::new(row.get(3), Currency::eur()),
            made_by: row.get(4),
            made_at: row.get(5),
        })
        .collect())
}

/// The file that the bank calls by `message`.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_message(r: &Reader, message: &str) -> Result<Option<Uuid>, QueryError> {
    let sql = "select file from debit_files where message = $1 order by position limit 1";
    Ok(r.client().await?.query_opt(sql, &[&message]).await?.map(|row| row.get(0)))
}

/// What became of the debits of a file, by order: `sent`, `paid`, `rejected` or `returned`, and the bank's code.
///
/// # Errors
/// If the database cannot be read.
pub async fn states(r: &Reader, file: Uuid) -> Result<BTreeMap<Uuid, (String, Option<String>)>, QueryError> {
    let sql = "select order_id, state, reason from debits where file = $1";
    let rows = r.client().await?.query(sql, &[&file]).await?;
    Ok(rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect())
}
