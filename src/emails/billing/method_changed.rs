//! Says that the payment method was changed.

use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::MethodChanged`].
pub(super) fn render(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new("Your payment method was changed")
        .to_person(name)
        .say("From now on another card is charged for your membership. If that was not you, change your password and write to us.")
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
