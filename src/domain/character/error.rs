//! Why a wish about a character is refused.

use crate::domain::shared::text::TextError;

/// The business reasons; each text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharacterError {
    /// No character with this id.
    #[error("There is no such character.")]
    Unknown,
    /// The id is in use.
    #[error("This character was already begun.")]
    AlreadyBegun,
    /// A text is missing or too long.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The same work twice.
    #[error("A work is shown only once. Remove the second one.")]
    TwiceShown,
    /// Too many works.
    #[error("Keep it within {0} works.")]
    TooManyShowcases(usize),
    /// No such version.
    #[error("There is no such version. Somebody may have removed it.")]
    NoSuchVersion,
    /// Two versions of one name.
    #[error("Another version has this name. Choose another one.")]
    LabelInUse,
    /// Too many versions.
    #[error("Keep it within {0} versions.")]
    TooManyVersions(usize),
    /// A published character has to say something.
    #[error("Before it is published, the character needs a sentence that says who it is.")]
    NothingSaid,
}

impl CharacterError {
    /// The field of the editor's form that is meant; empty for the character as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Text(text) => text.field(),
            Self::TwiceShown | Self::TooManyShowcases(_) => "showcases",
            Self::LabelInUse => "label",
            Self::NothingSaid => "summary",
            Self::Unknown | Self::AlreadyBegun | Self::NoSuchVersion | Self::TooManyVersions(_) => "",
        }
    }
}
