//! Asks a new person to confirm the mail address.

use super::{Letter, Mail, Studio};

/// `token` is the secret of the link; it is good for ten days.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, token: &str) -> Mail {
    Letter::new(format!("Confirm your mail address for {}", studio.name))
        .to_person(name)
        .say(format!("You registered at {}. Confirm that this is your mail address, then you can sign in.", studio.name))
        .button("Confirm mail address", studio.link(&format!("/confirm/{token}")))
        .say("The link works once, within 10 days. If you did not register, ignore this mail: without the confirmation nobody can use the account.")
        .sign(studio)
}
