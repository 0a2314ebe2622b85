//! What may be wished of a film.

use super::{Credit, FilmDetails, FilmPage};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

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
    /// Write a page of its own, or write it anew.
    WritePage {
        /// The page.
        page: Box<FilmPage>,
        /// Its place among the pages, from 0; none: where it is, or at the end.
        position: Option<usize>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take such a page out.
    RemovePage {
        /// Which.
        page: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// Show it to people at a later time.
    Schedule {
        /// The time.
        publish_at: DateTime<Utc>,
        /// When this was decided.
        at: DateTime<Utc>,
    },
    /// The scheduled time has come (by the job; nothing happens before it).
    PublishDue {
        /// When.
        at: DateTime<Utc>,
    },
    /// Show it to people.
    Publish {
        /// When.
        at: DateTime<Utc>,
    },
    /// Hide it again, or drop the schedule.
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
