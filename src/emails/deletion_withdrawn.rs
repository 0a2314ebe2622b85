//! Confirms that a deletion request was withdrawn.

use super::{Letter, Mail, Studio};

/// All is as before.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new(format!("Your account at {} stays", studio.name))
        .to_person(name)
        .say("You withdrew the deletion request. Your account is as it was before.")
        .button("Open your account", studio.link("/account"))
        .sign(studio)
}
