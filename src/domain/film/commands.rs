//! What may be wished of a film.

use super::{Credit, FilmDetails};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};

/// Commands; times and ids come in with them.
#[derive(Clone, Debug, PartialEq)]
pub enum FilmCommand {
    /// Begin a film as a draft.
    Begin {
        /// Title.
        title: String,
        /// Address.
        slug: Slug,
        /// One sentence.
        summary: String,
        /// Who begins it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change what is said about it.
    Edit {
        /// What shall be said.
        details: Box<FilmDetails>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Name its makers, in order.
    Credit {
        /// The credits, all of them.
        crew: Vec<Credit>,
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
}
