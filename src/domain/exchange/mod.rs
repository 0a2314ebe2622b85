//! Rates of exchange of the euro, as the European Central Bank published them: what a return for the one-stop shop
//! converts with. Staff enter them or send the bank's file; nothing is converted without one.

mod book;
mod commands;
mod error;
mod events;
#[cfg(test)]
mod tests;

pub use book::{ExchangeBook, ExchangeTable, PATIENCE, Quote, exchange_book_id, millionths, rate_words};
pub use commands::ExchangeCommand;
pub use error::ExchangeError;
pub use events::{ExchangeEvent, ExchangeSource};

crate::decider!(ExchangeBook, ExchangeCommand, ExchangeEvent, ExchangeError, "exchange");
