//! Says that staff gave access that costs nothing, or ended it.

use crate::emails::{Letter, Mail, Studio};
use chrono::{DateTime, Utc};

/// See [`super::BillingMail::ComplimentaryGiven`].
pub(super) fn given(studio: &Studio, name: Option<&str>, until: Option<DateTime<Utc>>) -> Mail {
    let end = match until {
        Some(until) => format!("It ends by itself on {}.", studio.zone.moment_words(until)),
        None => "It has no end.".into(),
    };
    Letter::new(format!("You can watch everything at {}", studio.name))
        .to_person(name)
        .say("We gave you access. It costs you nothing, and a membership that you pay for stays as it is.")
        .say(end)
        .button("Watch", studio.link("/films"))
        .sign(studio)
}

/// See [`super::BillingMail::ComplimentaryEnded`].
pub(super) fn ended(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new("The access that we gave you has ended")
        .to_person(name)
        .say("What we gave you without a payment has ended. A membership that you pay for stays as it is. If you do not know why, write to us.")
        .button("See the plans", studio.link("/join"))
        .sign(studio)
}
