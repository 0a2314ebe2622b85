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
    to: (&str, &str, &str),
    right: Option<WithdrawalRight>,
    by_studio: bool,
) -> Mail {
    let begun = if by_studio {
        format!("We set up a membership at {} for you: {plan}.", studio.name)
    } else {
        format!("You joined {}: {plan}.", studio.name)
    };
    let letter = Letter::new(format!("Send {amount} to start your membership"))
        .to_person(name)
        .say(format!("{begun} Your access starts on the day your transfer arrives."))
        .row("Amount", amount.to_string());
    let letter = with_account(letter, to)
        .say("Write the reference exactly as it stands here: by it we recognise your payment.");
    with_right(letter, studio, right)
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}

/// Where a transfer goes: account, whose it is (mails that waited before it was said do not know), and reference.
pub(super) fn with_account(letter: Letter, (iban, holder, reference): (&str, &str, &str)) -> Letter {
    let letter = letter.row("Account", iban);
    let letter = if holder.is_empty() { letter } else { letter.row("Name", holder) };
    letter.row("Reference", reference)
}
