//! Why a wish about a film is refused.

use crate::domain::shared::text::TextError;

/// The business reasons; each text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilmError {
    /// No film with this id.
    #[error("There is no such film.")]
    Unknown,
    /// The id is in use.
    #[error("This film was already begun.")]
    AlreadyBegun,
    /// A text is missing or too long.
    #[error(transparent)]
    Text(#[from] TextError),
    /// No address.
    #[error("Enter an address of lower-case letters, digits and single hyphens, such as the-salt-keeper.")]
    SlugMissing,
    /// Not a hue.
    #[error("Choose a hue between 0 and 359.")]
    HueOutOfRange,
    /// A work stands twice in the gallery.
    #[error("A work stands in the gallery only once. Remove the second one.")]
    TwiceInGallery,
    /// Too much of it.
    #[error("Keep the gallery within {0} works.")]
    GalleryTooLarge(usize),
    /// Too many makers.
    #[error("Keep the credits within {0} lines.")]
    TooManyCredits(usize),
    /// A time that has passed.
    #[error("Choose a time in the future, or publish now.")]
    TimeHasPassed,
    /// It can be seen already.
    #[error("This film is published already. Hide it first, then schedule it.")]
    AlreadyPublished,
    /// Another page has or had the address.
    #[error("Another page of this film has or had the address {0}. Choose another one.")]
    PageSlugTaken(String),
    /// No such page.
    #[error("There is no such page. Somebody may have removed it.")]
    NoSuchPage,
    /// Too many pages.
    #[error("Keep it within {0} pages.")]
    TooManyPages(usize),
    /// A published film has to say something.
    #[error("Before it is published, the film needs a sentence that says what it is about.")]
    NothingSaid,
}

impl FilmError {
    /// The field of the editor's form that is meant; empty for the film as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Text(text) => text.field(),
            Self::SlugMissing | Self::PageSlugTaken(_) => "slug",
            Self::TimeHasPassed | Self::AlreadyPublished => "publish_at",
            Self::HueOutOfRange => "hue",
            Self::TwiceInGallery | Self::GalleryTooLarge(_) => "gallery",
            Self::TooManyCredits(_) => "crew",
            Self::NothingSaid => "summary",
            Self::Unknown | Self::AlreadyBegun | Self::NoSuchPage | Self::TooManyPages(_) => "",
        }
    }
}
