//! Why a wish about a post is refused.

use crate::domain::shared::text::TextError;

/// The business reasons; each text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// No post with this id.
    #[error("There is no such post.")]
    Unknown,
    /// The id is in use.
    #[error("This post was already written.")]
    AlreadyWritten,
    /// A text is missing or too long.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A time that has passed.
    #[error("Choose a time in the future, or publish now.")]
    TimeHasPassed,
    /// It can be read already.
    #[error("This post is published already. Withdraw it first, then schedule it.")]
    AlreadyPublished,
    /// Nothing to read.
    #[error("Before it is published, the post needs a text.")]
    NothingToRead,
}

impl PostError {
    /// The field of the editor's form that is meant; empty for the post as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Text(text) => text.field(),
            Self::TimeHasPassed | Self::AlreadyPublished => "publish_at",
            Self::NothingToRead => "content",
            Self::Unknown | Self::AlreadyWritten => "",
        }
    }
}
