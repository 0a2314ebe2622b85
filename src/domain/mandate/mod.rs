//! The SEPA mandate of a person: they allow the studio to collect what they owe from their bank account. One at
//! a time; a new one may be signed when the former was revoked or has fallen out of use.

mod commands;
mod error;
mod events;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod mandate;
#[cfg(test)]
mod tests;

pub use commands::{MandateCommand, SignMandate};
pub use error::MandateError;
pub use events::MandateEvent;
pub use mandate::{LONGEST_UNUSED_MONTHS, Mandate, SignedMandate, mandate_reference};

crate::decider!(Mandate, MandateCommand, MandateEvent, MandateError, "mandate");
