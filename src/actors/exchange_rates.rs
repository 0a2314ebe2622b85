//! Rates of exchange from a file of the European Central Bank: what returns for the one-stop shop need of it.

use super::bus::{CommandError, Envelope};
use super::services::Services;
use crate::adapters::ecb_rates;
use crate::domain::exchange::{
    ExchangeBook, ExchangeCommand, ExchangeError, ExchangeSource, PATIENCE, Quote, exchange_book_id,
};
use crate::domain::shared::Currency;
use crate::projections::exchange_rates;
use crate::store::{Metadata, Receipt, StoreError};
use chrono::{Days, NaiveDate};
use uuid::Uuid;

/// Why no rates were noted.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] ecb_rates::BadRates),
    /// The book refuses.
    #[error(transparent)]
    Book(#[from] CommandError<ExchangeError>),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Of all rates of a file, those that convert a quarter in which something was invoiced in their currency.
fn needed(all: &[Quote], wanted: &[(Currency, NaiveDate)], today: NaiveDate) -> Vec<Quote> {
    let of = |(currency, last): &(Currency, NaiveDate)| {
        let until = last.checked_add_days(Days::new(PATIENCE))?.min(today);
        let fits = |q: &&Quote| q.currency == *currency && q.day >= *last && q.day <= until;
        all.iter().filter(fits).min_by_key(|q| q.day).copied()
    };
    wanted.iter().filter_map(of).collect()
}

/// The quarters that are over and have no rate for a currency in which something was invoiced.
///
/// # Errors
/// If the database cannot be read.
pub async fn missing(cx: &Services, today: NaiveDate) -> Result<Vec<(Currency, NaiveDate)>, StoreError> {
    let table = exchange_rates::table(&cx.reader).await?;
    let wanted = exchange_rates::wanted(&cx.reader).await?;
    Ok(wanted.into_iter().filter(|(c, last)| *last < today && table.rate(*c, *last).is_none()).collect())
}

/// Notes what is needed of a file that came from `source`; how many rates were new or other than before.
///
/// # Errors
/// [`RatesError`]: then nothing was noted.
pub async fn import(
    cx: &Services,
    (file, source): (&[u8], ExchangeSource),
    today: NaiveDate,
    (id, meta): (Uuid, Metadata),
) -> Result<(Receipt, usize), RatesError> {
    let all = ecb_rates::read(file)?;
    let wanted = exchange_rates::wanted(&cx.reader).await?;
    let quotes = needed(&all, &wanted, today);
    let before = exchange_rates::table(&cx.reader).await?;
    let new = quotes.iter().filter(|q| before.noted(q.currency, q.day) != Some(q.millionths)).count();
    let command = ExchangeCommand::Note { quotes, source, today, at: meta.at };
    let envelope = Envelope::new(id, exchange_book_id(), command, meta);
    Ok((cx.bus.dispatch::<ExchangeBook>(envelope).await?, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_file_only_what_a_quarter_needs_is_taken() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let usd = Currency::parse("USD").unwrap();
        let quote = |on: &str, code: &str| Quote {
            day: day(on),
            currency: Currency::parse(code).unwrap(),
            millionths: 1_000_000,
        };
        let all = [
            quote("2026-09-29", "USD"),
            quote("2026-10-02", "USD"),
            quote("2026-10-01", "USD"),
            quote("2026-10-01", "GBP"),
            quote("2026-12-31", "USD"),
        ];
        let wanted = [(usd, day("2026-09-30")), (usd, day("2026-12-31"))];
        let taken = |today: &str| {
            needed(&all, &wanted, day(today)).iter().map(|q| q.day.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(taken("2027-01-15"), ["2026-10-01", "2026-12-31"]);
        assert_eq!(taken("2026-11-29"), ["2026-10-01"], "the quarter is not over");
    }
}
