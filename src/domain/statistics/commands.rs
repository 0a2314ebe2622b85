//! What can be asked of a month's statistics.

use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// A wish to the statistics of one month.
#[derive(Clone, Debug)]
pub enum StatisticsCommand {
    /// Note these figures for this time.
    Sample {
        /// The time they are for.
        at: DateTime<Utc>,
        /// Figures by name, such as `accounts` or `subscribers.monthly`; counts, or minor units of money.
        figures: BTreeMap<String, i64>,
    },
}
