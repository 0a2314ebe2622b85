//! Everything that acts: the bus to the aggregates' actors, projectors, workflows and jobs.

mod aggregate_actor;
pub mod bus;
mod directory;
pub mod jobs;
pub mod listener;
pub mod projector;
pub mod scheduler;
pub mod services;
pub mod supervisor;
pub mod verify;
pub mod workflow_runner;
pub mod workflows;

pub use bus::{Bus, CommandError, Envelope};
pub use services::Services;
