//! Says that money came for which nothing was owed any more.

use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::PaidForNothing`].
pub(super) fn render(studio: &Studio, name: Option<&str>, number: &str, ended: bool) -> Mail {
    Letter::new(format!("We received your payment for order {number}"))
        .to_person(name)
        .say(if ended {
            "It arrived after your membership had ended, so nothing begins by it."
        } else {
            "It arrived when this order was not to be paid any more, so nothing changes by it."
        })
        .say("We look at it and decide what becomes of the money. If you wish something particular, answer this mail.")
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}

/// The same for an order that is cancelled; some of the money may have come before it was.
pub(super) fn cancelled(studio: &Studio, name: Option<&str>, number: &str, amount: &Money) -> Mail {
    Letter::new(format!("{amount} for order {number}, which is cancelled"))
        .to_person(name)
        .say(format!("We received {amount} for order {number}. It is cancelled, so the money pays for nothing."))
        .say("We look at it and decide what becomes of the money. If you wish something particular, answer this mail.")
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
