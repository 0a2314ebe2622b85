//! A course: chapters of lessons, some of them free for everybody.

mod commands;
mod course;
mod error;
mod events;
#[cfg(test)]
mod tests;

use crate::domain::shared::{AccountId, Slug};
pub use commands::{CourseCommand, Wish};
pub use course::{Chapter, Course, Lesson, Publication};
pub use error::CourseError;
pub use events::CourseEvent;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Claims of addresses of courses are taken in this namespace. Lessons are unique within their course.
pub const SLUG_NAMESPACE: &str = "course-slug";

/// What kind of training it is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CourseKind {
    /// One thing, shown from start to end.
    Workshop,
    /// A subject, step by step.
    #[default]
    Course,
    /// How the studio works, to look up.
    Documentation,
}

impl CourseKind {
    /// The words on pages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Workshop => "Workshop",
            Self::Course => "Course",
            Self::Documentation => "Documentation",
        }
    }
    /// The code in forms and events.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
}

/// How much one has to know already.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Level {
    /// Nothing.
    #[default]
    Beginner,
    /// The basics.
    Intermediate,
    /// A lot.
    Advanced,
}

impl Level {
    /// The words on pages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Beginner => "Beginner",
            Self::Intermediate => "Intermediate",
            Self::Advanced => "Advanced",
        }
    }
    /// The code in forms and events.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }
}

/// What the editor's form says about a course.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct CourseDetails {
    /// Title.
    pub title: String,
    /// Address; required.
    pub slug: Option<Slug>,
    /// One sentence.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// Kind.
    pub kind: CourseKind,
    /// Level.
    pub level: Level,
    /// Its picture (an image or video work).
    pub picture: Option<Uuid>,
    /// Hue of its pages.
    pub hue: Option<u16>,
    /// Who teaches it.
    pub teacher: Option<AccountId>,
    /// Words it is found by, in lower case.
    pub tags: Vec<String>,
}

/// What a lesson teaches.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct LessonText {
    /// Title.
    pub title: String,
    /// Markdown; may be empty when the work says it all.
    pub content: String,
    /// The work that is shown: video, image or file.
    pub media: Option<Uuid>,
    /// Whether everybody may take it.
    pub free: bool,
}

crate::decider!(Course, CourseCommand, CourseEvent, CourseError, "course");
