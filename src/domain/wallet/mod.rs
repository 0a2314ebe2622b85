//! The wallet of a person: the ways to pay that gateways keep for them, and the one that is offered first.

mod commands;
mod error;
mod events;
#[cfg(test)]
mod tests;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod wallet;

pub use commands::WalletCommand;
pub use error::{MOST_METHODS, WalletError};
pub use events::WalletEvent;
pub use wallet::{KeptMethod, Wallet, method_id};

crate::decider!(Wallet, WalletCommand, WalletEvent, WalletError, "wallet");
