//! Asks for the transfer for the next period.

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
    iban: &str,
    reference: &str,
) -> Mail {
    Letter::new(format!("Please pay {amount} by {}", day_words(*pay_by)))
        .to_person(name)
        .say(format!("The next period of your membership ({plan}) begins soon."))
        .row("Amount", amount.to_string())
        .row("Account", iban)
        .row("Reference", reference)
        .row("By", day_words(*pay_by))
        .say("If it is not paid by then, access pauses until the transfer arrives.")
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
        .say(format!("The next period of your membership ({plan}) begins soon. We collect it by direct debit, and tell you the day before that."))
        .row("Amount", amount.to_string())
        .row("Begins", day_words(*pay_by))
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
