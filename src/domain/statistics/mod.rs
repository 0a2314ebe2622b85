//! Figures of the studio, sampled on the hour: how many works, accounts, subscribers, how much
//! revenue. Samples are events, so a figure of last year is what was known last year.

mod commands;
mod error;
mod events;
mod state;

pub use commands::StatisticsCommand;
pub use error::StatisticsError;
pub use events::StatisticsEvent;
pub use state::{Statistics, stream_of};
