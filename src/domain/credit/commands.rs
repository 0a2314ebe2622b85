use crate::domain::shared::{AccountId, Money};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What may be asked of a credit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreditCommand {
    /// Money of an order becomes credit.
    Grant {
        /// The refund that says so: once for each.
        refund: Uuid,
        /// Of which order.
        order: Uuid,
        /// What that order was for.
        subscription: Uuid,
        /// How much.
        amount: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Set aside what there is for an order that is about to be placed, or is open; nothing if there is nothing.
    Use {
        /// Once for each: the order's own id when it is about to be placed.
        id: Uuid,
        /// For which order.
        order: Uuid,
        /// What that order is for.
        subscription: Uuid,
        /// What the order asks for, or still lacks.
        most: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nobody has to pay an order for which something was set aside.
    GiveBack {
        /// Which order.
        order: Uuid,
        /// Only what was set aside later, for an order that did not take it; none: everything.
        later: Option<Uuid>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Whose it is has another account: everything that is there goes to that one.
    MoveTo {
        /// Which one.
        to: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take over what another account of the same person had.
    TakeOver {
        /// Once for each.
        id: Uuid,
        /// Of which one.
        from: AccountId,
        /// What that was for last.
        subscription: Uuid,
        /// How much.
        amount: Money,
        /// When.
        at: DateTime<Utc>,
    },
    /// Pay some of it out, by a transfer that somebody sends.
    PayOut {
        /// The payout's id.
        payout: Uuid,
        /// How much.
        amount: Money,
        /// Who asks.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// What became of the transfer.
    SettlePayOut {
        /// Which payout.
        payout: Uuid,
        /// The bank's number of it; none: it was not sent.
        reference: Option<String>,
        /// When.
        at: DateTime<Utc>,
    },
}
