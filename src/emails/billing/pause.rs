//! Says that a membership rests, and that it goes on.

use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::PausePlanned`].
pub(super) fn planned(
    studio: &Studio,
    name: Option<&str>,
    from: &NaiveDate,
    until: Option<&NaiveDate>,
) -> Mail {
    let end = match until {
        Some(until) => {
            format!("It goes on by itself on {}. You can end the pause earlier.", day_words(*until))
        }
        None => "It goes on when you end the pause.".to_owned(),
    };
    Letter::new(format!("Your membership rests from {}", day_words(*from)))
        .to_person(name)
        .say("During the pause nothing is charged, and you cannot watch what members watch. The time that is paid for is not lost: it runs on afterwards.")
        .say(end)
        .button("See or end the pause", studio.link("/account/subscription"))
        .sign(studio)
}

/// See [`super::BillingMail::PauseOver`].
pub(super) fn over(studio: &Studio, name: Option<&str>, next_due: &NaiveDate) -> Mail {
    Letter::new("Your membership goes on")
        .to_person(name)
        .say("The pause is over, and you can watch everything again.")
        .row("Next payment", day_words(*next_due))
        .button("Watch", studio.link("/films"))
        .sign(studio)
}
