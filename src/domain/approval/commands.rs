use super::{Act, Bound};
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Everything a new request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskApproval {
    /// Its own id.
    pub approval: Uuid,
    /// What is to be done.
    pub act: Act,
    /// The limit above which it is.
    pub bound: Bound,
    /// To whom something is given.
    pub account: AccountId,
    /// The subscription it is about, if it is about one.
    pub subscription: Option<Uuid>,
    /// Why, in words kept in that person's part of the vault.
    pub reason: PersonalRef,
    /// Who asks.
    pub by: AccountId,
    /// The first instant at which it counts no more.
    pub lapses_at: DateTime<Utc>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What may be asked of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalCommand {
    /// Lay an act down for a second person.
    Ask(Box<AskApproval>),
    /// Agree, or do not; the one who asked may only take it back.
    Decide {
        /// Yes or no.
        agree: bool,
        /// Who decides.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The time in which somebody could have agreed is over.
    Lapse {
        /// When.
        at: DateTime<Utc>,
    },
    /// What became of an act that was agreed to.
    Record {
        /// Why it was refused; none: it is done.
        refused: Option<String>,
        /// When.
        at: DateTime<Utc>,
    },
}
