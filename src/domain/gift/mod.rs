//! A gift: time of a plan that one person buys and another redeems with a code.

mod commands;
mod error;
mod events;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod gift;
#[cfg(test)]
mod tests;

pub use commands::{GiftCommand, OrderGift};
pub use error::GiftError;
pub use events::{GiftEvent, GiftUse, Given};
pub use gift::{Gift, GiftStanding, LONGEST_DAYS, is_order_of, normalise_code, order_of};

crate::decider!(Gift, GiftCommand, GiftEvent, GiftError, "gift");
