//! Says where to send the money for a new membership.

use super::{WithdrawalRight, with_right};
use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::TransferExpected`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    plan: &str,
    amount: &Money,
    (iban, holder, reference): (&str, &str, &str),
    right: Option<WithdrawalRight>,
) -> Mail {
    let letter = Letter::new(format!("Send {amount} to start your membership"))
        .to_person(name)
        .say(format!(
            "You joined {}: {plan}. Your access starts on the day your transfer arrives.",
            studio.name
        ))
        .row("Amount", amount.to_string())
        .row("Account", iban)
        .row("Name", holder)
        .row("Reference", reference)
        .say("Write the reference exactly as it stands here: by it we recognise your payment.");
    with_right(letter, studio, right)
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
