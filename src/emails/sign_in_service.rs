//! Announces that the sign-in service opens an account, or not any more.

use super::{Letter, Mail, Studio};

/// Goes to the owner whenever an identity of the sign-in service is linked or unlinked.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, linked: bool) -> Mail {
    let (subject, words) = if linked {
        (
            "Another way to sign in at {}",
            "Your account can be opened through the sign-in service from now on.",
        )
    } else {
        (
            "A way to sign in at {} was removed",
            "Your account can no longer be opened through the sign-in service.",
        )
    };
    Letter::new(subject.replace("{}", &studio.name))
        .to_person(name)
        .say(words)
        .say("If this was not you, set a new password and look at the security page of your account:")
        .button("Set a new password", studio.link("/reset"))
        .sign(studio)
}
