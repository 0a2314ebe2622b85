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

/// See [`super::BillingMail::DaysTakenBack`].
pub(super) fn back(studio: &Studio, name: Option<&str>, days: u16, next_due: &NaiveDate) -> Mail {
    let what = if days == 1 {
        "A day that we had added to your membership was added by mistake, and is taken off again.".to_owned()
    } else {
        format!("Of the days that we had added to your membership, {days} are taken off again.")
    };
    Letter::new("Your next payment is due earlier")
        .to_person(name)
        .say(what)
        .say("Nothing that you paid for is taken away. If you have a question, answer this mail.")
        .row("Next payment", day_words(*next_due))
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
