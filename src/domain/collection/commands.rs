//! What may be wished of a collection.

use super::{CollectionText, Place};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Commands; times and ids come in with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectionCommand {
    /// Begin a collection as a draft.
    Begin {
        /// The film.
        film: Uuid,
        /// Address within the film's gallery.
        slug: Slug,
        /// Title, text, works.
        text: Box<CollectionText>,
        /// Where it stands.
        place: Place,
        /// Who begins it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change address, text, works or place.
    Revise {
        /// Address.
        slug: Slug,
        /// Title, text, works.
        text: Box<CollectionText>,
        /// Where it stands.
        place: Place,
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
