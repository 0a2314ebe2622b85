//! Announces changes of the second factor, and the use of a recovery code.

use super::{Letter, Mail, Studio};

/// Goes to the owner whenever an authenticator is added or removed.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, added: bool) -> Mail {
    let (subject, words) = if added {
        (
            "Your account at {} has a second factor",
            "Signing in asks for a code of your authenticator from now on.",
        )
    } else {
        (
            "The second factor of your account at {} was removed",
            "Signing in asks for your password only from now on.",
        )
    };
    Letter::new(subject.replace("{}", &studio.name))
        .to_person(name)
        .say(words)
        .say("If this was not you, set a new password at once:")
        .button("Set a new password", studio.link("/reset"))
        .sign(studio)
}

/// Goes to the owner whenever a recovery code was used.
#[must_use]
pub fn code_used(studio: &Studio, name: Option<&str>, left: u32) -> Mail {
    let left = match left {
        0 => "None is left: make new ones.".to_owned(),
        1 => "One is left.".to_owned(),
        n => format!("{n} are left."),
    };
    Letter::new(format!("A recovery code was used at {}", studio.name))
        .to_person(name)
        .say(format!("Somebody signed in to your account with one of your recovery codes. {left}"))
        .say("If this was not you, set a new password at once:")
        .button("Set a new password", studio.link("/reset"))
        .sign(studio)
}

/// Goes to the owner whenever a passkey was added or removed.
#[must_use]
pub fn passkey(studio: &Studio, name: Option<&str>, added: bool) -> Mail {
    let (subject, words) = if added {
        (
            "A passkey was added to your account at {}",
            "It opens your account, and signing in with your password asks for it, too.",
        )
    } else {
        ("A passkey of your account at {} was removed", "It opens your account no more.")
    };
    Letter::new(subject.replace("{}", &studio.name))
        .to_person(name)
        .say(words)
        .say("If this was not you, set a new password and look at the security page of your account:")
        .button("Set a new password", studio.link("/reset"))
        .sign(studio)
}
