//! The last mail to a person: the account is being deleted now.

use super::{Letter, Mail, Studio};
use uuid::Uuid;

/// Sent while the address is still there, right before everything personal is destroyed.
/// `request` is the number under which the certificate is kept.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, request: Uuid) -> Mail {
    Letter::new(format!("Your account at {} is deleted", studio.name))
        .to_person(name)
        .say("As you asked, everything personal in your account is destroyed now. This is the last mail that you get from us.")
        .row("Number of your request", request.to_string())
        .say("We keep this number, the dates, and what tax law obliges us to keep of your orders, if you had any.")
        .sign(studio)
}
