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
    (credited, nothing_owed): (bool, bool),
) -> Mail {
    let how = if by_transfer {
        "We sent it to your bank account."
    } else {
        "It goes back to the card it came from; your bank may take a few days to show it."
    };
    Letter::new(format!("Refund of {amount}"))
        .to_person(name)
        .say(how)
        .say(paper(credited, nothing_owed))
        .row("Order", number)
        .row("Amount", amount.to_string())
        .button("See your invoices", studio.link("/account/invoices"))
        .sign(studio)
}

/// What it does to the invoice.
pub(super) const fn paper(credited: bool, nothing_owed: bool) -> &'static str {
    match (credited, nothing_owed) {
        (true, _) => "A credit note corrects the invoice.",
        (false, true) => "Nothing was owed for this order any more, so no further credit note is needed.",
        (false, false) => "It was more than the invoice asked for, so the invoice stays as it is.",
    }
}
