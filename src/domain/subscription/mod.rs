//! A membership: its dates, its renewals, and what a tick of the clock does to it.
//!
//! Every decision is a pure function of the events so far and one command with its time. A tick
//! looks only at what is due, so that a tick that comes twice, late, or from two schedulers decides
//! the same things once.

mod card_expiry;
mod catch_up;
mod commands;
mod error;
mod events;
mod outlook;
mod pause;
mod payments;
mod plan_change;
mod staff_acts;
mod state;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod subscription;
#[cfg(test)]
mod tests;
mod tick;
mod trial;

pub use commands::SubscriptionCommand;
pub use error::SubscriptionError;
pub use events::{CancelCause, HoldCause, SubscriptionEvent, Terms, Trigger};
pub use pause::{LONGEST_PAUSE, Pause};
pub use plan_change::{ChangeQuote, PendingChange, Proration};
pub use staff_acts::MOST_DAYS;
pub use state::{Charge, OpenOrder, Status, Subscription};
pub use trial::LONGEST_TRIAL;

crate::decider!(Subscription, SubscriptionCommand, SubscriptionEvent, SubscriptionError, "subscription");
