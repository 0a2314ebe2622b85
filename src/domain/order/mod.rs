//! What is to be paid for, and every attempt to pay it.
//!
//! The intent is recorded before the gateway is called; the attempt's id is the key under which the
//! gateway knows it, so that a repetition of the call is the same charge.

mod attempts;
mod commands;
mod credit;
#[cfg(test)]
mod credit_tests;
#[cfg(test)]
mod crossing_tests;
#[cfg(test)]
mod debit_tests;
mod debits;
mod disputes;
mod error;
mod events;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod order;
#[cfg(test)]
mod refund_tests;
mod refunds;
mod reissue;
#[cfg(test)]
mod reissue_tests;
mod rights;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
mod transfers;

pub use commands::{OrderCommand, PlaceOrder};
pub use debits::SentDebit;
pub use disputes::{AwaitedRefund, Dispute, DisputeReport, DisputeState};
pub use error::OrderError;
pub use events::{OrderEvent, OrderItem, PaidBy, Settlement};
pub use order::{Attempt, AttemptState, Order, OrderStatus, order_number, transfer_reference};
pub use refunds::{AskRefund, Refund, RefundOf, RefundState, RefundVia, RefundWay};
pub use reissue::{InvoiceReissue, ReissueInvoice};
pub use rights::rest_of;

crate::decider!(Order, OrderCommand, OrderEvent, OrderError, "order");
