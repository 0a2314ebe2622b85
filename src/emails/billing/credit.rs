//! Says that money became credit, or that credit was paid out.

use super::refunded::paper;
use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::Refunded`].
pub(super) fn granted(
    studio: &Studio,
    name: Option<&str>,
    number: &str,
    amount: &Money,
    (credited, nothing_owed): (bool, bool),
) -> Mail {
    Letter::new(format!("You have a credit of {amount}"))
        .to_person(name)
        .say("We keep it for you: your next orders use it up before anything else is asked for.")
        .say(paper(credited, nothing_owed))
        .say("If you would rather have it paid out, write to us.")
        .row("Order", number)
        .row("Amount", amount.to_string())
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}

/// See [`super::BillingMail::CreditPaidOut`].
pub(super) fn paid_out(studio: &Studio, name: Option<&str>, amount: &Money) -> Mail {
    Letter::new(format!("Your credit of {amount} was paid out"))
        .to_person(name)
        .say("We sent it to your bank account.")
        .row("Amount", amount.to_string())
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
