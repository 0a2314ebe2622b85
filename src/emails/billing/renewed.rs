//! Says that the next period is paid.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::Renewed`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    next_due: &NaiveDate,
) -> Mail {
    Letter::new(format!("Paid: {amount} for {plan}"))
        .to_person(name)
        .say("Your membership goes on. The invoice is in your account.")
        .row("Plan", plan)
        .row("Paid", amount.to_string())
        .row("Next payment", day_words(*next_due))
        .button("See your invoices", studio.link("/account/invoices"))
        .sign(studio)
}
