//! Says that the card will soon be valid no more.

use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::CardExpiring`].
pub(super) fn render(studio: &Studio, name: Option<&str>, expires_on: &NaiveDate) -> Mail {
    let last = expires_on.pred_opt().unwrap_or(*expires_on);
    Letter::new("Your card expires soon")
        .to_person(name)
        .say(format!("The card that is charged for your membership is valid until {}. Add another one before, so that your access does not stop.", day_words(last)))
        .button("Change your card", studio.link("/account/subscription"))
        .sign(studio)
}
