use crate::domain::shared::AccountId;
use crate::domain::shared::discount::Off;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to a coupon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum CouponEvent {
    /// It is offered.
    CouponCreated {
        /// Its own id.
        coupon: Uuid,
        /// What people type, in capitals.
        code: String,
        /// What it takes off.
        off: Off,
        /// For how many periods; none: for ever.
        periods: Option<u32>,
        /// How many people may use it; none: any number.
        limit: Option<u32>,
        /// The last day on which it can be used; none: until it is ended.
        last_day: Option<NaiveDate>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody used it.
    CouponRedeemed {
        /// For which subscription.
        subscription: Uuid,
        /// Whose.
        account: AccountId,
        /// How many had used it, this one included.
        number: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nobody can use it any more.
    CouponEnded {
        /// When.
        at: DateTime<Utc>,
    },
}
