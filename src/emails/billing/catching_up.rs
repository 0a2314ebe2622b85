//! Explains why several periods are billed after an outage.

use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::CatchingUp`].
pub(super) fn render(studio: &Studio, name: Option<&str>, amount: &Money, behind: &u32) -> Mail {
    Letter::new("Payments that we missed are now being made")
        .to_person(name)
        .say(format!("For some time we could not charge your card; that was our fault, and your access went on. {behind} periods have begun without payment."))
        .say(format!("We charge them one at a time, the oldest first, {amount} each, at least a day apart. Write to us if you do not agree."))
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
