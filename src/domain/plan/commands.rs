use super::Variation;
use chrono::{DateTime, Utc};

/// What staff may ask of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanCommand {
    /// Offer a new plan.
    Create {
        /// Its name, as on the join page.
        name: String,
        /// One sentence below the name.
        summary: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Offer the plan at a price.
    AddVariation {
        /// The price and its terms.
        variation: Variation,
        /// When.
        at: DateTime<Utc>,
    },
    /// Sell a variation no longer; those who have it keep it.
    WithdrawVariation {
        /// Which one.
        variation: uuid::Uuid,
        /// When.
        at: DateTime<Utc>,
    },
}
