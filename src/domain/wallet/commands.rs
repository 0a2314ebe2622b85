use crate::domain::shared::payment::PaymentMethod;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// What may be asked of a wallet. Its stream has the id of its owner's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalletCommand {
    /// Keep a way to pay that its owner entered.
    Add {
        /// The way to pay.
        method: PaymentMethod,
        /// When.
        at: DateTime<Utc>,
    },
    /// Keep the one that a subscription uses from now on. That is never too many.
    Follow {
        /// The way to pay.
        method: PaymentMethod,
        /// When.
        at: DateTime<Utc>,
    },
    /// Offer that one first.
    ChooseDefault {
        /// Which.
        method: Uuid,
        /// The day where the studio is: a card is good for the whole of its last month there.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// Let the gateway forget it. That no subscription uses it was looked at.
    Remove {
        /// Which.
        method: Uuid,
        /// The day where the studio is: a card is good for the whole of its last month there.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// The gateway has forgotten it.
    RecordDetached {
        /// Which.
        method: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
}
