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
    (amount, credit): (&Money, Option<&Money>),
    next_due: &NaiveDate,
    ends: bool,
) -> Mail {
    let paid = paid_words(amount, credit);
    Letter::new(format!("Paid: {paid} for {plan}"))
        .to_person(name)
        .say(if ends {
            "This payment was under way when your membership was cancelled: the membership goes on until the end of the time that is paid for. Nothing more is charged. The invoice is in your account."
        } else {
            "Your membership goes on. The invoice is in your account."
        })
        .row("Plan", plan)
        .row("Paid", paid)
        .row(if ends { "Ends" } else { "Next payment" }, day_words(*next_due))
        .button("See your invoices", studio.link("/account/invoices"))
        .sign(studio)
}

/// What was charged, and what credit paid beside it: "€6.50, and €5.00 from your credit".
pub(super) fn paid_words(amount: &Money, credit: Option<&Money>) -> String {
    let Some(credit) = credit else { return amount.to_string() };
    match amount.minor.saturating_sub(credit.minor) {
        rest if rest > 0 => format!("{}, and {credit} from your credit", Money::new(rest, amount.currency)),
        _ => format!("{amount} from your credit"),
    }
}
