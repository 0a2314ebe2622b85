//! Says that another rate of tax changes what is to be paid.

use crate::domain::shared::calendar::day_words;
use crate::domain::shared::tax_rates::percent;
use crate::domain::subscription::TaxChange;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::TaxChanges`].
pub(super) fn render(studio: &Studio, name: Option<&str>, plan: &str, change: &TaxChange) -> Mail {
    let country = change.country.name();
    if change.amount == change.previous {
        return Letter::new("What you pay stays as it is")
            .to_person(name)
            .say(format!(
                "We told you of another rate of VAT in {country} from {} on. It does not come.",
                day_words(change.from)
            ))
            .row("Plan", plan)
            .row("You pay", change.amount.to_string())
            .button("See your subscription", studio.link("/account/subscription"))
            .sign(studio);
    }
    let rate = match change.basis_points {
        Some(rate) => {
            format!("The rate of VAT in {country} is {} from {} on.", percent(rate), day_words(change.from))
        }
        None => format!("There is no VAT in {country} from {} on.", day_words(change.from)),
    };
    Letter::new(format!("What you pay changes on {}", day_words(change.first_due)))
        .to_person(name)
        .say(rate)
        .say("You account for the VAT yourself and pay the net price. The price with VAT stays as it is, so the net price changes.")
        .say("If you do not agree, cancel before that payment: you keep what is paid for, and nothing more is charged.")
        .row("Plan", plan)
        .row("You pay now", change.previous.to_string())
        .row("You will pay", change.amount.to_string())
        .row("First payment of it", day_words(change.first_due))
        .button("See or cancel your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
