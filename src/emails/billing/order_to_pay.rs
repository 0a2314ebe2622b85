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
