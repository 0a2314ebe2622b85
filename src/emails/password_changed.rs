//! Announces that the password was changed.

use super::{Letter, Mail, Studio};

/// Goes to the owner after every change and reset.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>) -> Mail {
    Letter::new(format!("Your password for {} was changed", studio.name))
        .to_person(name)
        .say("The password of your account was changed. All other sessions were ended.")
        .say("If this was not you, set a new password at once:")
        .button("Set a new password", studio.link("/reset"))
        .sign(studio)
}
