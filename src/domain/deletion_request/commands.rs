//! What can be asked of a deletion request.

use super::events::{CommentsFate, ErasureStep, Obstacle, RequestedBy};
use crate::domain::shared::AccountId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// What is known about the account at the time of the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Requester {
    /// Whether it holds a staff role.
    pub staff: bool,
    /// How many published works it owns.
    pub published_works: u32,
}

/// A wish about one deletion request. That an account has one open request at most is held by a
/// claim beside the command.
#[derive(Clone, Debug)]
pub enum DeletionCommand {
    /// Ask for the deletion of an account.
    Request {
        /// Now.
        at: DateTime<Utc>,
        /// Which account.
        account: AccountId,
        /// Who asks.
        by: RequestedBy,
        /// How long it can be withdrawn (a setting).
        grace: TimeDelta,
        /// What is known about the account.
        requester: Requester,
        /// What becomes of the comments.
        comments: CommentsFate,
    },
    /// Take the wish back.
    Withdraw {
        /// Now.
        at: DateTime<Utc>,
    },
    /// Carry it out if it is due and nothing stands in the way.
    Begin {
        /// Now.
        at: DateTime<Utc>,
        /// Which run of the job asks.
        run: Uuid,
        /// What stands in the way.
        obstacles: Vec<Obstacle>,
    },
    /// One step is done.
    RecordStep {
        /// Now.
        at: DateTime<Utc>,
        /// Which step.
        step: ErasureStep,
        /// How many things it removed.
        removed: u64,
        /// Subjects of the vault other than the account whose keys were destroyed with it.
        subjects: Vec<Uuid>,
    },
    /// All steps are done.
    Complete {
        /// Now.
        at: DateTime<Utc>,
    },
}
