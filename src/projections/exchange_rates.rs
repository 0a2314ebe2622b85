//! Rates of exchange of the euro that were noted: what counts, and who noted it.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::exchange::{ExchangeEvent, ExchangeTable, Quote};
use crate::domain::shared::Currency;
use crate::store::{Actor, RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct ExchangeRates;

#[async_trait]
impl Projection for ExchangeRates {
    fn name(&self) -> &'static str {
        "exchange_rates"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["exchange_rates"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists exchange_rates (
            position   bigint primary key,
            day        date not null,
            currency   text not null,
            millionths bigint not null,
            previous   bigint,
            source     text not null,
            noted_at   timestamptz not null,
            actor      uuid
        );
        create index if not exists exchange_rates_by_day on exchange_rates (currency, day, position);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(ExchangeEvent::ExchangeRateNoted { quote, previous, source, at }) = event.decode()? else {
            return Ok(());
        };
        let actor = match event.metadata.actor {
            Actor::Account(id) => Some(id),
            _ => None,
        };
        let source: &'static str = source.into();
        tx.execute(
            "insert into exchange_rates values ($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &event.position,
                &quote.day,
                &quote.currency.code(),
                &quote.millionths,
                &previous,
                &source,
                &at,
                &actor,
            ],
        )
        .await?;
        Ok(())
    }
}

/// A rate as it was noted.
#[derive(Clone, Debug)]
pub struct Noted {
    /// Day, currency, rate.
    pub quote: Quote,
    /// What was noted before for that day, in millionths.
    pub previous: Option<i64>,
    /// `staff`, `file` or `fetched`.
    pub source: String,
    /// When.
    pub noted_at: DateTime<Utc>,
    /// By whom; none: by the studio itself.
    pub by: Option<Uuid>,
}

fn quote(row: &Row) -> Result<Quote, QueryError> {
    let currency = Currency::parse(row.get(1)).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    Ok(Quote { day: row.get(0), currency, millionths: row.get(2) })
}

/// All rates as they count.
///
/// # Errors
/// If the database cannot be read.
pub async fn table(r: &Reader) -> Result<ExchangeTable, QueryError> {
    let sql = "select day, currency, millionths from exchange_rates order by position";
    let mut table = ExchangeTable::default();
    for row in r.client().await?.query(sql, &[]).await? {
        table.set(quote(&row)?);
    }
    Ok(table)
}

/// What was noted, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn noted(r: &Reader, limit: i64) -> Result<Vec<Noted>, QueryError> {
    let sql = "select day, currency, millionths, previous, source, noted_at, actor
        from exchange_rates order by position desc limit $1";
    let rows = r.client().await?.query(sql, &[&limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Noted {
                quote: quote(row)?,
                previous: row.get(3),
                source: row.get(4),
                noted_at: row.get(5),
                by: row.get(6),
            })
        })
        .collect()
}

/// The currencies other than the euro in which something was invoiced, each with the last day of each quarter in
/// which it was.
///
/// # Errors
/// If the database cannot be read.
pub async fn wanted(r: &Reader) -> Result<Vec<(Currency, NaiveDate)>, QueryError> {
    let sql = "select distinct currency,
            (date_trunc('quarter', issued_on::timestamp) + interval '3 months' - interval '1 day')::date
        from invoices where currency <> 'EUR' order by 2 desc, 1";
    let rows = r.client().await?.query(sql, &[]).await?;
    rows.iter()
        .map(|row| {
            let code: &str = row.get(0);
            let currency = Currency::parse(code).map_err(|e| StoreError::Unreadable(e.to_string()))?;
            Ok((currency, row.get(1)))
        })
        .collect()
}
