//! What may be wished of a course.

use super::{CourseDetails, CourseKind, LessonText, Level};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A wish and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseCommand {
    /// What is wished.
    pub wish: Wish,
    /// When.
    pub at: DateTime<Utc>,
}

impl Wish {
    /// The command of this wish.
    #[must_use]
    pub fn at(self, at: DateTime<Utc>) -> CourseCommand {
        CourseCommand { wish: self, at }
    }
}

/// What may be wished; ids come in with it.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Begin a course as a draft.
    Begin {
        /// Title.
        title: String,
        /// Address.
        slug: Slug,
        /// One sentence.
        summary: String,
        /// Kind.
        kind: CourseKind,
        /// Level.
        level: Level,
        /// Who begins it.
        by: AccountId,
    },
    /// Change what is said about it.
    Edit(Box<CourseDetails>),
    /// Show it to people at a later time.
    Schedule {
        /// The time.
        publish_at: DateTime<Utc>,
    },
    /// The scheduled time has come (by the job; nothing happens before it).
    PublishDue,
    /// Add a chapter at the end.
    AddChapter {
        /// Its id.
        chapter: Uuid,
        /// Its heading.
        title: String,
    },
    /// Give a chapter another heading.
    RenameChapter {
        /// Which.
        chapter: Uuid,
        /// Its heading.
        title: String,
    },
    /// Put a chapter at another place, counted from 0.
    PlaceChapter {
        /// Which.
        chapter: Uuid,
        /// Where.
        position: usize,
    },
    /// Take an empty chapter out.
    RemoveChapter {
        /// Which.
        chapter: Uuid,
    },
    /// Add a lesson at the end of a chapter, hidden.
    AddLesson {
        /// Of which chapter.
        chapter: Uuid,
        /// Its id.
        lesson: Uuid,
        /// Its address within the course.
        slug: Slug,
        /// What it teaches.
        text: Box<LessonText>,
    },
    /// Change a lesson.
    ReviseLesson {
        /// Which.
        lesson: Uuid,
        /// Its address within the course.
        slug: Slug,
        /// What it teaches.
        text: Box<LessonText>,
    },
    /// Put a lesson at another place, counted from 0.
    PlaceLesson {
        /// Which.
        lesson: Uuid,
        /// In which chapter.
        chapter: Uuid,
        /// Where.
        position: usize,
    },
    /// Take a lesson out.
    RemoveLesson {
        /// Which.
        lesson: Uuid,
    },
    /// Show a lesson (as soon as the course is published) or hide it.
    ShowLesson {
        /// Which.
        lesson: Uuid,
        /// Whether people see it.
        shown: bool,
    },
    /// Show a chapter with its lessons or hide it.
    ShowChapter {
        /// Which.
        chapter: Uuid,
        /// Whether people see it.
        shown: bool,
    },
    /// Show the course to people.
    Publish,
    /// Hide it again.
    Unpublish,
    /// Give it to somebody else.
    HandOver {
        /// To whom.
        to: AccountId,
        /// Who decides it.
        by: AccountId,
    },
}
