//! A character: what the studio hands out to animate with, in versions for versions of the software, and
//! what was made with it.

mod character;
mod commands;
mod error;
mod events;
#[cfg(test)]
mod tests;

use crate::domain::shared::Licence;
pub use character::{Character, Publication};
use chrono::{DateTime, Utc};
pub use commands::CharacterCommand;
pub use error::CharacterError;
pub use events::CharacterEvent;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Claims of addresses of characters are taken in this namespace.
pub const SLUG_NAMESPACE: &str = "character-slug";

/// What the editor's form says about a character.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CharacterText {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// The film it comes from.
    pub film: Option<Uuid>,
    /// Licence.
    pub licence: Licence,
    /// Its picture (an image or video work).
    pub picture: Option<Uuid>,
    /// Works that were made with it, in order.
    pub showcases: Vec<Uuid>,
}

/// What is said about one version.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VersionText {
    /// What it is called, such as `2.1`.
    pub label: String,
    /// The software it is made for, with its version, such as `Blender 4.5`.
    pub software: String,
    /// Markdown: what is new.
    pub notes: String,
    /// The work that is downloaded.
    pub download: Option<Uuid>,
    /// The work that shows it: a picture or a model to turn around.
    pub preview: Option<Uuid>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its id.
    pub id: Uuid,
    /// What is said about it.
    pub text: VersionText,
    /// When it was added.
    pub at: DateTime<Utc>,
}

crate::decider!(Character, CharacterCommand, CharacterEvent, CharacterError, "character");
