//! Welcomes to a trial, and reminds of its end.

use super::{WithdrawalRight, with_right};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::TrialStarted`].
pub(super) fn started(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    ends_on: &NaiveDate,
    right: Option<WithdrawalRight>,
) -> Mail {
    let letter = Letter::new("Your trial has begun")
        .to_person(name)
        .say("You can watch and download everything. Nothing was charged.")
        .row("Plan", plan)
        .row("First payment", format!("{amount} on {}", day_words(*ends_on)))
        .say("Cancel before that day if you do not want to go on.");
    with_right(letter, studio, right)
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}

/// See [`super::BillingMail::TrialEnding`].
pub(super) fn ending(
    studio: &Studio,
    name: Option<&str>,
    amount: &Money,
    ends_on: &NaiveDate,
    charged: bool,
) -> Mail {
    Letter::new(format!("Your trial ends on {}", day_words(*ends_on)))
        .to_person(name)
        .say(if charged {
            format!("On that day {amount} is charged, and your membership goes on. If you do not want that, cancel before.")
        } else {
            format!("To go on watching, add a card before that day. Then {amount} is charged.")
        })
        .button(if charged { "See or cancel your subscription" } else { "Add a card" }, studio.link("/account/subscription"))
        .sign(studio)
}

/// The same for members who pay by transfer.
pub(super) fn by_transfer(studio: &Studio, name: Option<&str>, amount: &Money, ends_on: &NaiveDate) -> Mail {
    Letter::new(format!("Your trial ends on {}", day_words(*ends_on)))
        .to_person(name)
        .say(format!("To go on watching, transfer {amount} so that it arrives before that day. The account and the reference stand on the page of your subscription. If you do not want to go on, cancel before."))
        .button("Pay or cancel your subscription", studio.link("/account/subscription"))
        .sign(studio)
}

/// The same for members with a mandate: they need not do anything.
pub(super) fn collected(studio: &Studio, name: Option<&str>, amount: &Money, ends_on: &NaiveDate) -> Mail {
    Letter::new(format!("Your trial ends on {}", day_words(*ends_on)))
        .to_person(name)
        .say(format!("We collect {amount} by direct debit, and your membership goes on. If you do not want that, cancel before."))
        .button("See or cancel your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
