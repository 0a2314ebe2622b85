//! Says that money went back.

use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::Refunded`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    number: &str,
    amount: &Money,
    by_transfer: bool,
    credited: bool,
) -> Mail {
    let how = if by_transfer {
        "We sent it to your bank account."
    } else {
        "It goes back to the card it came from; your bank may take a few days to show it."
    };
    let paper = if credited {
        "A credit note corrects the invoice."
    } else {
        "It was more than the invoice asked for, so the invoice stays as it is."
    };
    Letter::new(format!("Refund of {amount}"))
        .to_person(name)
        .say(how)
        .say(paper)
        .row("Order", number)
        .row("Amount", amount.to_string())
        .button("See your invoices", studio.link("/account/invoices"))
        .sign(studio)
}
