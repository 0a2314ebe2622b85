use super::{ExchangeCommand, ExchangeError, ExchangeEvent};
use crate::domain::shared::{Currency, Money, derive_id};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Days after the last day of a period on which the next rate is looked for: the bank publishes none on weekends
/// and holidays, and then the next day on which it does counts (directive 2006/112/EC, article 369h(3)).
pub const PATIENCE: u64 = 7;

/// The rate of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Which day.
    pub day: NaiveDate,
    /// Which currency.
    pub currency: Currency,
    /// How much of it one euro is, in millionths.
    pub millionths: i64,
}

/// The one book of an instance.
#[must_use]
pub fn exchange_book_id() -> Uuid {
    derive_id("exchange-book", "euro")
}

/// Reads "1.0856" as millionths; none if it is no such number, or not above zero.
#[must_use]
pub fn millionths(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, rest) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > 6 || whole.len() > 9 {
        return None;
    }
    let small: i64 = format!("{rest:0<6}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 1_000_000 + small).filter(|n| *n > 0)
}

/// "1.0856".
#[must_use]
pub fn rate_words(millionths: i64) -> String {
    let small = format!("{:06}", millionths % 1_000_000);
    let small = small.trim_end_matches('0');
    format!("{}.{}", millionths / 1_000_000, if small.is_empty() { "0" } else { small })
}

/// Rates by currency and day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExchangeTable(BTreeMap<String, BTreeMap<NaiveDate, i64>>);

impl ExchangeTable {
    /// Puts a rate in.
    pub fn set(&mut self, quote: Quote) {
        let of = self.0.entry(quote.currency.code().to_owned()).or_default();
        of.insert(quote.day, quote.millionths);
    }

    /// What is noted for exactly that day.
    #[must_use]
    pub fn noted(&self, currency: Currency, day: NaiveDate) -> Option<i64> {
        self.0.get(currency.code())?.get(&day).copied()
    }

    /// The rate for a period that ends with `last_day`: of that day, else of the next one that has one soon.
    #[must_use]
    pub fn rate(&self, currency: Currency, last_day: NaiveDate) -> Option<Quote> {
        let until = last_day.checked_add_days(Days::new(PATIENCE))?;
        let (day, millionths) = self.0.get(currency.code())?.range(last_day..=until).next()?;
        Some(Quote { day: *day, currency, millionths: *millionths })
    }

    /// What an amount is in euro by the rate for a period that ends with `last_day`, half away from zero to the
    /// cent, and the rate. None without one: nothing is guessed.
    #[must_use]
    pub fn to_euro(&self, amount: Money, last_day: NaiveDate) -> Option<(Money, Option<Quote>)> {
        let euro = Currency::eur();
        if amount.currency == euro {
            return Some((amount, None));
        }
        let quote = self.rate(amount.currency, last_day)?;
        // cents = minor / 10^exponent * 100 * 10^6 / millionths
        let above = i128::from(amount.minor).abs() * 100 * 1_000_000;
        let below = 10_i128.pow(amount.currency.exponent()) * i128::from(quote.millionths);
        let cents = i64::try_from((2 * above + below) / (2 * below)).ok()?;
        Some((Money::new(if amount.minor < 0 { -cents } else { cents }, euro), Some(quote)))
    }
}

/// The book of exchange rates as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExchangeBook {
    table: ExchangeTable,
}

impl ExchangeBook {
    /// All rates.
    #[must_use]
    pub const fn table(&self) -> &ExchangeTable {
        &self.table
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused: then none of its rates is noted.
    pub fn decide(&self, command: ExchangeCommand) -> Result<Vec<ExchangeEvent>, ExchangeError> {
        let ExchangeCommand::Note { quotes, source, today, at } = command;
        let mut events = Vec::new();
        for quote in quotes {
            if quote.currency == Currency::eur() {
                return Err(ExchangeError::Euro);
            }
            if quote.millionths <= 0 {
                return Err(ExchangeError::Rate);
            }
            if quote.day > today {
                return Err(ExchangeError::Future);
            }
            let previous = self.table.noted(quote.currency, quote.day);
            if previous != Some(quote.millionths) {
                events.push(ExchangeEvent::ExchangeRateNoted { quote, previous, source, at });
            }
        }
        Ok(events)
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: ExchangeEvent) {
        let ExchangeEvent::ExchangeRateNoted { quote, .. } = event;
        self.table.set(quote);
    }
}
