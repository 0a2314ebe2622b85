//! A membership: its dates, its renewals, and what a tick of the clock does to it.
//!
//! Every decision is a pure function of the events so far and one command with its time. A tick
//! looks only at what is due, so that a tick that comes twice, late, or from two schedulers decides
//! the same things once.

mod card_expiry;
mod catch_up;
mod commands;
mod discount;
mod error;
mod event_facts;
mod events;
mod open_order;
mod outlook;
mod paid_span;
mod pause;
mod payments;
mod plan_change;
mod price_change;
mod span_value;
mod staff_acts;
mod state;
mod status;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod subscription;
mod tax_change;
mod terms;
#[cfg(test)]
mod tests;
mod tick;
mod trial;
mod vat;
mod withdrawal;

pub use commands::SubscriptionCommand;
pub use discount::{Discounted, GrantedDiscount, Rebate};
pub use error::SubscriptionError;
pub use events::SubscriptionEvent;
pub use open_order::{Charge, OpenOrder};
pub use paid_span::PaidSpan;
pub use pause::{LONGEST_PAUSE, Pause, PauseBegun, PauseOver};
pub use payments::{AwaitedDebit, EarlierReversal, RejectedDebit, ReversedPayment};
pub use plan_change::{ChangeQuote, PendingChange, PlanAhead, PlanChangeRequest, Proration, Rounding};
pub use price_change::{PriceChange, PriceNotice};
pub use staff_acts::MOST_DAYS;
pub use state::Subscription;
pub use status::Status;
pub use tax_change::{RatesMove, TaxChange};
pub use terms::{CancelCause, CancelReason, HoldCause, Terms, Trigger};
pub use trial::{LONGEST_TRIAL, TrialNotice};
pub use withdrawal::{AwaitedResult, LONGEST_WITHDRAWAL, Refundable, UnusedDays, Withdrawal, Withdrawing};

crate::decider!(Subscription, SubscriptionCommand, SubscriptionEvent, SubscriptionError, "subscription");
