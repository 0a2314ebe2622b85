//! Refunds: what went back of an order, what waits for a second person or for the gateway.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::order::{OrderEvent, RefundOf, RefundVia};
use crate::domain::shared::{AccountId, Currency, Money};
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Refunds;

#[async_trait]
impl Projection for Refunds {
    fn name(&self) -> &'static str {
        "refunds"
    }

    fn version(&self) -> i32 {
        2
    }

    fn tables(&self) -> &'static [&'static str] {
        &["refunds", "refund_orders"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists refund_orders (
            order_id uuid primary key,
            number   text not null,
            account  uuid not null
        );
        create table if not exists refunds (
            refund        uuid primary key,
            order_id      uuid not null,
            number        text not null,
            account       uuid not null,
            of            text not null,
            via           json not null,
            minor         bigint not null,
            currency      text not null,
            state         text not null,
            code          text,
            reference     text,
            asked_by      uuid not null,
            decided_by    uuid,
            asked_at      timestamptz not null,
            done_at       timestamptz,
            look_again_at timestamptz,
            intent        bigint,
            lapses_at     timestamptz
        );
        create index if not exists refunds_by_order on refunds (order_id, asked_at);
        create index if not exists refunds_by_time on refunds (asked_at desc, refund);
        create index if not exists refunds_open on refunds (look_again_at) where state in ('started', 'unknown');"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        use OrderEvent as E;
        let Some(decoded) = event.decode::<OrderEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        match decoded {
            E::OrderPlaced { number, account, .. } => {
                tx.execute("insert into refund_orders values ($1, $2, $3)", &[&id, &number, &account])
                    .await?;
            }
            E::RefundProposed { refund, of, via, amount, by, lapses_at, at, .. } => {
                insert(tx, id, refund, (of, &via), amount, "proposed", by, at).await?;
                let sql = "update refunds set lapses_at = $2 where refund = $1";
                tx.execute(sql, &[&refund, &lapses_at]).await?;
            }
            E::RefundStarted { refund, of, via, amount, by, approved_by, at } => {
                insert(tx, id, refund, (of, &via), amount, "started", by, at).await?;
                // One that is still without an answer a little later was cut off: it is looked up. A
                // transfer is sent by a person: nobody can be asked about it.
                let look = match via {
                    RefundVia::Charge { .. } => Some(at + TimeDelta::minutes(2)),
                    RefundVia::Transfer | RefundVia::Credit => None,
                };
                tx.execute(
                    "update refunds set state = 'started', decided_by = $2, look_again_at = $3, intent = $4
                     where refund = $1",
                    &[&refund, &approved_by, &look, &event.position],
                )
                .await?;
            }
            E::RefundRejected { refund, by, at } => {
                set(tx, refund, "rejected", None).await?;
                let sql = "update refunds set decided_by = $2, done_at = $3 where refund = $1";
                tx.execute(sql, &[&refund, &by, &at]).await?;
            }
            E::RefundDismissed { refund, .. } => set(tx, refund, "dismissed", None).await?,
            E::RefundLapsed { refund, at } => {
                set(tx, refund, "lapsed", None).await?;
                tx.execute("update refunds set done_at = $2 where refund = $1", &[&refund, &at]).await?;
            }
            E::RefundSucceeded { refund, gateway_reference, at, .. } => {
                set(tx, refund, "succeeded", None).await?;
                let sql = "update refunds set reference = $2, done_at = $3 where refund = $1";
                tx.execute(sql, &[&refund, &gateway_reference, &at]).await?;
            }
            E::RefundRefused { refund, code, at } => {
                set(tx, refund, "refused", None).await?;
                let sql = "update refunds set code = $2, done_at = $3 where refund = $1";
                tx.execute(sql, &[&refund, &code, &at]).await?;
            }
            E::RefundOutcomeUnknown { refund, look_again_at, .. } => {
                set(tx, refund, "unknown", Some(look_again_at)).await?;
            }
            E::RefundParked { refund, .. } => set(tx, refund, "parked", None).await?,
            _ => {}
        }
        Ok(())
    }
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
async fn insert(
    tx: &Transaction<'_>,
    order: Uuid,
    refund: Uuid,
    (of, via): (RefundOf, &RefundVia),
    amount: Money,
    state: &str,
    by: AccountId,
    at: DateTime<Utc>,
) -> Result<(), ProjectionError> {
    let of: &'static str = of.into();
    tx.execute(
        "insert into refunds (refund, order_id, number, account, of, via, minor, currency, state, asked_by, asked_at)
         select $1, order_id, number, account, $3, $4, $5, $6, $7, $8, $9 from refund_orders where order_id = $2
         on conflict (refund) do nothing",
        &[
            &refund,
            &order,
            &of,
            &serde_json::to_value(via)?,
            &amount.minor,
            &amount.currency.code(),
            &state,
            &by,
            &at,
        ],
    )
    .await?;
    Ok(())
}

async fn set(
    tx: &Transaction<'_>,
    refund: Uuid,
    state: &str,
    look: Option<DateTime<Utc>>,
) -> Result<(), ProjectionError> {
    let sql = "update refunds set state = $2, look_again_at = $3 where refund = $1";
    tx.execute(sql, &[&refund, &state, &look]).await?;
    Ok(())
}

/// A refund as lists and pages show it.
#[derive(Clone, Debug)]
pub struct RefundRow {
    /// Its id, the gateway's key.
    pub refund: Uuid,
    /// The order.
    pub order: Uuid,
    /// That order's number.
    pub number: String,
    /// Whose order.
    pub account: AccountId,
    /// `price` or `overpayment`.
    pub of: String,
    /// The way it goes.
    pub via: RefundVia,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub state: String,
    /// Why the gateway refused.
    pub code: Option<String>,
    /// The gateway's number.
    pub reference: Option<String>,
    /// Who asked.
    pub asked_by: AccountId,
    /// Who agreed or did not.
    pub decided_by: Option<AccountId>,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it was over.
    pub done_at: Option<DateTime<Utc>>,
    /// From when on nobody can agree to it any more.
    pub lapses_at: Option<DateTime<Utc>>,
}

const SELECT: &str =
    "select refund, order_id, number, account, of, via, minor, currency, state, code, reference,
    asked_by, decided_by, asked_at, done_at, lapses_at from refunds";

fn read(row: &Row) -> Result<RefundRow, QueryError> {
    let unreadable = |e: String| StoreError::Unreadable(format!("a refund's row cannot be read: {e}"));
    let currency = Currency::parse(row.get(7)).map_err(|e| unreadable(e.to_string()))?;
    Ok(RefundRow {
        refund: row.get(0),
        order: row.get(1),
        number: row.get(2),
        account: row.get(3),
        of: row.get(4),
        via: serde_json::from_value(row.get(5)).map_err(|e| unreadable(e.to_string()))?,
        amount: Money::new(row.get(6), currency),
        state: row.get(8),
        code: row.get(9),
        reference: row.get(10),
        asked_by: row.get(11),
        decided_by: row.get(12),
        asked_at: row.get(13),
        done_at: row.get(14),
        lapses_at: row.get(15),
    })
}

/// The refunds of an order, oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_order(r: &Reader, order: Uuid) -> Result<Vec<RefundRow>, QueryError> {
    let sql = format!("{SELECT} where order_id = $1 order by asked_at, refund");
    r.client().await?.query(&sql, &[&order]).await?.iter().map(read).collect()
}

/// One refund.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(r: &Reader, refund: Uuid) -> Result<Option<RefundRow>, QueryError> {
    let sql = format!("{SELECT} where refund = $1");
    r.client().await?.query_opt(&sql, &[&refund]).await?.as_ref().map(read).transpose()
}

fn narrowed() -> String {
    format!(
        "($1::text is null or state = $1 or ($1 = 'stuck' and {STUCK})
            or ($1 = 'to-send' and state = 'started' and via::jsonb ->> 'by' = 'transfer')
            or ($1 = 'open' and (state in ('proposed', 'started', 'unknown') or {STUCK})))"
    )
}

/// A page of all refunds, newest first, and how many there are. `state` is one state, or `open` for
/// all that somebody or something still has to do with, `to-send` for those to be sent by bank transfer, `stuck` for
/// those that did not go back.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(
    r: &Reader,
    state: Option<&str>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<RefundRow>, i64), QueryError> {
    let client = r.client().await?;
    let narrowed = narrowed();
    let total =
        client.query_one(&format!("select count(*) from refunds where {narrowed}"), &[&state]).await?;
    let sql = format!("{SELECT} where {narrowed} order by asked_at desc, refund offset $2 limit $3");
    let rows = client.query(&sql, &[&state, &offset, &limit]).await?;
    Ok((rows.iter().map(read).collect::<Result<_, _>>()?, total.get(0)))
}

/// Those that follow `last` (when it was asked for, and its id) in the same order; from the beginning without one.
///
/// # Errors
/// If the database cannot be read.
pub async fn after(
    r: &Reader,
    state: Option<&str>,
    last: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<RefundRow>, QueryError> {
    let (at, id) = last.unzip();
    let sql = format!(
        "{SELECT} where {} and ($2::timestamptz is null or asked_at < $2 or (asked_at = $2 and refund > $3))
         order by asked_at desc, refund limit $4",
        narrowed()
    );
    r.client().await?.query(&sql, &[&state, &at, &id, &limit]).await?.iter().map(read).collect()
}

/// Proposals that nobody decided by `at`: order and refund.
///
/// # Errors
/// If the database cannot be read.
pub async fn to_lapse(r: &Reader, at: DateTime<Utc>, limit: i64) -> Result<Vec<(Uuid, Uuid)>, QueryError> {
    let sql = "select order_id, refund from refunds where state = 'proposed' and lapses_at <= $1
        order by lapses_at limit $2";
    let rows = r.client().await?.query(sql, &[&at, &limit]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Refunds whose answer is to be looked up by `at`: order and refund; without those that `refunder`
/// has not come to yet.
///
/// # Errors
/// If the database cannot be read.
pub async fn to_look_up(
    r: &Reader,
    refunder: &str,
    at: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, QueryError> {
    let sql = "select order_id, refund from refunds
        where look_again_at <= $1 and (state = 'unknown' or state = 'started'
            and intent <= coalesce((select position from public.checkpoints where name = $3), 0))
        order by look_again_at limit $2";
    let rows = r.client().await?.query(sql, &[&at, &limit, &refunder]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Refunds that went back to a card since `since`, of those hours of the day in which it is `at`: each is among them
/// once a day. A bank may send one back for weeks. Order and refund, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn made_since(
    r: &Reader,
    since: DateTime<Utc>,
    at: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, QueryError> {
    let sql = "select order_id, refund from refunds
        where state = 'succeeded' and via::jsonb ->> 'by' = 'charge' and done_at >= $1 and done_at < $2
            and extract(hour from done_at at time zone 'UTC') = extract(hour from $2::timestamptz at time zone 'UTC')
        order by done_at limit $3";
    let rows = r.client().await?.query(sql, &[&since, &at, &limit]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Of which the gateway cannot say what became, or which it refused, and nothing of the order was given back
/// another way since. One that was given back and came back (it has a number) is what is owed now, instead of those
/// before it.
const STUCK: &str =
    "(state = 'parked' or (state = 'refused' and via::jsonb ->> 'by' = 'charge' and not exists
    (select from refunds later where later.order_id = refunds.order_id and later.refund <> refunds.refund
        and later.asked_at >= refunds.done_at
        and (later.state not in ('refused', 'dismissed', 'rejected', 'lapsed') or later.reference is not null))))";

/// Whether money of an account is still here, or may be on its way back.
///
/// # Errors
/// If the database cannot be read.
pub async fn is_owed(r: &Reader, account: AccountId) -> Result<bool, QueryError> {
    let sql = format!(
        "select exists (select from orders where account = $1 and overpaid > returned)
            or exists (select from refunds where account = $1
                and (state in ('proposed', 'started', 'unknown') or {STUCK}))"
    );
    Ok(r.client().await?.query_one(&sql, &[&account]).await?.get(0))
}

/// How many did not go back, or nobody knows whether they did.
///
/// # Errors
/// If the database cannot be read.
pub async fn stuck(r: &Reader) -> Result<i64, QueryError> {
    let sql = format!("select count(*) from refunds where {STUCK}");
    Ok(r.client().await?.query_one(&sql, &[]).await?.get(0))
}

/// How many wait for somebody to send them by bank transfer.
///
/// # Errors
/// If the database cannot be read.
pub async fn to_send(r: &Reader) -> Result<i64, QueryError> {
    let sql = "select count(*) from refunds where state = 'started' and via::jsonb ->> 'by' = 'transfer'";
    Ok(r.client().await?.query_one(sql, &[]).await?.get(0))
}
