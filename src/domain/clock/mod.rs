//! Scheduled runs and the instance's movable clock.

mod run;
mod schedule;

pub use run::{Run, RunCommand, RunError, RunEvent, RunState, run_id};
pub use schedule::Schedule;
