//! Says that access has begun, or goes on.

use super::{WithdrawalRight, with_right};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::MembershipStarted`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    next_due: &NaiveDate,
    right: Option<WithdrawalRight>,
) -> Mail {
    let letter = Letter::new(format!("Your membership at {} has started", studio.name))
        .to_person(name)
        .say("Your payment arrived. You can watch everything now.")
        .row("Plan", plan)
        .row("Paid", amount.to_string())
        .row("Next payment", day_words(*next_due))
        .say("You can cancel at any time; what is paid for stays yours until its end.");
    with_right(letter, studio, right).button("Start watching", studio.link("/")).sign(studio)
}

/// The same for one that was on hold.
pub(super) fn again(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    next_due: &NaiveDate,
) -> Mail {
    Letter::new(format!("Your membership at {} goes on", studio.name))
        .to_person(name)
        .say("Your payment arrived. You can watch everything again.")
        .row("Plan", plan)
        .row("Paid", amount.to_string())
        .row("Next payment", day_words(*next_due))
        .say("You can cancel at any time; what is paid for stays yours until its end.")
        .button("Watch", studio.link("/"))
        .sign(studio)
}
