//! Says that a payment did not work and nothing was charged.

use super::decline_words;
use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::FirstPaymentFailed`].
pub(super) fn render(studio: &Studio, name: Option<&str>, amount: &Money, code: &str) -> Mail {
    Letter::new(format!("Your payment of {amount} did not go through"))
        .to_person(name)
        .say(format!("{} Nothing was charged.", decline_words(code)))
        .say("Your order is still open: you can pay it with the same or another card.")
        .button("Pay the open order", studio.link("/account/subscription"))
        .sign(studio)
}
