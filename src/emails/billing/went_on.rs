//! Says that a membership that had fallen behind goes on, and what becomes of what was missed.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::WentOn`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    (waived, billed): (u32, u32),
    amount: &Money,
    next_due: &NaiveDate,
) -> Mail {
    let what = match (waived, billed) {
        (0, 0) => "Nothing was missed.".to_owned(),
        (0, 1) => format!("The period that is over is billed now: {amount}."),
        (0, _) => format!(
            "{billed} periods that are over are billed now, one a day, the oldest first: {amount} each."
        ),
        (1, _) => "The period that is over is waived: you need not pay it.".to_owned(),
        (_, _) => format!("{waived} periods that are over are waived: you need not pay them."),
    };
    let mut letter = Letter::new("We looked at your membership: it goes on")
        .to_person(name)
        .say("Payments of your membership had not been asked for in time, so we had a look at it.")
        .say(what);
    if billed == 0 {
        letter = letter.row("Next payment", day_words(*next_due));
    }
    letter
        .say("If you have a question, or this does not suit you, answer this mail.")
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
