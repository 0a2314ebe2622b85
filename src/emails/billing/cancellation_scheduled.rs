//! Confirms a cancellation and says until when access stays; or that it was undone.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::CancellationScheduled`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    ends_on: &NaiveDate,
    by_studio: bool,
    waits: bool,
) -> Mail {
    let who = if by_studio {
        "We cancelled your membership. If you do not know why, write to us."
    } else {
        "You cancelled."
    };
    if waits {
        return Letter::new("Your membership is cancelled")
            .to_person(name)
            .say(who)
            .say("A payment was being processed at that moment. If it is made, you can watch everything until the end of the time it pays for, and a mail says until when; if not, your membership ends. Nothing more will be charged.")
            .button("See your subscription", studio.link("/account/subscription"))
            .sign(studio);
    }
    Letter::new(format!("Your membership ends on {}", day_words(*ends_on)))
        .to_person(name)
        .say(format!(
            "{who} Nothing more will be charged, and you can watch everything until {}.",
            day_words(*ends_on)
        ))
        .say("You can undo the cancellation until then.")
        .button("Undo the cancellation", studio.link("/account/subscription"))
        .sign(studio)
}

/// See [`super::BillingMail::CancellationWithdrawn`].
pub(super) fn withdrawn(
    studio: &Studio,
    name: Option<&str>,
    amount: &Money,
    next_due: &NaiveDate,
    by_studio: bool,
) -> Mail {
    Letter::new("Your membership goes on")
        .to_person(name)
        .say(if by_studio {
            "We undid the cancellation of your membership: nothing ends, and you can watch everything. If you do not want that, cancel again, or write to us."
        } else {
            "You undid your cancellation: nothing ends, and you can watch everything."
        })
        .row("Next payment", day_words(*next_due))
        .row("Amount", amount.to_string())
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
