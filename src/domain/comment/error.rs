/// Why a comment refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommentError {
    /// No such comment.
    #[error("There is no such comment.")]
    Missing,
    /// The stream holds another one.
    #[error("This comment exists already.")]
    Exists,
    /// Nothing to read.
    #[error("Write something first.")]
    Empty,
    /// Too long.
    #[error("Use at most {0} characters.")]
    TooLong(usize),
    /// Somebody else's.
    #[error("Only who wrote a comment can change it.")]
    NotYours,
    /// The time for it is over.
    #[error("A comment can be changed for {0} minutes after it was written. Write an answer instead.")]
    TooLate(u32),
    /// Deleted before.
    #[error("This comment was deleted.")]
    Deleted,
    /// Hidden by a moderator.
    #[error("A moderator hid this comment.")]
    Hidden,
    /// One's own.
    #[error("This is your own comment: you can delete it.")]
    Own,
}
