use crate::domain::shared::calendar::Interval;
use crate::domain::shared::payment::PaymentMethod;
use crate::domain::shared::tax::Country;
use crate::domain::shared::{AccountId, Money, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is given: one interval of a plan, as it was sold then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The plan.
    pub plan: Uuid,
    /// The price it was sold at.
    pub variation: Uuid,
    /// The plan's name.
    pub plan_name: String,
    /// How long.
    pub interval: Interval,
    /// What it cost, tax included.
    pub price: Money,
}

impl Given {
    /// "Studio, one month".
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}, {}", self.plan_name, self.interval.words())
    }
}

/// How a redeemed gift came into its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "kebab-case")]
pub enum GiftUse {
    /// A subscription runs so much longer.
    Extension {
        /// Which.
        subscription: Uuid,
    },
    /// Whoever has no subscription has access for that time.
    Access,
}

/// What happened to a gift.
#[expect(clippy::large_enum_variant, reason = "the first event says everything; one is held at a time")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum GiftEvent {
    /// Somebody buys it.
    GiftOrdered {
        /// Its own id.
        gift: Uuid,
        /// Who buys.
        buyer: AccountId,
        /// What is given.
        given: Given,
        /// The order by which it is paid.
        order: Uuid,
        /// Where the buyer is billed.
        country: Country,
        /// Name and address of the buyer.
        billing: PersonalRef,
        /// To whose mail address the code goes, in the buyer's part of the vault; none: to the buyer.
        recipient: Option<PersonalRef>,
        /// What is charged; none: by transfer.
        method: Option<PaymentMethod>,
        /// Days after its payment in which it can be redeemed; none: for ever.
        valid_days: Option<u32>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The buyer pays with another card, or once more with the same.
    GiftPaymentRequested {
        /// The order.
        order: Uuid,
        /// The attempt, and the gateway's key.
        attempt: Uuid,
        /// What is charged.
        method: PaymentMethod,
        /// When.
        at: DateTime<Utc>,
    },
    /// A charge failed; the buyer can try again.
    GiftPaymentFailed {
        /// Which attempt.
        attempt: Uuid,
        /// The gateway's code.
        code: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is paid, and its code counts. Only a keyed hash of the code is kept, as a claim.
    GiftPaid {
        /// When.
        at: DateTime<Utc>,
        /// The last day on which it can be redeemed; none: any day.
        last_day: Option<NaiveDate>,
    },
    /// Somebody entered the code.
    GiftRedeemed {
        /// Who.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// What it was of one account, buyer or redeemer, it is of another account of the same person.
    GiftMoved {
        /// Of which one it was.
        from: AccountId,
        /// Of which one it is now.
        to: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its time began, or was put behind what is paid for.
    GiftUsed {
        /// How.
        used: GiftUse,
        /// When.
        at: DateTime<Utc>,
    },
    /// The bank was asked for its price: nobody can redeem it until that is decided.
    GiftHeldBack {
        /// When.
        at: DateTime<Utc>,
    },
    /// Its price stays: its code counts again.
    GiftReleased {
        /// When.
        at: DateTime<Utc>,
    },
    /// Staff took it back, or its buyer withdrew: the code counts no more, and what was paid goes back.
    GiftWithdrawn {
        /// Who; none: its order was refunded or given up.
        by: Option<AccountId>,
        /// Whether it was paid.
        paid: bool,
        /// Its buyer went back on the contract, as the law allows.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_right: bool,
        /// When.
        at: DateTime<Utc>,
    },
}
