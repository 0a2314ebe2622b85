//! Says that the register of the Union does not know a VAT number.

use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::VatNumberRefused`].
pub(super) fn render(studio: &Studio, name: Option<&str>, price: &Money) -> Mail {
    Letter::new("Your VAT number is not registered")
        .to_person(name)
        .say("We asked the register of the European Union for the VAT number of your membership, and it does not know it.")
        .say("From the next order on VAT is charged. If the number is wrong, correct it; if the register is, write to your tax office.")
        .row("Price of a period", price.to_string())
        .button("Correct your billing details", studio.link("/account/subscription/billing"))
        .sign(studio)
}
