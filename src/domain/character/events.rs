//! What happened to a character. Names and payloads are frozen by snapshots in `tests.rs`.

use super::{CharacterText, Version, VersionText};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Events of one character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum CharacterEvent {
    /// A character was begun as a draft.
    CharacterBegun {
        /// Address.
        slug: Slug,
        /// What is said about it.
        text: CharacterText,
        /// Who began it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Something else is said about it.
    CharacterRevised {
        /// What is said now.
        text: CharacterText,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another address; the old one leads here for ever.
    CharacterMoved {
        /// Address until now.
        from: Slug,
        /// Address now.
        to: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has a new version.
    CharacterVersionAdded {
        /// The version.
        version: Version,
        /// When.
        at: DateTime<Utc>,
    },
    /// Something else is said about a version.
    CharacterVersionRevised {
        /// Id of the version.
        version: Uuid,
        /// What is said now.
        text: VersionText,
        /// When.
        at: DateTime<Utc>,
    },
    /// A version was taken out.
    CharacterVersionRemoved {
        /// Id of the version.
        version: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// People can see it.
    CharacterPublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// People can no longer see it.
    CharacterUnpublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// It belongs to somebody else from now on.
    CharacterHandedOver {
        /// To whom.
        to: AccountId,
        /// Who decided it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
