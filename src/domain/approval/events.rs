use super::{Act, Bound};
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to a request for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum ApprovalEvent {
    /// Somebody of the staff wants to do what one person may not decide alone.
    SecondPersonAsked {
        /// Its own id.
        approval: Uuid,
        /// What is to be done.
        act: Act,
        /// The limit above which it is.
        bound: Bound,
        /// To whom something is given.
        account: AccountId,
        /// The subscription it is about.
        subscription: Option<Uuid>,
        /// Why, in words kept in that person's part of the vault.
        reason: PersonalRef,
        /// Who asks.
        by: AccountId,
        /// The first instant at which it counts no more.
        lapses_at: DateTime<Utc>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A second person agreed; the act follows.
    SecondPersonAgreed {
        /// Who asked.
        asked_by: AccountId,
        /// Who agreed.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was turned down, or taken back by the one who asked.
    SecondPersonRefused {
        /// Who asked.
        asked_by: AccountId,
        /// Who turned it down.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nobody decided in time.
    RequestLapsed {
        /// When.
        at: DateTime<Utc>,
    },
    /// What was agreed to is done.
    ActCarriedOut {
        /// When.
        at: DateTime<Utc>,
    },
    /// What was agreed to could not be done any more.
    ActRefused {
        /// Why, in the words of whoever refused.
        why: String,
        /// When.
        at: DateTime<Utc>,
    },
}
