//! The rates of tax: what counts, and who entered it why.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::shared::PersonalRef;
use crate::domain::shared::tax::Country;
use crate::domain::shared::tax_rates::RateTable;
use crate::domain::tax_book::TaxBookEvent;
use crate::store::{Actor, RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// The projection.
pub struct TaxRates;

#[async_trait]
impl Projection for TaxRates {
    fn name(&self) -> &'static str {
        "tax_rates"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["tax_rate_changes"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists tax_rate_changes (
            position     bigint primary key,
            country      text not null,
            from_day     date not null,
            before_bp    bigint,
            after_bp     bigint,
            decided_at   timestamptz not null,
            actor        uuid,
            reason       json
        );"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<TaxBookEvent>()? else { return Ok(()) };
        let (country, from, before, after) = decoded.change();
        let actor = match event.metadata.actor {
            Actor::Account(id) => Some(id),
            _ => None,
        };
        let reason = event.metadata.reason.as_ref().map(serde_json::to_value).transpose()?;
        tx.execute(
            "insert into tax_rate_changes values ($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &event.position,
                &country.code(),
                &from,
                &before.map(i64::from),
                &after.map(i64::from),
                &event.effective_at,
                &actor,
                &reason,
            ],
        )
        .await?;
        Ok(())
    }
}

/// One decision of staff.
#[derive(Clone, Debug)]
pub struct Change {
    /// Where it stands in the log.
    pub position: i64,
    /// Of which country.
    pub country: Country,
    /// The first day of the rate.
    pub from: NaiveDate,
    /// What began on that day until then, in hundredths of a percent; none: nothing.
    pub before: Option<u32>,
    /// What begins on it since; none: nothing.
    pub after: Option<u32>,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// By whom.
    pub by: Option<Uuid>,
    /// Why, in their words; none once these were erased with the account.
    pub reason: Option<String>,
}

/// The rates as they count, by what stands in the log before `position`; none: by all of it.
///
/// # Errors
/// If the database cannot be read.
pub async fn rates(r: &Reader, position: Option<i64>) -> Result<RateTable, QueryError> {
    let sql = "select country, from_day, after_bp from tax_rate_changes
        where position < coalesce($1, position + 1) order by position";
    let mut table = RateTable::default();
    for row in r.client().await?.query(sql, &[&position]).await? {
        let after: Option<i64> = row.get(2);
        table.set(country(row.get(0))?, row.get(1), after.and_then(|bp| u32::try_from(bp).ok()));
    }
    Ok(table)
}

/// What staff decided, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn changes(r: &Reader) -> Result<Vec<Change>, QueryError> {
    let sql = "select position, country, from_day, before_bp, after_bp, decided_at, actor, reason
        from tax_rate_changes order by position desc";
    let rows = r.client().await?.query(sql, &[]).await?;
    let mut found = Vec::with_capacity(rows.len());
    let mut references = Vec::with_capacity(rows.len());
    for row in rows {
        let rate = |n: usize| row.get::<_, Option<i64>>(n).and_then(|bp| u32::try_from(bp).ok());
        let reason: Option<serde_json::Value> = row.get(7);
        let reason: Option<PersonalRef> = reason
            .map(serde_json::from_value)
            .transpose()
            .map_err(|e| StoreError::Unreadable(format!("a change of a tax rate cannot be read: {e}")))?;
        references.push(reason);
        found.push(Change {
            position: row.get(0),
            country: country(row.get(1))?,
            from: row.get(2),
            before: rate(3),
            after: rate(4),
            decided_at: row.get(5),
            by: row.get(6),
            reason: None,
        });
    }
    let words = r.open_many(&references.iter().flatten().cloned().collect::<Vec<_>>()).await?;
    for (change, reference) in found.iter_mut().zip(references) {
        change.reason = reference.and_then(|at| words.get(&at).cloned());
    }
    Ok(found)
}

fn country(code: &str) -> Result<Country, QueryError> {
    Country::parse(code).map_err(|e| StoreError::Unreadable(e.to_string()))
}
