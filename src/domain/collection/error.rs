//! Why a wish about a collection is refused.

use crate::domain::shared::text::TextError;

/// The business reasons; each text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectionError {
    /// No collection with this id.
    #[error("There is no such collection.")]
    Unknown,
    /// The id is in use.
    #[error("This collection was already begun.")]
    AlreadyBegun,
    /// A text is missing or too long.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The same work twice.
    #[error("A work stands in a collection only once. Remove the second one.")]
    TwiceInCollection,
    /// Too many works.
    #[error("Keep a collection within {0} works. Put some of them into a collection inside of it.")]
    TooLarge(usize),
}

impl CollectionError {
    /// The field of the editor's form that is meant; empty for the collection as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Text(text) => text.field(),
            Self::TwiceInCollection | Self::TooLarge(_) => "media",
            Self::Unknown | Self::AlreadyBegun => "",
        }
    }
}
