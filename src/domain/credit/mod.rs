//! What the studio owes an account: money that came too much, or went back, and stays here until the next orders
//! use it up or it is paid out. One stream for each account; each currency stands for itself.
//!
//! The money itself stays in the bank: nothing here makes or loses any. A credit is granted by a refund of an
//! order that goes "to credit", set aside for an order before that is placed, given back when nobody has to pay
//! that order, and paid out by a transfer that staff send.

mod commands;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod credit;
mod error;
mod events;
#[cfg(test)]
mod tests;

pub use commands::CreditCommand;
pub use credit::{Credit, Payout, PayoutState};
pub use error::CreditError;
pub use events::CreditEvent;

crate::decider!(Credit, CreditCommand, CreditEvent, CreditError, "credit");
