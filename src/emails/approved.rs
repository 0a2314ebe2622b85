//! Tells that a moderator let the registration in.

use super::{Letter, Mail, Studio};

/// Goes to the owner once.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new(format!("Your account at {} is open", studio.name))
        .to_person(name)
        .say("Somebody of the studio has looked at your registration and let you in.")
        .button("Sign in", studio.link("/login"))
        .sign(studio)
}
