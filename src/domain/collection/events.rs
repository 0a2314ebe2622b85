//! What happened to a collection. Names and payloads are frozen by snapshots in `tests.rs`.

use super::{CollectionText, Place};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Events of one collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum CollectionEvent {
    /// A collection was begun as a draft.
    CollectionBegun {
        /// The film.
        film: Uuid,
        /// Address within the film's gallery.
        slug: Slug,
        /// Title, text, works.
        text: CollectionText,
        /// Where it stands.
        place: Place,
        /// Who began it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its title, text or works changed.
    CollectionRevised {
        /// Title, text, works now.
        text: CollectionText,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another address; the old one leads here for ever.
    CollectionMoved {
        /// Address until now.
        from: Slug,
        /// Address now.
        to: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// It stands elsewhere.
    CollectionPlaced {
        /// Where it stands now.
        place: Place,
        /// When.
        at: DateTime<Utc>,
    },
    /// People can see it, while they can see the film.
    CollectionPublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// People can no longer see it.
    CollectionUnpublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// It belongs to somebody else from now on.
    CollectionHandedOver {
        /// To whom.
        to: AccountId,
        /// Who decided it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
