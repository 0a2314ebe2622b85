//! What may be wished of a post.

use super::PostText;
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};

/// Commands; times and ids come in with them.
#[derive(Clone, Debug, PartialEq)]
pub enum PostCommand {
    /// Write a new post, as a draft.
    Write {
        /// Its address.
        slug: Slug,
        /// Its text.
        text: Box<PostText>,
        /// Who writes.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change address or text.
    Revise {
        /// Its address.
        slug: Slug,
        /// Its text.
        text: Box<PostText>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Show it to people now.
    Publish {
        /// When.
        at: DateTime<Utc>,
    },
    /// Show it to people at a later time.
    Schedule {
        /// The time.
        publish_at: DateTime<Utc>,
        /// When this was decided.
        at: DateTime<Utc>,
    },
    /// The scheduled time has come (by the job; nothing happens before it).
    PublishDue {
        /// When.
        at: DateTime<Utc>,
    },
    /// Hide it again, or drop the schedule.
    Withdraw {
        /// When.
        at: DateTime<Utc>,
    },
    /// Give it to somebody else.
    HandOver {
        /// To whom.
        to: AccountId,
        /// Who decides it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
