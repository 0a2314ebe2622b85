//! A membership: its dates, its renewals, and what a tick of the clock does to it.
//!
//! Every decision is a pure function of the events so far and one command with its time. A tick
//! looks only at what is due, so that a tick that comes twice, late, or from two schedulers decides
//! the same things once.

mod catch_up;
mod commands;
mod error;
mod events;
mod outlook;
mod payments;
mod staff_acts;
mod state;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod subscription;
#[cfg(test)]
mod tests;
mod tick;

pub use commands::SubscriptionCommand;
pub use error::SubscriptionError;
pub use events::{CancelCause, HoldCause, SubscriptionEvent, Terms, Trigger};
pub use staff_acts::MOST_DAYS;
pub use state::{Charge, OpenOrder, Status, Subscription};

crate::decider!(Subscription, SubscriptionCommand, SubscriptionEvent, SubscriptionError, "subscription");
