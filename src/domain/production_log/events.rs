//! What happened to a production log. Names and payloads are frozen by snapshots in `tests.rs`.

use super::{Entry, LogText, Week};
use crate::domain::shared::AccountId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Events of one production log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum LogEvent {
    /// The log of a week was begun, as a draft.
    ProductionLogBegun {
        /// The film.
        film: Uuid,
        /// The week, such as `2026-W48`.
        week: Week,
        /// Title and summary.
        text: LogText,
        /// Who began it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Its title or summary changed.
    ProductionLogDescribed {
        /// Title and summary now.
        text: LogText,
        /// When.
        at: DateTime<Utc>,
    },
    /// A person's entry was added.
    ProductionLogEntryAdded {
        /// The entry.
        entry: Entry,
        /// When.
        at: DateTime<Utc>,
    },
    /// An entry says something else.
    ProductionLogEntryRevised {
        /// Id of the entry.
        entry: Uuid,
        /// Markdown now.
        text: String,
        /// Works now.
        media: Vec<Uuid>,
        /// When.
        at: DateTime<Utc>,
    },
    /// An entry was taken out.
    ProductionLogEntryRemoved {
        /// Id of the entry.
        entry: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// People can read it, while they can see the film.
    ProductionLogPublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// People can no longer read it.
    ProductionLogWithdrawn {
        /// When.
        at: DateTime<Utc>,
    },
    /// It belongs to somebody else from now on.
    ProductionLogHandedOver {
        /// To whom.
        to: AccountId,
        /// Who decided it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
