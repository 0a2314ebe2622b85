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
    /// The new file is the one that is there.
    #[error("This is the very file that the work has already. Choose another one.")]
    SameFile,
    /// The new file is the one that another new file is to replace.
    #[error("This is the file that still plays. Take the new file back instead, and it stays.")]
    SameAsBefore,
    /// No new file waits.
    #[error("No new file is being processed, so there is nothing to take back.")]
    NothingToWithdraw,
    /// A move whose step before is missing.
    #[error("Its files are not copied yet.")]
    NotCopied,
    /// Its files can only be erased, and it can only be brought back, after removal.
    #[error("This work is not removed.")]
    NotRemoved,
    /// Its bytes are gone, or going.
    #[error("The files of this work are erased, so it cannot be brought back. Upload it again.")]
    Erased,
    /// Captions or chapters of something without a length.
    #[error("Only films and sounds have captions and chapters.")]
    NoTimeline,
    /// Too many caption files.
    #[error("At most {0} caption files are kept of one work. Remove one first.")]
    TooManyCaptions(usize),
    /// Too many chapters.
    #[error("Keep it within {0} chapters.")]
    TooManyChapters(usize),
    /// A chapter that does not begin after the one before.
    #[error("“{0}” does not begin after the chapter before it. Put them in order.")]
    ChaptersOutOfOrder(String),
    /// A chapter that begins when all is over.
    #[error("“{0}” begins after the end of the work.")]
    ChapterAfterTheEnd(String),
    /// A chapter without a name, or with too long a one.
    #[error("Give every chapter a name of 1 to 200 characters (one has {0}).")]
    ChapterTitle(usize),
    /// How it was taken is told of pictures only.
    #[error("Only a picture has details of how it was taken.")]
    NoShot,
    /// One of the details is missing, too long or there twice.
    #[error("{0} cannot be told like that.")]
    BadDetail(&'static str),
    /// Too many tags.
    #[error("Keep it within {0} tags.")]
    TooManyTags(usize),
    /// Too many people are named.
    #[error("Name at most {0} people.")]
    TooManyContributors(usize),
    /// A tag that is too long; with its beginning.
    #[error("The tag “{0}…” is too long: keep each within 40 characters, and put commas between them.")]
    TagTooLong(String),
}
