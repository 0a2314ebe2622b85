use super::{Document, SeriesKind};

/// What may be asked of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvoiceSeriesCommand {
    /// Give the document the next number. Asked twice for one order or refund, it keeps the first number.
    Issue {
        /// Invoices or credit notes.
        kind: SeriesKind,
        /// The legal entity that sells.
        entity: String,
        /// The year of issue in the seller's zone.
        year: i32,
        /// What is issued.
        document: Box<Document>,
    },
}
