//! Asks for the transfer for the next period.

use super::transfer_expected::with_account;
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::OrderToPay`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    pay_by: &NaiveDate,
    to: (&str, &str, &str),
) -> Mail {
    // On the day itself, at its first instant, it is too late.
    let last = day_words(pay_by.pred_opt().unwrap_or(*pay_by));
    let letter = Letter::new(format!("Please pay {amount} by {last}"))
        .to_person(name)
        .say(format!("The next period of your membership ({plan}) begins soon."))
        .row("Amount", amount.to_string());
    with_account(letter, to)
        .row("By", last)
        .say("That is the last day on which your transfer can arrive in time. If it has not arrived by then, access pauses until it does.")
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}

/// The same for members with a mandate: they need not do anything.
pub(super) fn collected(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    pay_by: &NaiveDate,
) -> Mail {
    Letter::new(format!("The next period of your membership costs {amount}"))
        .to_person(name)
        .say(format!("The next period of your membership ({plan}) begins soon. We collect it by direct debit; before we do, another mail tells you on which day."))
        .row("Amount", amount.to_string())
        .row("Begins", day_words(*pay_by))
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
