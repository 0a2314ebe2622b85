//! Says that the studio gave time.

use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::Extended`].
pub(super) fn render(studio: &Studio, name: Option<&str>, days: Option<u16>, next_due: &NaiveDate) -> Mail {
    let what = match days {
        Some(1) => "We added a day to your membership. You need not do anything.".to_owned(),
        Some(days) => format!("We added {days} days to your membership. You need not do anything."),
        None => "The open order of your membership is waived: you need not pay it.".to_owned(),
    };
    Letter::new("Your membership goes on, without a payment now")
        .to_person(name)
        .say(what)
        .row("Next payment", day_words(*next_due))
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
