//! What can be subscribed to: a plan and its variations (currency, price, interval, collection).

mod commands;
mod error;
mod events;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod plan;

pub use commands::PlanCommand;
pub use error::PlanError;
pub use events::PlanEvent;
pub use plan::{LONGEST_TRIAL, Plan, PriceMove, Variation};

crate::decider!(Plan, PlanCommand, PlanEvent, PlanError, "plan");
