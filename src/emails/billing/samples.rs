//! Mails of the tests that are made in several forms.

use super::{BillingMail, RefundStuck};
use crate::domain::shared::{Currency, Money};
use uuid::Uuid;

pub(super) fn extended(days: Option<u16>, ends: bool) -> BillingMail {
    BillingMail::Extended { days, next_due: "2026-12-21".parse().unwrap(), ends }
}

pub(super) fn taken_back(ends: bool) -> BillingMail {
    BillingMail::DaysTakenBack { days: 14, next_due: "2026-12-07".parse().unwrap(), ends }
}

pub(super) fn went_on(waived: u32, billed: u32) -> BillingMail {
    let amount = Money::new(1150, Currency::eur());
    BillingMail::WentOn { waived, billed, amount, next_due: "2026-12-21".parse().unwrap() }
}

pub(super) fn pause_given_up(by_studio: bool) -> BillingMail {
    let (from, next_due) = ("2026-12-24".parse().unwrap(), "2027-01-21".parse().ok());
    BillingMail::PauseGivenUp { from, next_due, by_studio }
}

pub(super) fn plan_kept(by_studio: bool) -> BillingMail {
    let price = Money::new(1150, Currency::eur());
    BillingMail::PlanChangeGivenUp { plan: "Studio, monthly".into(), price, by_studio }
}

pub(super) fn refund_stuck(code: Option<&str>) -> BillingMail {
    BillingMail::RefundStuck(RefundStuck {
        number: "K123456789".into(),
        refund: Uuid::from_u128(9),
        amount: Money::new(1150, Currency::eur()),
        code: code.map(str::to_owned),
    })
}

/// Who withdrew has so much back, has to wait for a payment, or for the bank.
pub(super) fn withdrawn(amount: Option<Money>, waits: bool, disputed: bool) -> BillingMail {
    BillingMail::Withdrawn {
        refund: amount.is_some(),
        amount,
        at: Some("2026-11-23T10:07:00Z".parse().unwrap()),
        plan: "Studio, monthly".into(),
        joined_on: Some("2026-11-21".parse().unwrap()),
        waits,
        disputed,
    }
}
