//! Confirms a cancellation and says until when access stays.

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
