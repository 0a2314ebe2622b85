//! Everything that acts: the bus to the aggregates' actors, projectors, workflows and jobs.

pub mod accounts;
mod aggregate_actor;
pub mod backup;
pub mod bank_import;
pub mod bus;
pub mod data_export;
pub mod dead_letters;
pub mod demo;
pub mod demo_plans;
mod directory;
pub mod encoder;
pub mod idempotency;
pub mod jobs;
pub mod listener;
pub mod mailer;
pub mod marks;
pub mod media_files;
mod one_command;
pub mod paper;
pub mod payments;
pub mod projector;
pub mod rebuild;
pub mod refunds;
pub mod sampler;
pub mod scheduler;
pub mod services;
pub mod supervisor;
pub mod uploads;
pub mod verify;
pub mod watch_progress;
pub mod webhooks;
pub mod workflow_runner;
pub mod workflows;

pub use bus::{Bus, CommandError, Envelope};
pub use services::Services;
