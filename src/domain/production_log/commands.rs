//! What may be wished of a production log.

use super::{LogText, Week};
use crate::domain::shared::AccountId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Commands; times and ids come in with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogCommand {
    /// Begin the log of a week, as a draft.
    Begin {
        /// The film.
        film: Uuid,
        /// The week.
        week: Week,
        /// Title and summary.
        text: LogText,
        /// Who begins it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change title or summary.
    Describe {
        /// Title and summary.
        text: LogText,
        /// When.
        at: DateTime<Utc>,
    },
    /// Add what a person did.
    AddEntry {
        /// Id of the entry.
        entry: Uuid,
        /// Whose it is.
        author: AccountId,
        /// Markdown.
        text: String,
        /// Works it shows.
        media: Vec<Uuid>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change what it says.
    ReviseEntry {
        /// Id of the entry.
        entry: Uuid,
        /// Markdown.
        text: String,
        /// Works it shows.
        media: Vec<Uuid>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take it out.
    RemoveEntry {
        /// Id of the entry.
        entry: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// Show the week to people.
    Publish {
        /// When.
        at: DateTime<Utc>,
    },
    /// Hide it again.
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
