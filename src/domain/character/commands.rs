//! What may be wished of a character.

use super::{CharacterText, VersionText};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Commands; times and ids come in with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CharacterCommand {
    /// Begin a character as a draft.
    Begin {
        /// Address.
        slug: Slug,
        /// What is said about it.
        text: Box<CharacterText>,
        /// Who begins it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change its address or what is said about it.
    Revise {
        /// Address.
        slug: Slug,
        /// What shall be said.
        text: Box<CharacterText>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Add a version; it becomes the newest.
    AddVersion {
        /// Id of the version.
        version: Uuid,
        /// What is said about it.
        text: Box<VersionText>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change what is said about a version.
    ReviseVersion {
        /// Id of the version.
        version: Uuid,
        /// What shall be said.
        text: Box<VersionText>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take a version out.
    RemoveVersion {
        /// Id of the version.
        version: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// Show it to people.
    Publish {
        /// When.
        at: DateTime<Utc>,
    },
    /// Hide it again.
    Unpublish {
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
