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
    by_studio: bool,
) -> Mail {
    let end = match until {
        Some(until) => {
            format!("It goes on by itself on {}. You can end the pause earlier.", day_words(*until))
        }
        None => "It goes on when you end the pause.".to_owned(),
    };
    Letter::new(format!("Your membership rests from {}", day_words(*from)))
        .to_person(name)
        .say(if by_studio { "We planned a pause of your membership. If you do not know why, write to us." } else { "You planned a pause." })
        .say("During the pause nothing is charged, and you cannot watch what members watch. The time that is paid for is not lost: it runs on afterwards.")
        .say(end)
        .button("See or end the pause", studio.link("/account/subscription"))
        .sign(studio)
}

/// See [`super::BillingMail::PauseOver`].
pub(super) fn over(studio: &Studio, name: Option<&str>, next_due: &NaiveDate, by_studio: bool) -> Mail {
    Letter::new("Your membership goes on")
        .to_person(name)
        .say(if by_studio {
            "We ended the pause, and you can watch everything again. If you do not know why, write to us."
        } else {
            "The pause is over, and you can watch everything again."
        })
        .row("Next payment", day_words(*next_due))
        .button("Watch", studio.link("/films"))
        .sign(studio)
}

/// See [`super::BillingMail::PauseGivenUp`].
pub(super) fn given_up(
    studio: &Studio,
    name: Option<&str>,
    from: &NaiveDate,
    next_due: Option<&NaiveDate>,
    by_studio: bool,
) -> Mail {
    let who = if by_studio { "We gave up" } else { "You gave up" };
    let why = if by_studio { " If you do not know why, write to us." } else { "" };
    let mut letter = Letter::new("Your membership does not pause").to_person(name).say(format!(
        "{who} the pause that was planned from {} on: your membership goes on without it.{why}",
        day_words(*from)
    ));
    if let Some(day) = next_due {
        letter = letter.row("Next payment", day_words(*day));
    }
    letter.button("See your subscription", studio.link("/account/subscription")).sign(studio)
}
