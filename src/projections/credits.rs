//! What the studio owes to members: the balances, and every move of each, for staff and for the member.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::credit::CreditEvent;
use crate::domain::shared::{AccountId, Currency, Money};
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct Credits;

#[async_trait]
impl Projection for Credits {
    fn name(&self) -> &'static str {
        "credits"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["credits", "credit_moves"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists credits (
            account  uuid not null,
            currency text not null,
            balance  bigint not null,
            moved_at timestamptz not null,
            primary key (account, currency)
        );
        create table if not exists credit_moves (
            position bigint primary key,
            account  uuid not null,
            kind     text not null,
            minor    bigint not null,
            currency text not null,
            order_id uuid,
            payout   uuid,
            sent     text,
            waiting  boolean not null default false,
            at       timestamptz not null
        );
        create index if not exists credit_moves_by_account on credit_moves (account, position);
        create index if not exists credit_moves_by_payout on credit_moves (payout) where payout is not null;
        create index if not exists credit_moves_waiting on credit_moves (position) where waiting;"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        use CreditEvent as E;
        let Some(decoded) = event.decode::<CreditEvent>()? else { return Ok(()) };
        let account = event.stream_uuid();
        let line = |kind, amount: Money, order, payout| Line { kind, amount, order, payout };
        let (line, balance, at) = match decoded {
            E::CreditGranted { order, amount, balance, at, .. } => {
                (line("granted", amount, Some(order), None), balance, at)
            }
            E::CreditUsed { order, amount, balance, at, .. } => {
                (line("used", amount.negated(), Some(order), None), balance, at)
            }
            E::CreditGivenBack { order, amount, balance, at, .. } => {
                (line("given-back", amount, Some(order), None), balance, at)
            }
            E::CreditHandedOver { amount, balance, at, .. } => {
                (line("handed-over", amount.negated(), None, None), balance, at)
            }
            E::CreditTakenOver { amount, balance, at, .. } => {
                (line("taken-over", amount, None, None), balance, at)
            }
            E::CreditPayOutStarted { payout, amount, balance, at, .. } => {
                (line("paid-out", amount.negated(), None, Some(payout)), balance, at)
            }
            E::CreditPaidOut { payout, reference, .. } => {
                let sql = "update credit_moves set waiting = false, sent = $2 where payout = $1 and waiting";
                tx.execute(sql, &[&payout, &reference]).await?;
                return Ok(());
            }
            E::CreditPayOutDropped { payout, amount, balance, at, .. } => {
                let sql = "update credit_moves set waiting = false where payout = $1 and waiting";
                tx.execute(sql, &[&payout]).await?;
                (line("not-sent", amount, None, Some(payout)), balance, at)
            }
        };
        tx.execute(
            "insert into credits values ($1, $2, $3, $4) on conflict (account, currency) do update
             set balance = excluded.balance, moved_at = excluded.moved_at",
            &[&account, &balance.currency.code(), &balance.minor, &at],
        )
        .await?;
        tx.execute(
            "insert into credit_moves (position, account, kind, minor, currency, order_id, payout, waiting, at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                &event.position,
                &account,
                &line.kind,
                &line.amount.minor,
                &line.amount.currency.code(),
                &line.order,
                &line.payout,
                &(line.kind == "paid-out"),
                &at,
            ],
        )
        .await?;
        Ok(())
    }
}

struct Line {
    kind: &'static str,
    amount: Money,
    order: Option<Uuid>,
    payout: Option<Uuid>,
}

/// What an account has in a currency.
#[derive(Clone, Debug)]
pub struct Balance {
    /// Whose.
    pub account: AccountId,
    /// How much.
    pub money: Money,
    /// When it moved last.
    pub moved_at: DateTime<Utc>,
    /// What is on its way out and not sent yet.
    pub going: Money,
}

/// One move of a credit.
#[derive(Clone, Debug)]
pub struct Move {
    /// Its place in the log.
    pub position: i64,
    /// Whose.
    pub account: AccountId,
    /// `granted`, `used`, `given-back`, `handed-over`, `taken-over`, `paid-out` or `not-sent`.
    pub kind: String,
    /// How much; negative for what leaves it.
    pub amount: Money,
    /// The order that it came from, or that it paid for, with its number.
    pub order: Option<(Uuid, String)>,
    /// The payout.
    pub payout: Option<Uuid>,
    /// The bank's number of the transfer.
    pub sent: Option<String>,
    /// Somebody has to send it.
    pub waiting: bool,
    /// When.
    pub at: DateTime<Utc>,
}

fn currency(code: &str) -> Result<Currency, StoreError> {
    Currency::parse(code).map_err(|e| StoreError::Unreadable(format!("a credit's row cannot be read: {e}")))
}

const BALANCES: &str = "select c.account, c.currency, c.balance, c.moved_at,
        coalesce((select -sum(m.minor) from credit_moves m
            where m.account = c.account and m.currency = c.currency and m.waiting), 0)::bigint
    from credits c";
const OPEN: &str = "(c.balance > 0 and not $1 or exists (select from credit_moves m
    where m.account = c.account and m.currency = c.currency and m.waiting))";

fn balance(row: &Row) -> Result<Balance, QueryError> {
    let currency = currency(row.get(1))?;
    Ok(Balance {
        account: row.get(0),
        money: Money::new(row.get(2), currency),
        moved_at: row.get(3),
        going: Money::new(row.get(4), currency),
    })
}

/// A page of what is owed, the one that moved last first, and how many there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(
    r: &Reader,
    waiting: bool,
    offset: i64,
    limit: i64,
) -> Result<(Vec<Balance>, i64), QueryError> {
    let client = r.client().await?;
    let count = format!("select count(*) from credits c where {OPEN}");
    let total = client.query_one(&count, &[&waiting]).await?.get(0);
    let sql =
        format!("{BALANCES} where {OPEN} order by c.moved_at desc, c.account, c.currency offset $2 limit $3");
    let rows = client.query(&sql, &[&waiting, &offset, &limit]).await?;
    Ok((rows.iter().map(balance).collect::<Result<_, _>>()?, total))
}

/// What is owed, by account and currency, from behind `last` on.
///
/// # Errors
/// If the database cannot be read.
pub async fn after(
    r: &Reader,
    waiting: bool,
    last: Option<(AccountId, Currency)>,
    limit: i64,
) -> Result<Vec<Balance>, QueryError> {
    let sql = format!(
        "{BALANCES} where {OPEN} and ($2::uuid is null or (c.account, c.currency) > ($2, $3::text))
         order by c.account, c.currency limit $4"
    );
    let (account, code) = last.map(|(account, currency)| (account, currency.code())).unzip();
    let rows = r.client().await?.query(&sql, &[&waiting, &account, &code, &limit]).await?;
    rows.iter().map(balance).collect()
}

/// What an account has, by currency; also where there is nothing any more.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_account(r: &Reader, account: AccountId) -> Result<Vec<Balance>, QueryError> {
    let sql = format!("{BALANCES} where c.account = $1 order by c.currency");
    r.client().await?.query(&sql, &[&account]).await?.iter().map(balance).collect()
}

/// What of an order that asks for `most` an account's credit would pay now.
///
/// # Errors
/// If the database cannot be read.
pub async fn there(r: &Reader, account: AccountId, most: Money) -> Result<Money, QueryError> {
    let of = of_account(r, account).await?;
    let money = of.iter().find(|b| b.money.currency == most.currency).map_or(0, |b| b.money.minor);
    Ok(Money::new(money.clamp(0, most.minor.max(0)), most.currency))
}

/// What is owed in all, by currency, with what waits to be sent.
///
/// # Errors
/// If the database cannot be read.
pub async fn totals(r: &Reader) -> Result<Vec<Money>, QueryError> {
    let sql = "select currency, sum(minor)::bigint from (
            select currency, balance minor from credits
            union all select currency, -minor from credit_moves where waiting) owed
        group by currency having sum(minor) > 0 order by currency";
    let rows = r.client().await?.query(sql, &[]).await?;
    rows.iter().map(|row| Ok(Money::new(row.get(1), currency(row.get(0))?))).collect()
}

/// How many payouts wait for somebody to send them.
///
/// # Errors
/// If the database cannot be read.
pub async fn waiting(r: &Reader) -> Result<i64, QueryError> {
    Ok(r.client().await?.query_one("select count(*) from credit_moves where waiting", &[]).await?.get(0))
}

const MOVES: &str =
    "select m.position, m.account, m.kind, m.minor, m.currency, m.order_id, o.number, m.payout, m.sent,
        m.waiting, m.at
    from credit_moves m left join orders o on o.id = m.order_id";

fn read(row: &Row) -> Result<Move, QueryError> {
    Ok(Move {
        position: row.get(0),
        account: row.get(1),
        kind: row.get(2),
        amount: Money::new(row.get(3), currency(row.get(4))?),
        order: row.get::<_, Option<Uuid>>(5).zip(row.get(6)),
        payout: row.get(7),
        sent: row.get(8),
        waiting: row.get(9),
        at: row.get(10),
    })
}

/// The moves of an account's credit, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn moves(r: &Reader, account: AccountId, limit: i64) -> Result<Vec<Move>, QueryError> {
    let sql = format!("{MOVES} where m.account = $1 order by m.position desc limit $2");
    r.client().await?.query(&sql, &[&account, &limit]).await?.iter().map(read).collect()
}

/// All moves in the order of the log, from behind `last` on.
///
/// # Errors
/// If the database cannot be read.
pub async fn moves_after(r: &Reader, last: Option<i64>, limit: i64) -> Result<Vec<Move>, QueryError> {
    let sql = format!("{MOVES} where m.position > $1 order by m.position limit $2");
    r.client().await?.query(&sql, &[&last.unwrap_or(0), &limit]).await?.iter().map(read).collect()
}
