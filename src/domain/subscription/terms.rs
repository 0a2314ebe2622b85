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
