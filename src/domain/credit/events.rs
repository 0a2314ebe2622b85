use crate::domain::shared::{AccountId, Money};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to a credit. Every event says what is left of that currency after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum CreditEvent {
    /// Money of an order became credit.
    CreditGranted {
        /// The refund that says so.
        refund: Uuid,
        /// Of which order.
        order: Uuid,
        /// What that order was for.
        subscription: Uuid,
        /// How much.
        amount: Money,
        /// What there is now.
        balance: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// It pays for an order, wholly or in part.
    CreditUsed {
        /// Which order.
        order: Uuid,
        /// What that order is for.
        subscription: Uuid,
        /// The order was open before: it is to take this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        later: Option<Uuid>,
        /// How much.
        amount: Money,
        /// What there is now.
        balance: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nobody has to pay that order: what was used for it is credit again.
    CreditGivenBack {
        /// Which order.
        order: Uuid,
        /// What that order was for.
        subscription: Uuid,
        /// Only this was given back: the order did not take it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        later: Option<Uuid>,
        /// How much.
        amount: Money,
        /// What there is now.
        balance: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// It goes to another account of the same person.
    CreditHandedOver {
        /// Which one.
        to: AccountId,
        /// The subscription whose order granted a credit last.
        subscription: Uuid,
        /// How much: all that there was in the currency.
        amount: Money,
        /// What there is now: nothing.
        balance: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// What another account of the same person had is here now.
    CreditTakenOver {
        /// Once for each.
        id: Uuid,
        /// Of which one.
        from: AccountId,
        /// The subscription whose order granted a credit to that one last.
        subscription: Uuid,
        /// How much.
        amount: Money,
        /// What there is now.
        balance: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Some of it is to be paid out by a transfer. Written before it is sent.
    CreditPayOutStarted {
        /// The payout's id.
        payout: Uuid,
        /// The subscription whose order granted a credit last.
        subscription: Uuid,
        /// How much.
        amount: Money,
        /// What there is now.
        balance: Money,
        /// Who asked.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The transfer was sent.
    CreditPaidOut {
        /// Which payout.
        payout: Uuid,
        /// The subscription whose order granted a credit last.
        subscription: Uuid,
        /// How much.
        amount: Money,
        /// The bank's number of the transfer.
        reference: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// The transfer was not sent: it is credit again.
    CreditPayOutDropped {
        /// Which payout.
        payout: Uuid,
        /// The subscription whose order granted a credit last.
        subscription: Uuid,
        /// How much.
        amount: Money,
        /// What there is now.
        balance: Money,
        /// When.
        at: DateTime<Utc>,
    },
}

impl CreditEvent {
    /// The subscription, or gift, whose timeline tells of it.
    #[must_use]
    pub const fn subscription(&self) -> Uuid {
        match self {
            Self::CreditGranted { subscription, .. }
            | Self::CreditUsed { subscription, .. }
            | Self::CreditGivenBack { subscription, .. }
            | Self::CreditHandedOver { subscription, .. }
            | Self::CreditTakenOver { subscription, .. }
            | Self::CreditPayOutStarted { subscription, .. }
            | Self::CreditPaidOut { subscription, .. }
            | Self::CreditPayOutDropped { subscription, .. } => *subscription,
        }
    }
}
