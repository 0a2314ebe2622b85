//! The encoder: works off the rows of `media_jobs`, in this process or in others beside it.
//!
//! A row is one piece that is worth keeping on its own: the examination, the normalising pass, a smaller rung, one
//! segment of one AV1 rung, the packaging of a rung. A worker holds a lease on it; when the worker
//! dies, the lease ends and somebody else takes the row. What is finished is never done again.

mod mezzanine;
mod pieces;
mod previews;
pub mod queue;
mod run;
mod rungs;
mod settings;
mod steps;
pub mod wishes;
mod worker;

pub use previews::{OFFICE, VIEW};
pub use queue::{JobKind, MediaJob};
pub use run::{Outcome, run_job};
pub use settings::{Tools, limits};
pub use worker::{drain, work};
