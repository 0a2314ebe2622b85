//! What was invoiced, by day, week or month, and by country and rate of tax: read from the invoices.

use super::{QueryError, Reader};
use crate::domain::shared::calendar::Zone;
use chrono::{Datelike as _, Months, NaiveDate, TimeDelta};
use tokio_postgres::types::ToSql;

/// How long the spans of a report are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Span {
    /// A day.
    Day,
    /// A week; it begins on Monday.
    Week,
    /// A month.
    Month,
}

impl Span {
    /// What the database calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// How many of them a report shows: two months of days, a year of weeks, two years of months.
    #[must_use]
    pub const fn shown(self) -> i32 {
        match self {
            Self::Day => 62,
            Self::Week => 53,
            Self::Month => 24,
        }
    }

    /// The first day of the span that `day` lies in.
    #[must_use]
    pub fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day - TimeDelta::days(i64::from(day.weekday().num_days_from_monday())),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// The first day of the span that lies `n` spans after (or before) the one that begins on `start`.
    #[must_use]
    pub fn step(self, start: NaiveDate, n: i32) -> NaiveDate {
        let moved = match self {
            Self::Day => start.checked_add_signed(TimeDelta::days(i64::from(n))),
            Self::Week => start.checked_add_signed(TimeDelta::weeks(i64::from(n))),
            Self::Month if n < 0 => start.checked_sub_months(Months::new(n.unsigned_abs())),
            Self::Month => start.checked_add_months(Months::new(n.unsigned_abs())),
        };
        moved.unwrap_or(start)
    }
}

/// What was invoiced in one span in one currency; minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoiced {
    /// Its first day.
    pub start: NaiveDate,
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
    /// What disputes took away for good; negative. No credit note is written for it: the tax stays owed.
    pub lost: i64,
}

impl Invoiced {
    /// A span in which nothing was invoiced.
    #[must_use]
    pub fn nothing(start: NaiveDate, currency: &str) -> Self {
        let currency = currency.to_owned();
        let (invoices, gross, credit_notes, credited, tax, net, lost) = (0, 0, 0, 0, 0, 0, 0);
        Self { start, currency, invoices, gross, credit_notes, credited, tax, net, lost }
    }

    /// Revenue: without tax, refunds and lost disputes taken off.
    #[must_use]
    pub const fn revenue(&self) -> i64 {
        self.net + self.lost
    }
}

/// What was invoiced and lost by `span` from `from` on, before `until`, by the days of `zone`; oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_span(
    r: &Reader,
    zone: Zone,
    span: Span,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<Invoiced>, QueryError> {
    let sql = "
        with documents as (
            select date_trunc($3::text, issued_on::timestamp)::date as start, currency,
                count(*) filter (where kind = 'invoice') as invoices,
                coalesce(sum(gross_minor) filter (where kind = 'invoice'), 0)::bigint as gross,
                count(*) filter (where kind = 'credit-note') as notes,
                coalesce(sum(gross_minor) filter (where kind = 'credit-note'), 0)::bigint as credited,
                sum((document->'tax'->'tax'->>'minor')::bigint)::bigint as tax,
                sum((document->'tax'->'net'->>'minor')::bigint)::bigint as net
            from invoices where issued_on >= $1 and issued_on < $2 group by 1, 2
        ), lost as (
            select date_trunc($3::text, day::timestamp)::date as start, currency, sum(minor)::bigint as lost
            from unnest($4::date[], $5::text[], $6::bigint[]) x(day, currency, minor) group by 1, 2
        )
        select start, currency, coalesce(invoices, 0), coalesce(gross, 0), coalesce(notes, 0), coalesce(credited, 0),
            coalesce(tax, 0), coalesce(net, 0), -coalesce(lost, 0)
        from documents full join lost using (start, currency) order by 1, 2";
    let client = r.client().await?;
    // Days are told here: the database may not know the zone by the same name.
    let lost = "select at, currency, minor from lost_disputes where at >= $1 and at < $2";
    let lost = client.query(lost, &[&zone.start_of_day(from), &zone.start_of_day(until)]).await?;
    let days: Vec<NaiveDate> = lost.iter().map(|row| zone.date_of(row.get(0))).collect();
    let currencies: Vec<&str> = lost.iter().map(|row| row.get(1)).collect();
    let amounts: Vec<i64> = lost.iter().map(|row| row.get(2)).collect();
    let params: [&(dyn ToSql + Sync); 6] = [&from, &until, &span.word(), &days, &currencies, &amounts];
    let rows = client.query(sql, &params).await?;
    Ok(rows
        .iter()
        .map(|row| Invoiced {
            start: row.get(0),
            currency: row.get(1),
            invoices: row.get(2),
            gross: row.get(3),
            credit_notes: row.get(4),
            credited: row.get(5),
            tax: row.get(6),
            net: row.get(7),
            lost: row.get(8),
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

/// One line of a return for the one-stop shop; minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OssLine {
    /// The first day of the earlier quarter that is corrected; none: supplies of the quarter itself.
    pub corrects: Option<NaiveDate>,
    /// Country of consumption, ISO 3166-1 alpha-2.
    pub country: String,
    /// Hundredths of a percent.
    pub basis_points: i32,
    /// Currency.
    pub currency: String,
    /// Without tax.
    pub net: i64,
    /// The tax.
    pub tax: i64,
}

/// The return for the quarter from `from` on, before `until`, of a seller in `home`: what consumers in other
/// countries of the Union paid tax on, then what credit notes of this quarter take back of invoices of earlier
/// ones, by the quarter of the invoice. An invoice that was issued anew for another buyer supplies nothing anew: its
/// first one counts.
///
/// # Errors
/// If the database cannot be read.
pub async fn one_stop_shop(
    r: &Reader,
    home: &str,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<OssLine>, QueryError> {
    let sql = "
        select case when c.issued_on < $2 then date_trunc('quarter', c.issued_on::timestamp)::date end as corrects,
            i.document->'tax'->>'country', (i.document->'tax'->>'basis_points')::int, i.currency,
            sum((i.document->'tax'->'net'->>'minor')::bigint)::bigint,
            sum((i.document->'tax'->'tax'->>'minor')::bigint)::bigint
        from invoices i left join lateral (select o.issued_on from invoices o
            where i.kind = 'credit-note' and o.kind = 'invoice' and o.order_id = i.order_id
                and o.document->>'reissue' is null
                and o.position <= (select position from invoices n where n.number = i.document->>'corrects')
            order by o.position desc limit 1) c on true
        where i.issued_on >= $2 and i.issued_on < $3 and i.document->>'reissue' is null
            and i.document->'tax'->>'kind' = 'VATC' and i.document->'tax'->>'country' <> $1
        group by 1, 2, 3, 4 order by 1 nulls first, 2, 3, 4";
    let rows = r.client().await?.query(sql, &[&home, &from, &until]).await?;
    Ok(rows
        .iter()
        .map(|row| OssLine {
            corrects: row.get(0),
            country: row.get(1),
            basis_points: row.get(2),
            currency: row.get(3),
            net: row.get(4),
            tax: row.get(5),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::Span;
    use chrono::NaiveDate;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn weeks_begin_on_monday_and_spans_follow_each_other() {
        // A Sunday, and the Monday after it.
        assert_eq!(Span::Week.start(day("2026-11-29")), day("2026-11-23"));
        assert_eq!(Span::Week.start(day("2026-11-30")), day("2026-11-30"));
        assert_eq!(Span::Week.step(day("2026-11-23"), 1), day("2026-11-30"));
        assert_eq!(Span::Month.start(day("2026-11-29")), day("2026-11-01"));
        assert_eq!(Span::Month.step(day("2026-11-01"), -23), day("2024-12-01"));
        assert_eq!(Span::Month.step(day("2026-12-01"), 1), day("2027-01-01"));
        assert_eq!(Span::Day.step(day("2027-01-01"), -1), day("2026-12-31"));
        assert_eq!((Span::Week.word(), "week".parse()), ("week", Ok(Span::Week)));
    }
}
