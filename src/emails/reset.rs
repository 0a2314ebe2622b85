//! Brings the link to set a new password.

use super::{Letter, Mail, Studio};

/// `token` is the secret of the link; it is good for one hour.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, token: &str) -> Mail {
    Letter::new(format!("Set a new password for {}", studio.name))
        .to_person(name)
        .say("Somebody, probably you, asked to set a new password for your account.")
        .button("Set a new password", studio.link(&format!("/reset/{token}")))
        .say("The link works once, within an hour. If you did not ask for it, ignore this mail: your password stays as it is.")
        .sign(studio)
}
