//! Tells the owner that an admin saw the site as they do.

use super::{Letter, Mail, Studio};
use chrono::{DateTime, Utc};

pub(super) fn render(studio: &Studio, name: Option<&str>, at: DateTime<Utc>) -> Mail {
    Letter::new(format!("Somebody of {} looked at your account", studio.name))
        .to_person(name)
        .say("An admin of the studio saw the site as you see it, for half an hour at most, to help or to look into something. Nothing could be changed meanwhile, and your password, tokens and devices were not shown.")
        .row("When", studio.zone.moment_words(at))
        .say("Who it was and why stands in the studio's log. Ask the studio if you want to know.")
        .sign(studio)
}
