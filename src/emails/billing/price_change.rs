//! Says that the studio will ask another price.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::PriceChanges`]; `prices` are the one of now and the one to come.
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    prices: (&Money, &Money),
    (from, first_due, instead_of): (&NaiveDate, Option<&NaiveDate>, Option<&NaiveDate>),
) -> Mail {
    let mut letter =
        Letter::new(format!("The price of your membership changes on {}", day_words(*from))).to_person(name);
    if let Some(before) = instead_of {
        letter = letter.say(format!(
            "This takes the place of what we wrote before: what we announced for {} no longer holds.",
            day_words(*before)
        ));
    }
    letter = letter
        .say("Periods that begin on that day or later cost the new price. Until then everything stays as it is.")
        .say("If you do not agree, cancel before your next payment: you keep what is paid for, and nothing more is charged.")
        .row("Plan", plan)
        .row("Price now", prices.0.to_string())
        .row("New price", prices.1.to_string());
    if let Some(day) = first_due {
        letter = letter.row("First payment of it", day_words(*day));
    }
    letter.button("See or cancel your subscription", studio.link("/account/subscription")).sign(studio)
}
