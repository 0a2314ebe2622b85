use crate::domain::shared::discount::Off;
use crate::domain::shared::{AccountId, Money};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// What may be asked of a coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CouponCommand {
    /// Offer it.
    Create {
        /// Its own id.
        coupon: Uuid,
        /// What people type.
        code: String,
        /// What it takes off.
        off: Off,
        /// For how many periods; none: for ever.
        periods: Option<u32>,
        /// How many people may use it; none: any number.
        limit: Option<u32>,
        /// The last day on which it can be used; none: until it is ended.
        last_day: Option<NaiveDate>,
        /// The day where the studio is.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// Use it for a subscription.
    Redeem {
        /// Which.
        subscription: Uuid,
        /// Whose.
        account: AccountId,
        /// What a period of it costs.
        price: Money,
        /// The day, where the studio is.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nobody can use it any more; who has used it keeps what it gives.
    End {
        /// When.
        at: DateTime<Utc>,
    },
}
