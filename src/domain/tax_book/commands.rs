use crate::domain::shared::tax::Country;
use chrono::{DateTime, NaiveDate, Utc};

/// What may be asked of the book of tax rates. `today` is the day where the studio is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaxBookCommand {
    /// Let a rate count from a day on.
    Add {
        /// Where.
        country: Country,
        /// Its first day; after today.
        from: NaiveDate,
        /// In hundredths of a percent.
        basis_points: u32,
        /// The day.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// Another rate for a day that has not come.
    Correct {
        /// Where.
        country: Country,
        /// The first day of the rate that was wrong.
        from: NaiveDate,
        /// What is right, in hundredths of a percent.
        basis_points: u32,
        /// The day.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// No change on a day that has not come.
    Withdraw {
        /// Where.
        country: Country,
        /// The first day of the rate that will not come.
        from: NaiveDate,
        /// The day.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
}
