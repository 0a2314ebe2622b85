//! Asks the holder of the card to confirm a charge.

use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// See [`super::BillingMail::ActionNeeded`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    amount: &Money,
    order: &Uuid,
    until: &DateTime<Utc>,
) -> Mail {
    Letter::new(format!("Confirm the payment of {amount}"))
        .to_person(name)
        .say("Your bank asks you to confirm this payment. Without that it is not made.")
        .row("Amount", amount.to_string())
        .row("Until", studio.zone.moment_words(*until))
        .button("Confirm the payment", studio.link(&format!("/account/orders/{order}/confirm")))
        .sign(studio)
}
