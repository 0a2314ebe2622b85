//! A production log: one week of a film, told by those who worked on it. Each entry is one person's,
//! with a text and the works it shows.

mod commands;
mod error;
mod events;
mod log;
#[cfg(test)]
mod tests;
mod week;

use crate::domain::shared::{AccountId, derive_id};
pub use commands::LogCommand;
pub use error::LogError;
pub use events::LogEvent;
pub use log::{ProductionLog, Publication};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
pub use week::{NotAWeek, Week};

/// What the editor's form says about the week as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LogText {
    /// What the week was about, in a few words; may be empty.
    pub title: String,
    /// One or two sentences for lists; may be empty.
    pub summary: String,
}

/// What one person did in the week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub author: AccountId,
    /// Markdown.
    pub text: String,
    /// The works it shows, in order.
    pub media: Vec<Uuid>,
}

/// The id of the log of a week of a film: there is one, whoever begins it.
#[must_use]
pub fn log_id(film: Uuid, week: Week) -> Uuid {
    derive_id(&film.to_string(), &format!("production log {week}"))
}

crate::decider!(ProductionLog, LogCommand, LogEvent, LogError, "production_log");
