use super::Variation;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum PlanEvent {
    /// A plan is offered.
    PlanCreated {
        /// Its name.
        name: String,
        /// One sentence below it.
        summary: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its name or the sentence below it was corrected.
    PlanDescribed {
        /// Its name.
        name: String,
        /// One sentence below it.
        summary: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The plan can be had at this price.
    PlanVariationAdded {
        /// The price and its terms.
        variation: Variation,
        /// When.
        at: DateTime<Utc>,
    },
    /// Another variation is the default of that currency now.
    PlanDefaultMoved {
        /// Which variation is no longer the default.
        from: Uuid,
        /// Which one is.
        to: Uuid,
    },
    /// A variation is no longer sold.
    PlanVariationWithdrawn {
        /// Which one.
        variation: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// Those who have a price of this plan are asked another one from a day on.
    PlanPriceChangeAnnounced {
        /// The price they have.
        from: Uuid,
        /// The one they will have.
        to: Uuid,
        /// Periods that begin on this day or later cost it.
        on: NaiveDate,
        /// Days of notice that members have at least.
        notice_days: u16,
        /// When.
        at: DateTime<Utc>,
    },
}
