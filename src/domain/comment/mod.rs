//! A comment: what somebody wrote below a work, a lesson, a post or a character, or as an answer to another comment.
//! Its text lies in the writer's vault: it goes with the account, and the thread keeps its shape.

mod commands;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod comment;
mod error;
mod events;
#[cfg(test)]
mod tests;

pub use commands::CommentCommand;
pub use comment::{Comment, Standing, checked_text};
pub use error::CommentError;
pub use events::{CommentEvent, Remover, Subject, SubjectKind};

crate::decider!(Comment, CommentCommand, CommentEvent, CommentError, "comment");
