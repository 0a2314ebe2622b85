//! Says that a transfer was short, and what is missing.

use super::transfer_expected::with_account;
use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::TransferShort`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    received: &Money,
    rest: &Money,
    to: (&str, &str, &str),
) -> Mail {
    let letter = Letter::new(format!("{rest} of your payment are missing"))
        .to_person(name)
        .say(format!("Your transfer of {received} arrived. It is less than the order asks for, so the order stays open."))
        .row("Missing", rest.to_string());
    with_account(letter, to)
        .say("Send the rest with the same reference, and the order is paid.")
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
