//! A team: people who watch by one subscription. Its owner says who belongs to it, by address or by mail
//! domain; who belongs gets a seat while seats are free.

mod commands;
mod error;
mod events;
mod list;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod team;
#[cfg(test)]
mod tests;

pub use commands::TeamCommand;
pub use error::TeamError;
pub use events::{SeatCause, TeamEvent};
pub use list::{ListError, MOST_ADDRESSES, TeamList};
pub use team::Team;

crate::decider!(Team, TeamCommand, TeamEvent, TeamError, "team");
