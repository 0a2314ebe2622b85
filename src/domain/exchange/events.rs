use super::Quote;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// From where a rate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ExchangeSource {
    /// Typed by staff.
    Staff,
    /// Read from a file of the European Central Bank that staff sent.
    File,
    /// Read from the file that the studio fetched by itself.
    Fetched,
}

/// What happened to the rates of exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum ExchangeEvent {
    /// A rate of a day was noted.
    ExchangeRateNoted {
        /// Day, currency and rate.
        quote: Quote,
        /// What was noted for that day before, in millionths; none: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<i64>,
        /// From where it is.
        source: ExchangeSource,
        /// When.
        at: DateTime<Utc>,
    },
}
