//! Says that a renewal could not be charged, and when it is tried again.

use super::decline_words;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::RenewalFailed`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    amount: &Money,
    code: &str,
    failures: &u8,
    attempts: &u8,
    retry_on: &NaiveDate,
) -> Mail {
    Letter::new(format!("We could not charge {amount} (attempt {failures} of {attempts})"))
        .to_person(name)
        .say(format!("{} Your access stays for now.", decline_words(code)))
        .row("Amount", amount.to_string())
        .row("Next attempt", day_words(*retry_on))
        .say("Change your card before then, or pay the open order right away.")
        .button("Change your card", studio.link("/account/subscription"))
        .sign(studio)
}
