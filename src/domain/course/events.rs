//! What happened to a course. Names and payloads are frozen by snapshots in `tests.rs`.

use super::{CourseKind, LessonText, Level};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Events of one course.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum CourseEvent {
    /// A course was begun as a draft.
    CourseBegun {
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
        /// Who began it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another title.
    CourseRetitled {
        /// Title now.
        title: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another address; the old one leads here for ever.
    CourseMoved {
        /// Address until now.
        from: Slug,
        /// Address now.
        to: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is described differently.
    CourseDescribed {
        /// One sentence.
        summary: String,
        /// Markdown.
        description: String,
        /// Kind.
        kind: CourseKind,
        /// Level.
        level: Level,
        /// When.
        at: DateTime<Utc>,
    },
    /// It has another picture and light.
    CoursePictureChosen {
        /// The picture.
        picture: Option<Uuid>,
        /// The hue of its pages.
        hue: Option<u16>,
        /// When.
        at: DateTime<Utc>,
    },
    /// A chapter was added at the end.
    ChapterAdded {
        /// Its id.
        chapter: Uuid,
        /// Its heading.
        title: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A chapter has another heading.
    ChapterRenamed {
        /// Which.
        chapter: Uuid,
        /// Heading now.
        title: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// A chapter stands elsewhere.
    ChapterPlaced {
        /// Which.
        chapter: Uuid,
        /// Counted from 0.
        position: usize,
        /// When.
        at: DateTime<Utc>,
    },
    /// A chapter was taken out.
    ChapterRemoved {
        /// Which.
        chapter: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// People see the chapter.
    ChapterShown {
        /// Which.
        chapter: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// People no longer see the chapter.
    ChapterHidden {
        /// Which.
        chapter: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// A lesson was added at the end of a chapter, hidden.
    LessonAdded {
        /// Of which chapter.
        chapter: Uuid,
        /// Its id.
        lesson: Uuid,
        /// Address within the course.
        slug: Slug,
        /// What it teaches.
        text: LessonText,
        /// When.
        at: DateTime<Utc>,
    },
    /// A lesson teaches something else or differently.
    LessonRevised {
        /// Which.
        lesson: Uuid,
        /// What it teaches now.
        text: LessonText,
        /// When.
        at: DateTime<Utc>,
    },
    /// A lesson has another address; the old one leads here for ever.
    LessonMoved {
        /// Which.
        lesson: Uuid,
        /// Address until now.
        from: Slug,
        /// Address now.
        to: Slug,
        /// When.
        at: DateTime<Utc>,
    },
    /// A lesson stands elsewhere.
    LessonPlaced {
        /// Which.
        lesson: Uuid,
        /// In which chapter.
        chapter: Uuid,
        /// Counted from 0.
        position: usize,
        /// When.
        at: DateTime<Utc>,
    },
    /// A lesson was taken out.
    LessonRemoved {
        /// Which.
        lesson: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// People see the lesson.
    LessonShown {
        /// Which.
        lesson: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// People no longer see the lesson.
    LessonHidden {
        /// Which.
        lesson: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
    /// Somebody else teaches it, or it is found by other words.
    CourseFiled {
        /// Who teaches it.
        teacher: Option<AccountId>,
        /// All words.
        tags: Vec<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// It will be published later.
    CourseScheduled {
        /// The time.
        publish_at: DateTime<Utc>,
        /// When this was decided.
        at: DateTime<Utc>,
    },
    /// People can see the course.
    CoursePublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// People can no longer see the course, or its schedule was dropped.
    CourseUnpublished {
        /// When.
        at: DateTime<Utc>,
    },
    /// It belongs to somebody else from now on.
    CourseHandedOver {
        /// To whom.
        to: AccountId,
        /// Who decided it.
        by: AccountId,
        /// When.
        at: DateTime<Utc>,
    },
}
