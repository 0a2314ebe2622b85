use super::Variation;
use chrono::{DateTime, NaiveDate, Utc};

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
    /// Say better what the plan is; who has it keeps the name under which they took it.
    Describe {
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
    /// From a day on, ask another price of those who have one of this plan; it is sold no more.
    ChangePrice {
        /// The price they have.
        from: uuid::Uuid,
        /// The one they will have: the same terms at another price, which is sold.
        to: uuid::Uuid,
        /// Periods that begin on this day or later cost it.
        on: NaiveDate,
        /// Days of notice that members have at least.
        notice_days: u16,
        /// The seller's day.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
}
