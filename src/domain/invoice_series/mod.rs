//! Numbers of invoices and credit notes: consecutive per legal entity and year, without a gap.
//!
//! One stream holds one series, and its actor issues one number at a time, so that neither gap nor
//! duplicate can arise, whatever happens at the same moment.

mod commands;
mod error;
mod events;
mod series;

pub use commands::InvoiceSeriesCommand;
pub use error::InvoiceSeriesError;
pub use events::{Document, InvoiceLine, InvoiceSeriesEvent, Seller, SeriesKind};
pub use series::{InvoiceSeries, series_id};

crate::decider!(
    InvoiceSeries,
    InvoiceSeriesCommand,
    InvoiceSeriesEvent,
    InvoiceSeriesError,
    "invoice_series"
);
