use super::Variation;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
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
}
