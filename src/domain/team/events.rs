use crate::domain::shared::seats::Seats;
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Why somebody has a seat no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SeatCause {
    /// Neither the address nor its domain is on the owner's list.
    NotListed,
    /// The owner took it.
    TakenByOwner,
    /// The plan has fewer seats now.
    FewerSeats,
    /// The plan is none for teams any more.
    NoTeamPlan,
    /// The account is gone.
    AccountErased,
    /// Whoever owns the team needs none.
    OwnsTeam,
}

/// What happened to a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum TeamEvent {
    /// A subscription with seats began.
    TeamFormed {
        /// Who owns it.
        owner: AccountId,
        /// How many may watch.
        seats: Seats,
        /// When.
        at: DateTime<Utc>,
    },
    /// The plan gives another number of seats.
    TeamSeatsChanged {
        /// How many may watch now; none: it is no team plan any more.
        seats: Option<Seats>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It belongs to another account of the same person. The list stays where it was sealed until it is written anew.
    TeamHandedOver {
        /// The owner before.
        from: AccountId,
        /// The owner from now on.
        to: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The owner wrote down who belongs to it.
    TeamArranged {
        /// The list, in the owner's vault.
        list: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody has a seat.
    SeatGiven {
        /// Who.
        account: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody belongs to it, and no seat is free.
    SeatMissing {
        /// Who.
        account: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody has a seat, or waits for one, no more.
    SeatTaken {
        /// Who.
        account: AccountId,
        /// Why.
        cause: SeatCause,
        /// When.
        at: DateTime<Utc>,
    },
    /// The owner lets somebody in again.
    SeatReadmitted {
        /// Who.
        account: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
