//! A person's wish to be forgotten, from the request to the proof.

#[path = "deletion_request.rs"]
mod aggregate;
pub mod commands;
pub mod error;
pub mod events;
#[cfg(test)]
mod tests;

pub use aggregate::{DeletionRequest, Stage};
pub use commands::{DeletionCommand, Requester};
pub use error::DeletionError;
pub use events::{CommentsFate, DeletionEvent, ErasureStep, Obstacle, RequestedBy};

crate::decider!(DeletionRequest, DeletionCommand, DeletionEvent, DeletionError, "deletion_request");
