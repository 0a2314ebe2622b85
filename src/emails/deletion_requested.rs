//! Confirms a deletion request, with its date and the way back.

use super::{Letter, Mail, Studio, layout::day};
use chrono::{DateTime, Utc};

/// `due` is the day from which the request is carried out.
#[must_use]
pub fn render(studio: &Studio, name: Option<&str>, due: DateTime<Utc>) -> Mail {
    Letter::new(format!("Your account at {} will be deleted after {}", studio.name, day(due)))
        .to_person(name)
        .say(format!(
            "You asked us to delete your account. Until {} you can change your mind: sign in and withdraw the request.",
            day(due)
        ))
        .button("Withdraw or look at the request", studio.link("/account/deletion"))
        .say("Until then your profile is hidden. Afterwards your name, mail address and everything else that is personal is destroyed; this cannot be undone.")
        .say("If you did not ask for this, sign in, withdraw the request and change your password.")
        .sign(studio)
}
