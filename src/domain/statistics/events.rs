//! What happened to a month's statistics.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A fact about the statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum StatisticsEvent {
    /// The figures of one time were noted.
    StatisticsSampled {
        /// The time they are for.
        at: DateTime<Utc>,
        /// Figures by name; counts, or minor units of money.
        figures: BTreeMap<String, i64>,
    },
}
