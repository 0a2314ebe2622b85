use super::{Remover, Subject};
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What may be asked of a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommentCommand {
    /// Write it.
    Write {
        /// Below what.
        subject: Subject,
        /// The comment it answers.
        parent: Option<Uuid>,
        /// Who writes.
        author: AccountId,
        /// The text, in the writer's vault.
        text: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// Write it anew.
    Edit {
        /// Who.
        by: AccountId,
        /// The new text, in the writer's vault.
        text: PersonalRef,
        /// Minutes after writing in which that is possible.
        within_minutes: u32,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take the text away; its place in the thread stays.
    Delete {
        /// Who.
        by: Remover,
        /// When.
        at: DateTime<Utc>,
    },
    /// Let the text stay when the account of its writer is erased.
    Detach {
        /// The text, sealed for the comment itself.
        text: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// Tell moderators of it.
    Report {
        /// Who.
        by: AccountId,
        /// Why, in that person's vault.
        reason: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// A moderator decides about what was reported, or of their own accord.
    Moderate {
        /// Whether people see it from now on.
        shown: bool,
        /// Who.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Put it first, or no longer.
    Pin {
        /// First, or no longer.
        pinned: bool,
        /// Who.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
