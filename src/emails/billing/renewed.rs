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
    ends: bool,
) -> Mail {
    Letter::new(format!("Paid: {amount} for {plan}"))
        .to_person(name)
        .say(if ends {
            "This payment was under way when your membership was cancelled: the membership goes on until the end of the time that is paid for. Nothing more is charged. The invoice is in your account."
        } else {
            "Your membership goes on. The invoice is in your account."
        })
        .row("Plan", plan)
        .row("Paid", amount.to_string())
        .row(if ends { "Ends" } else { "Next payment" },day_words(*next_due))
        .button("See your invoices", studio.link("/account/invoices"))
        .sign(studio)
}
