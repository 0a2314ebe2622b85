use crate::domain::shared::tax::Country;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What happened to the rates of tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum TaxBookEvent {
    /// A rate will count from a day on.
    TaxRateAdded {
        /// Where.
        country: Country,
        /// Its first day.
        from: NaiveDate,
        /// In hundredths of a percent.
        basis_points: u32,
        /// What would have counted on that day; none: no tax.
        previous: Option<u32>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A rate that has not begun was wrong.
    TaxRateCorrected {
        /// Where.
        country: Country,
        /// Its first day.
        from: NaiveDate,
        /// What is right, in hundredths of a percent.
        basis_points: u32,
        /// What was wrong.
        previous: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// A rate that has not begun will not come.
    TaxRateWithdrawn {
        /// Where.
        country: Country,
        /// What would have been its first day.
        from: NaiveDate,
        /// The rate that will not come, in hundredths of a percent.
        basis_points: u32,
        /// When.
        at: DateTime<Utc>,
    },
}

impl TaxBookEvent {
    /// The country, the day, and what the rate that begins on it was before and is after; none: none begins.
    #[must_use]
    pub const fn change(&self) -> (Country, NaiveDate, Option<u32>, Option<u32>) {
        match *self {
            Self::TaxRateAdded { country, from, basis_points, .. } => {
                (country, from, None, Some(basis_points))
            }
            Self::TaxRateCorrected { country, from, basis_points, previous, .. } => {
                (country, from, Some(previous), Some(basis_points))
            }
            Self::TaxRateWithdrawn { country, from, basis_points, .. } => {
                (country, from, Some(basis_points), None)
            }
        }
    }
}
