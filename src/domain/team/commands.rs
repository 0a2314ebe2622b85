use super::SeatCause;
use crate::domain::shared::seats::Seats;
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};

/// What may be asked of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamCommand {
    /// Have as many seats as the subscription's plan says; the first time it forms the team.
    FollowPlan {
        /// Who owns the subscription.
        owner: AccountId,
        /// Seats of the plan; none: it is no team plan (any more).
        seats: Option<Seats>,
        /// When.
        at: DateTime<Utc>,
    },
    /// The subscription belongs to another account of the same person.
    HandOver {
        /// Which one.
        to: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The owner wrote down who belongs to it.
    Arrange {
        /// The list, in the owner's vault.
        list: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody belongs to it.
    GiveSeat {
        /// Who.
        account: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody belongs to it no more.
    TakeSeat {
        /// Who.
        account: AccountId,
        /// Why.
        cause: SeatCause,
        /// When.
        at: DateTime<Utc>,
    },
    /// The owner lets somebody in again whose seat they took.
    Readmit {
        /// Who.
        account: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
