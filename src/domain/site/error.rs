use super::site::{LONGEST_ANNOUNCEMENT, LONGEST_PATH, LONGEST_TEXT, MOST_REDIRECTS};

/// Why the site's words are not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// Too long.
    #[error("Shorten the text: it has {0} characters, at most {LONGEST_TEXT} fit.")]
    TextTooLong(usize),
    /// Nothing to say.
    #[error("Enter what the line should say.")]
    NothingAnnounced,
    /// Too long.
    #[error("Shorten the line: it has {0} characters, at most {LONGEST_ANNOUNCEMENT} fit.")]
    AnnouncementTooLong(usize),
    /// It would end before it is seen.
    #[error("Choose a time to come, or leave it empty.")]
    EndsInThePast,
    /// No path.
    #[error(
        "Enter the old address as a path of this site, such as /gallery/old-film, without ? and #, of at most {LONGEST_PATH} characters."
    )]
    From,
    /// Nowhere.
    #[error(
        "Enter the new address as a path of this site, such as /films/new-film, or an address that begins with https://, of at most {LONGEST_PATH} characters."
    )]
    To,
    /// It would go round in circles.
    #[error("That leads back to where it began: choose another address.")]
    Circle,
    /// Too many.
    #[error("At most {MOST_REDIRECTS} old addresses are kept: remove one that nobody uses any more.")]
    TooManyRedirects,
}

impl SiteError {
    /// The field of the form at which it is shown.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::TextTooLong(_) => "text",
            Self::NothingAnnounced | Self::AnnouncementTooLong(_) => "line",
            Self::EndsInThePast => "until",
            Self::From | Self::TooManyRedirects => "from",
            Self::To | Self::Circle => "to",
        }
    }
}
