//! Tells billing staff that a payment is disputed.

use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};
use uuid::Uuid;

/// See [`super::BillingMail::Disputed`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    number: &str,
    order: &Uuid,
    amount: &Money,
    (reason, lost): (&str, bool),
) -> Mail {
    if lost {
        return Letter::new("A dispute is lost")
            .to_person(name)
            .say("The bank has given the money back to the holder of the card. Look at what follows: unless the membership has ended, access goes on and the same card is charged for the next period.")
            .row("Order", number)
            .row("Amount", amount.to_string())
            .button("See the order", studio.link(&format!("/billing/orders/{order}")))
            .sign(studio);
    }
    Letter::new("A payment is disputed")
        .to_person(name)
        .say("The holder of a card asked their bank for the money back. It is held back until that is decided.")
        .say("Answer at the payment service within the time it names; here the order shows what was sold, to whom, and when it was paid.")
        .row("Order", number)
        .row("Amount", amount.to_string())
        .row("Reason given", reason)
        .button("See the order", studio.link(&format!("/billing/orders/{order}")))
        .sign(studio)
}
