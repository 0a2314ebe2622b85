//! Reminds of a yearly renewal.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::RenewalAhead`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    due_on: &NaiveDate,
) -> Mail {
    Letter::new(format!("Your membership renews on {}", day_words(*due_on)))
        .to_person(name)
        .row("Plan", plan)
        .row("Amount", amount.to_string())
        .row("Charged on", day_words(*due_on))
        .say("There is nothing to do if you want to go on. Otherwise cancel before that day.")
        .button("See or cancel your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
