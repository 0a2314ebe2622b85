//! Confirms a cancellation and says until when access stays; or that it was undone.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::CancellationScheduled`].
pub(super) fn render(studio: &Studio, name: Option<&str>, ends_on: &NaiveDate) -> Mail {
    Letter::new(format!("Your membership ends on {}", day_words(*ends_on)))
        .to_person(name)
        .say(format!(
            "You cancelled. Nothing more will be charged, and you can watch everything until {}.",
            day_words(*ends_on)
        ))
        .say("You can undo the cancellation until then.")
        .button("Undo the cancellation", studio.link("/account/subscription"))
        .sign(studio)
}

/// See [`super::BillingMail::CancellationWithdrawn`].
pub(super) fn withdrawn(studio: &Studio, name: Option<&str>, amount: &Money, next_due: &NaiveDate) -> Mail {
    Letter::new("Your membership goes on")
        .to_person(name)
        .say("You undid your cancellation: nothing ends, and you can watch everything.")
        .row("Next payment", day_words(*next_due))
        .row("Amount", amount.to_string())
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
