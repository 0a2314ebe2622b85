//! What is agreed, and the words for why something happens to it.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Interval, Zone};
use crate::domain::shared::payment::Collection;
use crate::domain::shared::seats::Seats;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What was agreed: copied from the plan, so that a later change of the plan touches nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The plan.
    pub plan: Uuid,
    /// Its variation.
    pub variation: Uuid,
    /// The plan's name at that time.
    pub plan_name: String,
    /// Price of one period, tax included.
    pub price: Money,
    /// How long a period lasts.
    pub interval: Interval,
    /// Who sees to the payment.
    pub collection: Collection,
    /// The seller's zone: in it dates begin.
    pub zone: Zone,
    /// Seats, for a team; none: for one person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<Seats>,
}

impl Terms {
    /// "Studio, monthly"; for several people "Team, monthly, 4 seats".
    #[must_use]
    pub fn title(&self) -> String {
        let several = self.seats.filter(|seats| seats.most != Some(1));
        let seats = several.map(|seats| format!(", {}", seats.words())).unwrap_or_default();
        format!("{}, {}{seats}", self.plan_name, self.interval.adjective())
    }
}

/// What set off a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// The member joined.
    Join,
    /// The clock found a renewal due.
    Clock,
    /// The member paid an open order.
    Member,
}

/// Why a subscription was put on hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HoldCause {
    /// As many attempts failed as the settings allow.
    DeclinedTooOften,
    /// The card was stolen, closed or the like.
    HardDecline,
    /// The order was not paid by its date.
    NotPaidInTime,
    /// The trial ended, and there was nothing to charge.
    TrialEnded,
    /// The bank gave the direct debit back to its holder.
    DebitReturned,
}

/// Why a subscription was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CancelCause {
    /// It was to end with its paid time, and that is over.
    PaidTimeEnded,
    /// Nothing was paid for.
    WasOnHold,
    /// Staff ended it at once.
    EndedByStaff,
    /// The buyer went back on the contract.
    Withdrawn,
    /// The holder of the card asked their bank for the money back.
    Disputed,
}

/// Why a member cancels, if they care to say: one of a few words, never a text of their own.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumIter,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CancelReason {
    /// It costs too much.
    TooExpensive,
    /// Too little that is new, or to their taste.
    TooLittleToWatch,
    /// Too little time for it.
    TooLittleTime,
    /// It did not work as it should.
    Trouble,
    /// Only a break.
    Break,
    /// Something else.
    Other,
}

impl CancelReason {
    /// As members and staff read it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TooExpensive => "It costs too much",
            Self::TooLittleToWatch => "Too little that I want to watch",
            Self::TooLittleTime => "Too little time to watch",
            Self::Trouble => "It did not work as it should",
            Self::Break => "Only a break for a while",
            Self::Other => "Something else",
        }
    }

    /// The reason with that name; none for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        use strum::IntoEnumIterator;
        Self::iter().find(|reason| <&'static str>::from(reason) == text)
    }
}
