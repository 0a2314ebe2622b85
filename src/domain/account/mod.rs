//! An account: a person's way in, what they may do, and whether they are still there.
//!
//! Who the person is (mail address, names, password hash) lives in the vault; the events refer to
//! it. Signing in is not an event: sessions are rows of a plain table.

#[path = "account.rs"]
mod aggregate;
pub mod commands;
pub mod digest;
pub mod disposable;
pub mod error;
pub mod events;
pub mod password;
#[cfg(test)]
mod tests;

pub use aggregate::{Account, Complimentary, Passkey, Standing};
pub use commands::{AccountCommand, Registration};
pub use digest::Digest;
pub use disposable::{is_disposable, is_of_any};
pub use error::AccountError;
pub use events::{AccountEvent, By, Origin, PasswordCause, Why};
pub use password::{WeakPassword, check_password};

crate::decider!(Account, AccountCommand, AccountEvent, AccountError, "account");
