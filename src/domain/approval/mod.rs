//! An act of staff that gives money or time away, or says that money came, above what one person may decide
//! alone: it is written down, waits for a second person, and lapses if nobody decides.

mod act;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod approval;
mod commands;
mod error;
mod events;
#[cfg(test)]
mod tests;

pub use act::{Act, Bound, Limits};
pub use approval::{Approval, ApprovalState};
pub use commands::{ApprovalCommand, AskApproval};
pub use error::ApprovalError;
pub use events::ApprovalEvent;

crate::decider!(Approval, ApprovalCommand, ApprovalEvent, ApprovalError, "approval");
