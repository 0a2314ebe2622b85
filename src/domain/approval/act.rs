//! What may need a second person, and how much it weighs.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::{Zone, day_words};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An act that gives something away, or says that money came which no gateway tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    /// Money came by transfer, says a person.
    MarkPaid {
        /// For this order.
        order: Uuid,
        /// How much.
        received: Money,
        /// The day on which the bank had it; none in requests of before this was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arrived_on: Option<NaiveDate>,
    },
    /// A charge without an answer was made, says a person.
    ConfirmCharge {
        /// For this order.
        order: Uuid,
        /// Which attempt.
        attempt: Uuid,
        /// The gateway's own number of the charge.
        reference: String,
        /// How much.
        amount: Money,
    },
    /// Days that nobody pays for.
    Extend {
        /// Of this subscription.
        subscription: Uuid,
        /// How many.
        days: u16,
    },
    /// An order that nobody has to pay, for time that is given all the same.
    Waive {
        /// Of this subscription.
        subscription: Uuid,
        /// The order.
        order: Uuid,
        /// What it asks for.
        amount: Money,
    },
    /// Periods that a parked subscription missed, and that nobody has to pay.
    WaiveMissed {
        /// Which subscription.
        subscription: Uuid,
        /// Their price.
        amount: Money,
    },
    /// Credit of the member leaves by a transfer.
    PayOutCredit {
        /// The payout's id.
        payout: Uuid,
        /// How much.
        amount: Money,
    },
    /// Somebody registered twice: one account takes over what belongs to the other, which is closed.
    Merge {
        /// Which one is closed.
        from: Uuid,
        /// Which one is kept.
        into: Uuid,
    },
    /// Access without paying.
    Complimentary {
        /// Until then; none: without an end.
        until: Option<DateTime<Utc>>,
    },
}

/// What one person may decide alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most money, in minor units of the currency it is in.
    pub money: i64,
    /// Most days.
    pub days: u32,
}

/// The limit that an act is above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Bound {
    /// So much money may be given by one person.
    Money {
        /// How much.
        most: Money,
    },
    /// So many days may be given by one person.
    Days {
        /// How many.
        most: u32,
    },
    /// Nobody decides it alone.
    Always,
}

impl Act {
    /// The limit above which this act is, if it is; `before` is what was given in the same matter by one person
    /// alone, in minor units or days: a large gift is not made small by cutting it up.
    #[must_use]
    pub fn above(&self, before: i64, limits: Limits, at: DateTime<Utc>) -> Option<Bound> {
        match self {
            Self::MarkPaid { received: amount, .. }
            | Self::ConfirmCharge { amount, .. }
            | Self::Waive { amount, .. }
            | Self::WaiveMissed { amount, .. }
            | Self::PayOutCredit { amount, .. } => {
                let most = Money::new(limits.money, amount.currency);
                (amount.minor.saturating_add(before) > limits.money).then_some(Bound::Money { most })
            }
            Self::Merge { .. } => Some(Bound::Always),
            Self::Extend { .. } | Self::Complimentary { .. } => {
                let days = self.days(at).map_or(i64::MAX, |days| days.saturating_add(before));
                (days > i64::from(limits.days)).then_some(Bound::Days { most: limits.days })
            }
        }
    }

    /// The days it gives, begun ones counted; none: without an end, or no days at all.
    fn days(&self, at: DateTime<Utc>) -> Option<i64> {
        match self {
            Self::Extend { days, .. } => Some(i64::from(*days)),
            Self::Complimentary { until: Some(until) } => {
                Some((*until - at).num_seconds().max(0).saturating_add(86_399) / 86_400)
            }
            _ => None,
        }
    }

    /// Whether it gives something to somebody beside the account that it is about.
    #[must_use]
    pub fn also_gives_to(&self, who: Uuid) -> bool {
        matches!(self, Self::Merge { into, .. } if *into == who)
    }

    /// What it is called, in a word: a filter of the list, and a column of its table.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::MarkPaid { .. } => "mark-paid",
            Self::ConfirmCharge { .. } => "confirm-charge",
            Self::Extend { .. } => "extend",
            Self::Waive { .. } => "waive",
            Self::WaiveMissed { .. } => "waive-missed",
            Self::PayOutCredit { .. } => "pay-out-credit",
            Self::Merge { .. } => "merge",
            Self::Complimentary { .. } => "complimentary",
        }
    }

    /// What would be done, as a sentence without its full stop; days and times are those of `zone`.
    #[must_use]
    pub fn words(&self, zone: Zone) -> String {
        match self {
            Self::MarkPaid { received, arrived_on, .. } => {
                let day = arrived_on.map(|day| format!(" on {}", day_words(day))).unwrap_or_default();
                format!("Record {received} as received by transfer{day}")
            }
            Self::ConfirmCharge { amount, reference, .. } => {
                format!("Record that the gateway took {amount} ({reference})")
            }
            Self::Extend { days, .. } => format!("Give {days} days that are not paid for"),
            Self::Waive { amount, .. } => format!("Waive the open order of {amount}"),
            Self::WaiveMissed { amount, .. } => format!("Waive the missed periods, {amount} in all"),
            Self::PayOutCredit { amount, .. } => format!("Pay {amount} of the credit out"),
            Self::Merge { .. } => "Merge two accounts of one person".into(),
            Self::Complimentary { until: None } => "Give complimentary access without an end".into(),
            Self::Complimentary { until: Some(until) } => {
                let day = zone.date_of(*until);
                let whole = zone.start_of_day(day) == *until;
                let end = if whole { day_words(day) } else { zone.moment_words(*until) };
                format!("Give complimentary access until {end}")
            }
        }
    }
}

impl Bound {
    /// "€250.00", "92 days".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Money { most } => most.to_string(),
            Self::Days { most: 1 } => "1 day".into(),
            Self::Days { most } => format!("{most} days"),
            Self::Always => "nothing: it always takes two".into(),
        }
    }
}
