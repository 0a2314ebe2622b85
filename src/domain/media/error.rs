//! Why a wish about a work is refused.

use super::Rejection;

/// The business reasons; each text is for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// No upload with this id was received.
    #[error("There is no such upload.")]
    Unknown,
    /// The id is in use.
    #[error("This upload was already received.")]
    AlreadyReceived,
    /// It was removed.
    #[error("This work was removed.")]
    Removed,
    /// Nothing can be shown yet.
    #[error(
        "Nothing of this work can be played yet. It can be published as soon as its first rendition is ready."
    )]
    NotPlayableYet,
    /// It was not accepted.
    #[error("This file was not accepted: {0}")]
    Rejected(Rejection),
    /// No title.
    #[error("Enter a title.")]
    TitleMissing,
    /// Title too long.
    #[error("Keep the title within 200 characters (it has {0}).")]
    TitleTooLong(usize),
    /// Description too long.
    #[error("Keep the description within 20,000 characters (it has {0}).")]
    DescriptionTooLong(usize),
    /// A publishing time that has passed.
    #[error("Choose a time in the future, or publish now.")]
    TimeHasPassed,
    /// Retry without failure.
    #[error("There is nothing to retry: processing has not failed.")]
    NothingToRetry,
    /// Processing still runs.
    #[error("It is still being processed. Wait until that has ended.")]
    StillProcessing,
    /// Its files can only be erased after removal.
    #[error("Files are erased only after the work was removed.")]
    NotRemoved,
}
