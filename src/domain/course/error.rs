//! Why a wish about a course is refused.

use crate::domain::shared::text::TextError;

/// The business reasons; each text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CourseError {
    /// No course with this id.
    #[error("There is no such course.")]
    Unknown,
    /// The id is in use.
    #[error("This course was already begun.")]
    AlreadyBegun,
    /// A text is missing or too long.
    #[error(transparent)]
    Text(#[from] TextError),
    /// No address.
    #[error("Enter an address of lower-case letters, digits and single hyphens, such as rigging-basics.")]
    SlugMissing,
    /// Not a hue.
    #[error("Choose a hue between 0 and 359.")]
    HueOutOfRange,
    /// No chapter with this id.
    #[error("There is no such chapter. Reload the page to see the course as it is now.")]
    NoSuchChapter,
    /// No lesson with this id.
    #[error("There is no such lesson. Reload the page to see the course as it is now.")]
    NoSuchLesson,
    /// The id is in use.
    #[error("This was already added.")]
    AlreadyAdded,
    /// Another lesson of the course has it, or had it.
    #[error("Another lesson of this course has the address {0}. Choose another one.")]
    LessonSlugTaken(String),
    /// A lesson without anything.
    #[error("A lesson needs a text or a work that is shown.")]
    EmptyLesson,
    /// A chapter that is not empty.
    #[error("Move or remove the lessons of this chapter first.")]
    ChapterNotEmpty,
    /// Nothing to learn yet.
    #[error(
        "Before it is published, the course needs at least one lesson that is shown, in a chapter that is shown."
    )]
    NothingToLearn,
    /// A time that has passed.
    #[error("Choose a time in the future, or publish now.")]
    TimeHasPassed,
    /// It can be seen already.
    #[error("This course is published already. Hide it first, then schedule it.")]
    AlreadyPublished,
    /// Too many tags.
    #[error("Keep it within {0} tags.")]
    TooManyTags(usize),
    /// A tag that is a text.
    #[error("Keep each tag within {0} characters.")]
    TagTooLong(usize),
    /// Too much of it.
    #[error("A course has at most {0} lessons.")]
    TooManyLessons(usize),
}

impl CourseError {
    /// The field of the editor's form that is meant; empty for the course as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Text(text) => text.field(),
            Self::SlugMissing | Self::LessonSlugTaken(_) => "slug",
            Self::HueOutOfRange => "hue",
            Self::EmptyLesson => "content",
            Self::TimeHasPassed | Self::AlreadyPublished => "publish_at",
            Self::TooManyTags(_) | Self::TagTooLong(_) => "tags",
            _ => "",
        }
    }
}
