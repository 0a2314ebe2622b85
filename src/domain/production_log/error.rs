//! Why a wish about a production log is refused.

use crate::domain::shared::text::TextError;

/// The business reasons; each text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// No log with this id.
    #[error("There is no such production log.")]
    Unknown,
    /// A film has one log a week.
    #[error("This week of the film has a log already. Add your entry to it.")]
    AlreadyBegun,
    /// A text is missing or too long.
    #[error(transparent)]
    Text(#[from] TextError),
    /// No such entry.
    #[error("There is no such entry. Somebody may have removed it.")]
    NoSuchEntry,
    /// Neither text nor works.
    #[error("Write what was done, or choose a work that shows it.")]
    EmptyEntry,
    /// Too many works in one entry.
    #[error("Keep an entry within {0} works.")]
    TooManyWorks(usize),
    /// The same work twice.
    #[error("A work stands in an entry only once. Remove the second one.")]
    TwiceInEntry,
    /// Too many entries.
    #[error("Keep a week within {0} entries.")]
    TooManyEntries(usize),
    /// Nothing to read.
    #[error("Before it is published, the week needs an entry.")]
    NothingToRead,
}

impl LogError {
    /// The field of the form that is meant; empty for the log as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Text(text) => text.field(),
            Self::AlreadyBegun => "week",
            Self::EmptyEntry => "text",
            Self::TooManyWorks(_) | Self::TwiceInEntry => "media",
            Self::Unknown | Self::NoSuchEntry | Self::TooManyEntries(_) | Self::NothingToRead => "",
        }
    }
}
