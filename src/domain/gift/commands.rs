use super::{GiftUse, Given};
use crate::domain::shared::calendar::Zone;
use crate::domain::shared::payment::PaymentMethod;
use crate::domain::shared::tax::Country;
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// Everything a new gift says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderGift {
    /// Its own id.
    pub gift: Uuid,
    /// Who buys.
    pub buyer: AccountId,
    /// What is given.
    pub given: Given,
    /// Where the buyer is billed.
    pub country: Country,
    /// Name and address of the buyer.
    pub billing: PersonalRef,
    /// To whose mail address the code goes; none: to the buyer.
    pub recipient: Option<PersonalRef>,
    /// What is charged; none: by transfer.
    pub method: Option<PaymentMethod>,
    /// Days after its payment in which it can be redeemed; none: for ever.
    pub valid_days: Option<u32>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What may be asked of a gift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GiftCommand {
    /// Buy it.
    Order(Box<OrderGift>),
    /// Pay it after a charge failed.
    Pay {
        /// The attempt.
        attempt: Uuid,
        /// What is charged.
        method: PaymentMethod,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its order is paid.
    RecordPaid {
        /// The day, where the studio is.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// A charge failed.
    RecordFailure {
        /// Which attempt.
        attempt: Uuid,
        /// The gateway's code.
        code: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Redeem it. That the code was right was looked at.
    Redeem {
        /// Who.
        by: AccountId,
        /// The day, where the studio is.
        today: NaiveDate,
        /// When.
        at: DateTime<Utc>,
    },
    /// Whoever bought or redeemed it has one account instead of two.
    MoveTo {
        /// Which one is closed.
        from: AccountId,
        /// Which one is kept.
        to: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its time was given.
    RecordUsed {
        /// How.
        used: GiftUse,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take it back, as long as nobody redeemed it.
    Withdraw {
        /// Who of the staff.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its buyer goes back on the contract, as the law allows, as long as nobody redeemed it.
    WithdrawFrom {
        /// Days for which that is possible; 0: not at all.
        days: u16,
        /// The zone of the studio's days.
        zone: Zone,
        /// When.
        at: DateTime<Utc>,
    },
    /// The holder of the card asks the bank for its price: nobody can redeem it until that is decided.
    HoldBack {
        /// When.
        at: DateTime<Utc>,
    },
    /// The bank decided that the price stays.
    Release {
        /// When.
        at: DateTime<Utc>,
    },
    /// Its price went back, or its order was given up: the code counts no more, unless it was redeemed.
    RecordReturned {
        /// When.
        at: DateTime<Utc>,
    },
}
