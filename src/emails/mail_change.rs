//! Asks the owner of a new address to confirm it.

use super::{Letter, Mail, Studio};

/// Goes to the new address; `token` is the secret of the link, good for ten days.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, token: &str) -> Mail {
    Letter::new(format!("Confirm your new mail address for {}", studio.name))
        .to_person(name)
        .say("You want to get mail at this address from now on. Confirm it, then it replaces the former one.")
        .button("Confirm new address", studio.link(&format!("/confirm/{token}")))
        .say("The link works once, within 10 days. If this was not you, ignore this mail: nothing changes.")
        .sign(studio)
}
