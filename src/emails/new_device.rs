//! Tells the owner of a sign-in from a browser that was not used before.

use super::{Letter, Mail, Studio};
use chrono::{DateTime, Utc};

pub(super) fn render(studio: &Studio, name: Option<&str>, at: DateTime<Utc>) -> Mail {
    Letter::new(format!("New sign-in to your account at {}", studio.name))
        .to_person(name)
        .say("Somebody signed in to your account with a browser that was not used for it before.")
        .row("When", studio.zone.moment_words(at))
        .say("If that was you, there is nothing to do. Else set a new password, which ends all other sessions:")
        .button("Set a new password", studio.link("/reset"))
        .sign(studio)
}
