//! Says that the studio gave time.

use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// The day on which the next payment is due, or, where it was cancelled, on which it ends.
fn day(letter: Letter, (day, ends): (&NaiveDate, bool)) -> Letter {
    letter.row(if ends { "Access ends" } else { "Next payment" }, day_words(*day))
}

/// See [`super::BillingMail::Extended`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    days: Option<u16>,
    next: (&NaiveDate, bool),
) -> Mail {
    let what = match days {
        Some(1) => "We added a day to your membership. You need not do anything.".to_owned(),
        Some(days) => format!("We added {days} days to your membership. You need not do anything."),
        None => "The open order of your membership is waived: you need not pay it.".to_owned(),
    };
    let subject = match next {
        (_, true) => "Your membership ends later, and costs nothing more",
        _ => "Your membership goes on, without a payment now",
    };
    let letter = Letter::new(subject).to_person(name).say(what);
    day(letter, next).button("See your subscription", studio.link("/account/subscription")).sign(studio)
}

/// See [`super::BillingMail::DaysTakenBack`].
pub(super) fn back(studio: &Studio, name: Option<&str>, days: u16, next: (&NaiveDate, bool)) -> Mail {
    let what = if days == 1 {
        "A day that we had added to your membership was added by mistake, and is taken off again.".to_owned()
    } else {
        format!("Of the days that we had added to your membership, {days} are taken off again.")
    };
    let subject = match next {
        (_, true) => "Your membership ends earlier",
        _ => "Your next payment is due earlier",
    };
    let letter = Letter::new(subject)
        .to_person(name)
        .say(what)
        .say("Nothing that you paid for is taken away. If you have a question, answer this mail.");
    day(letter, next).button("See your subscription", studio.link("/account/subscription")).sign(studio)
}
