use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What can be commented on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SubjectKind {
    /// A work.
    Media,
    /// A lesson.
    Lesson,
    /// A post.
    Post,
    /// A character.
    Character,
}

/// Below what a comment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What it is.
    pub kind: SubjectKind,
    /// Which one.
    pub id: Uuid,
}

/// Who takes a text away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Remover {
    /// Who wrote it.
    Author {
        /// Who that is.
        account: AccountId,
    },
    /// A moderator.
    Moderator {
        /// Who that is.
        account: AccountId,
    },
}

/// What happened to a comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum CommentEvent {
    /// It was written.
    CommentWritten {
        /// Below what.
        subject: Subject,
        /// The comment it answers.
        parent: Option<Uuid>,
        /// Who wrote it.
        author: AccountId,
        /// The text, in the writer's vault.
        text: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was written anew.
    CommentEdited {
        /// The new text, in the writer's vault.
        text: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its text was taken away; its place in the thread stays.
    CommentDeleted {
        /// Who did it.
        by: Remover,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its writer's account was erased, and the text stays without them.
    CommentDetached {
        /// The text, sealed for the comment itself.
        text: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody told moderators of it.
    CommentReported {
        /// Who.
        by: AccountId,
        /// Why, in that person's vault.
        reason: PersonalRef,
        /// When.
        at: DateTime<Utc>,
    },
    /// A moderator hid it: only its writer and moderators see the text.
    CommentHidden {
        /// Who.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// A moderator let it stand; what was reported is settled.
    CommentKept {
        /// Who.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It stands first.
    CommentPinned {
        /// Who put it there.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It stands where it was written again.
    CommentUnpinned {
        /// Who.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
