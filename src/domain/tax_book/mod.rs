//! The book of tax rates: what staff entered over the rates the program brings along. There is one, for all
//! countries; what has begun to count is never changed.

mod book;
mod commands;
mod error;
mod events;
#[cfg(test)]
mod tests;

pub use book::{TaxBook, book_id};
pub use commands::TaxBookCommand;
pub use error::TaxBookError;
pub use events::TaxBookEvent;

crate::decider!(TaxBook, TaxBookCommand, TaxBookEvent, TaxBookError, "tax_book");
