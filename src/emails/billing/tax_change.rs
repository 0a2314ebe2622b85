//! Says that another rate of tax changes what is to be paid.

use super::PaidNow;
use crate::domain::shared::calendar::day_words;
use crate::domain::shared::tax_rates::percent;
use crate::domain::subscription::TaxChange;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::TaxChanges`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    (change, now): (&TaxChange, Option<&PaidNow>),
) -> Mail {
    let country = change.country.name();
    if change.amount == change.previous {
        let title = if now.is_some() { "A rate of VAT does not come" } else { "What you pay stays as it is" };
        let letter = Letter::new(title).to_person(name).say(format!(
            "We told you of another rate of VAT in {country} from {} on. It does not come.",
            day_words(change.from)
        ));
        let letter = match now {
            None => letter.row("Plan", plan).row("You pay", change.amount.to_string()),
            Some(now) => to_come(letter, plan, change, now),
        };
        return letter.button("See your subscription", studio.link("/account/subscription")).sign(studio);
    }
    let rate = match change.basis_points {
        Some(rate) => {
            format!("The rate of VAT in {country} is {} from {} on.", percent(rate), day_words(change.from))
        }
        None => format!("There is no VAT in {country} from {} on.", day_words(change.from)),
    };
    let why = match now {
        None => "The price with VAT stays as it is, so the net price changes.",
        Some(_) => "A price with VAT does not change by the rate, so the net price does.",
    };
    let letter = Letter::new(format!("What you pay changes on {}", day_words(change.first_due)))
        .to_person(name)
        .say(rate)
        .say(format!("You account for the VAT yourself and pay the net price. {why}"))
        .say("If you do not agree, cancel before that payment: you keep what is paid for, and nothing more is charged.");
    let letter = match now {
        None => letter
            .row("Plan", plan)
            .row("You pay now", change.previous.to_string())
            .row("You will pay", change.amount.to_string())
            .row("First payment of it", day_words(change.first_due)),
        Some(now) => to_come(letter, plan, change, now)
            .row("It would be at the rate before", change.previous.to_string()),
    };
    letter.button("See or cancel your subscription", studio.link("/account/subscription")).sign(studio)
}

/// The plan and its price of now, and those of the first payment after the day of the rate.
fn to_come(letter: Letter, plan: &str, change: &TaxChange, now: &PaidNow) -> Letter {
    let letter = if now.plan == plan {
        letter.row("Plan", plan).row("You pay now", now.amount.to_string())
    } else {
        letter.row("Plan now", &now.plan).row("You pay now", now.amount.to_string()).row("Plan then", plan)
    };
    letter
        .row("You will pay", change.amount.to_string())
        .row("First payment of it", day_words(change.first_due))
}
