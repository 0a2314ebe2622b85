//! Tells the owner of an address that somebody tried to register with it again.

use super::{Letter, Mail, Studio};

/// The page that the other one saw does not tell that the address is known; this mail does.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new(format!("You already have an account at {}", studio.name))
        .to_person(name)
        .say(format!(
            "Somebody, probably you, tried to register at {} with this mail address. There is an account with it already, so nothing was changed.",
            studio.name
        ))
        .button("Sign in", studio.link("/login"))
        .say(format!("If you forgot your password, set a new one: {}", studio.link("/reset")))
        .sign(studio)
}
