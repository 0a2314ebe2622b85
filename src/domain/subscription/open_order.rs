//! The order that waits to be paid, and the charge that may be under way for it.

use super::{PendingChange, Trigger};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A charge whose result is awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The attempt.
    pub attempt: Uuid,
    /// What set it off.
    pub trigger: Trigger,
    /// For when it was due.
    pub scheduled_for: DateTime<Utc>,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// Until when the holder can confirm it, if the gateway asks for that.
    pub action_until: Option<DateTime<Utc>>,
    /// The confirmation did not come; it is being withdrawn.
    pub withdrawn: bool,
}

/// The order that is not paid yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// Its id.
    pub order: Uuid,
    /// The day it is due.
    pub due_on: NaiveDate,
    /// Until when it may be paid by hand.
    pub pay_by: Option<DateTime<Utc>>,
    /// Failed attempts that count.
    pub failures: u8,
    /// Attempts that never reached the gateway, and did not count.
    #[serde(default)]
    pub unreached: u8,
    /// Attempts of any kind, for the next attempt's id.
    pub attempts: u32,
    /// When the clock tries again.
    pub retry_at: Option<DateTime<Utc>>,
    /// A charge under way.
    pub charge: Option<Charge>,
    /// The change of plan it pays for, instead of a period.
    pub change: Option<Box<PendingChange>>,
    /// Until when the bank is to collect it.
    #[serde(default)]
    pub debit_until: Option<DateTime<Utc>>,
}

impl OpenOrder {
    pub(super) fn new(order: Uuid, due_on: NaiveDate) -> Self {
        Self {
            order,
            due_on,
            pay_by: None,
            failures: 0,
            unreached: 0,
            attempts: 0,
            retry_at: None,
            charge: None,
            change: None,
            debit_until: None,
        }
    }
}
