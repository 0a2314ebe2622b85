//! What was invoiced, by month and by country and rate of tax: read from the invoices.

use super::{QueryError, Reader};
use chrono::NaiveDate;

/// What was invoiced in one month in one currency; minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoiced {
    /// Its first day.
    pub month: NaiveDate,
    /// Currency.
    pub currency: String,
    /// Invoices.
    pub invoices: i64,
    /// Their totals.
    pub gross: i64,
    /// Credit notes.
    pub credit_notes: i64,
    /// Their totals; negative.
    pub credited: i64,
    /// Tax of both.
    pub tax: i64,
    /// Both without tax.
    pub net: i64,
}

/// What was invoiced by month from `from` on, before `until`; oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_month(r: &Reader, from: NaiveDate, until: NaiveDate) -> Result<Vec<Invoiced>, QueryError> {
    let sql = "
        select date_trunc('month', issued_on)::date, currency,
            count(*) filter (where kind = 'invoice'),
            coalesce(sum(gross_minor) filter (where kind = 'invoice'), 0)::bigint,
            count(*) filter (where kind = 'credit-note'),
            coalesce(sum(gross_minor) filter (where kind = 'credit-note'), 0)::bigint,
            sum((document->'tax'->'tax'->>'minor')::bigint)::bigint,
            sum((document->'tax'->'net'->>'minor')::bigint)::bigint
        from invoices where issued_on >= $1 and issued_on < $2 group by 1, 2 order by 1, 2";
    let rows = r.client().await?.query(sql, &[&from, &until]).await?;
    Ok(rows
        .iter()
        .map(|row| Invoiced {
            month: row.get(0),
            currency: row.get(1),
            invoices: row.get(2),
            gross: row.get(3),
            credit_notes: row.get(4),
            credited: row.get(5),
            tax: row.get(6),
            net: row.get(7),
        })
        .collect())
}

/// One line of the tax report: a country, a kind and a rate; minor units, credit notes taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxLine {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// `VATC`, `VATRC` or `none`.
    pub kind: String,
    /// Hundredths of a percent.
    pub basis_points: i32,
    /// Currency.
    pub currency: String,
    /// Invoices and credit notes.
    pub documents: i64,
    /// Without tax.
    pub net: i64,
    /// The tax.
    pub tax: i64,
    /// Both.
    pub gross: i64,
}

/// What was sold by country and rate from `from` on, before `until`.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_country(r: &Reader, from: NaiveDate, until: NaiveDate) -> Result<Vec<TaxLine>, QueryError> {
    let sql = "
        select document->'tax'->>'country', document->'tax'->>'kind', (document->'tax'->>'basis_points')::int, currency,
            count(*), sum((document->'tax'->'net'->>'minor')::bigint)::bigint,
            sum((document->'tax'->'tax'->>'minor')::bigint)::bigint, sum(gross_minor)::bigint
        from invoices where issued_on >= $1 and issued_on < $2 group by 1, 2, 3, 4 order by 1, 2, 3, 4";
    let rows = r.client().await?.query(sql, &[&from, &until]).await?;
    Ok(rows
        .iter()
        .map(|row| TaxLine {
            country: row.get(0),
            kind: row.get(1),
            basis_points: row.get(2),
            currency: row.get(3),
            documents: row.get(4),
            net: row.get(5),
            tax: row.get(6),
            gross: row.get(7),
        })
        .collect())
}
