//! Says that the copy of a person's data can be fetched.

use super::{Letter, Mail, Studio};
use crate::domain::shared::calendar::day_words;
use chrono::{DateTime, Utc};

pub(super) fn render(studio: &Studio, name: Option<&str>, expires: DateTime<Utc>) -> Mail {
    Letter::new("The copy of your data is ready")
        .to_person(name)
        .say(format!(
            "You asked for a copy of everything we keep about you. You can fetch it until {}.",
            day_words(studio.zone.date_of(expires))
        ))
        .say("If it was not you who asked, change your password: somebody else is signed in to your account.")
        .button("Fetch the copy", studio.link("/account/export"))
        .sign(studio)
}
