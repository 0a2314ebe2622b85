//! Words that plans, subscriptions and orders share about paying.

use super::personal::PersonalRef;
use chrono::{DateTime, Months, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who sees to it that a period is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Collection {
    /// The clock charges the payment method.
    Automatic,
    /// The clock makes an order, the member pays it.
    Manual,
    /// The clock tells a manager, who does the rest.
    Managed,
}

/// A saved way to pay. The token means something to its gateway only; what the member reads
/// ("Visa ending in 4242") is personal and lives in the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Which gateway keeps it.
    pub gateway: String,
    /// The gateway's name for it.
    pub token: String,
    /// What the member reads.
    pub label: PersonalRef,
    /// The first day on which it can be charged no more, for a card whose end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<NaiveDate>,
}

impl PaymentMethod {
    /// Whether it can be charged on a day, as far as is known.
    #[must_use]
    pub fn is_usable(&self, today: NaiveDate) -> bool {
        self.expires_on.is_none_or(|end| today < end)
    }
}

/// The first day after the month `MM/YY` that stands on a card; none if it is no month.
#[must_use]
pub fn card_expires_on(expiry: &str) -> Option<NaiveDate> {
    let (month, year) = expiry.split_once('/')?;
    let (month, year) = (month.trim(), year.trim());
    if year.len() != 2 || !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let first = NaiveDate::from_ymd_opt(2000 + year.parse::<i32>().ok()?, month.parse().ok()?, 1)?;
    first.checked_add_months(Months::new(1))
}

/// The code of an attempt of which the gateway knows nothing: it was never reached, and is barred from being so later.
pub const NO_CHARGE_MADE: &str = "no_charge_made";

/// How one payment attempt ended, or did not yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// The money was taken.
    Succeeded {
        /// The gateway's own number of the charge.
        gateway_reference: String,
    },
    /// The money was not taken.
    Declined {
        /// The gateway's code, such as `insufficient_funds`.
        code: String,
        /// Trying again is useless (stolen, closed …).
        hard: bool,
    },
    /// The holder has to confirm (3-D Secure) before that time.
    RequiresAction {
        /// When the gateway gives up waiting.
        until: DateTime<Utc>,
    },
    /// The attempt was withdrawn before anything was taken.
    Cancelled,
    /// The answer was lost: money may or may not have been taken.
    Unknown,
}

/// How a refund ended, or did not yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum RefundOutcome {
    /// The money goes back to where it came from.
    Succeeded {
        /// The gateway's own number of the refund.
        gateway_reference: String,
    },
    /// Nothing goes back.
    Refused {
        /// The gateway's code, such as `exceeds_charge`.
        code: String,
    },
    /// The answer was lost.
    Unknown,
}

/// The settings under which renewals are decided; those in force are written into the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BillingPolicy {
    /// Declined attempts after which a subscription is put on hold.
    pub attempts: u8,
    /// Days between two attempts on the same order.
    pub retry_after_days: u16,
    /// Weeks after the due date at which an unpaid subscription expires.
    pub expire_after_weeks: u16,
    /// Days before the due date at which the order of a manual subscription is made.
    pub manual_notice_days: u16,
    /// Days before a yearly renewal at which the member is reminded.
    pub reminder_days: u16,
    /// Days before a card expires at which the member is reminded.
    pub card_reminder_days: u16,
    /// Days before the end of a trial at which the member is reminded.
    pub trial_reminder_days: u16,
    /// Periods a subscription may be behind before it is parked for staff.
    pub most_periods_behind: u16,
}

impl Default for BillingPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            retry_after_days: 2,
            expire_after_weeks: 24,
            manual_notice_days: 7,
            reminder_days: 7,
            card_reminder_days: 30,
            trial_reminder_days: 3,
            most_periods_behind: 3,
        }
    }
}

/// Why an order exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum OrderReason {
    /// The first period of a new subscription.
    Join,
    /// A following period.
    Renewal,
    /// The difference to a dearer plan.
    PlanChange,
    /// Time that is given to somebody.
    Gift,
}

/// An id of an order that follows from what it bills, so that a period is billed once.
#[must_use]
pub fn order_id(subscription: Uuid, period_start: chrono::NaiveDate, reason: OrderReason) -> Uuid {
    let reason: &'static str = reason.into();
    super::ids::derive_id(&format!("subscription-{subscription}"), &format!("order/{reason}/{period_start}"))
}

/// The id of the clock's n-th attempt on an order: it is the key the gateway sees.
#[must_use]
pub fn attempt_id(order: Uuid, number: u32) -> Uuid {
    super::ids::derive_id(&format!("order-{order}"), &format!("attempt/{number}"))
}
