use super::{ExchangeSource, Quote};
use chrono::{DateTime, NaiveDate, Utc};

/// What may be asked of the book of exchange rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeCommand {
    /// Note rates; another one for the same day and currency takes the place of the former.
    Note {
        /// Which.
        quotes: Vec<Quote>,
        /// From where.
        source: ExchangeSource,
        /// The day where the studio is.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
}
