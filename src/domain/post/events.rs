//! What happened to a post. Names and payloads are frozen by snapshots in `tests.rs`.

use super::PostText;
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Events of one post.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum PostEvent {
    /// It was written, as a draft.
    PostWritten {
        /// Address.
        slug: Slug,
        /// Text.
        text: PostText,
        /// Who wrote it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its text changed.
    PostRevised {
        /// Text now.
        text: PostText,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another address; the old one leads here for ever.
    PostMoved {
        /// Address until now.
        from: Slug,
        /// Address now.
        to: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// It will be published later.
    PostScheduled {
        /// The time.
        publish_at: DateTime<Utc>,
        /// When this was decided.
        at: DateTime<Utc>,
    },
    /// People can read it.
    PostPublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// People can no longer read it, or its schedule was dropped.
    PostWithdrawn {
        /// When.
        at: DateTime<Utc>,
    },
    /// It belongs to somebody else from now on.
    PostHandedOver {
        /// To whom.
        to: AccountId,
        /// Who decided it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
