//! Announces at the former address that mail goes to another one.

use super::{Letter, Mail, Studio};

/// Goes to the former address, and does not name the new one.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new(format!("Your mail address at {} was changed", studio.name))
        .to_person(name)
        .say("Your account now uses another mail address. This one gets no more mail from us.")
        .say(format!("If this was not you, write to the studio: {}", studio.link("/")))
        .sign(studio)
}
