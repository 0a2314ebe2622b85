//! Confirms that somebody went back on the contract, as the law asks for.

use crate::domain::shared::Money;
use crate::emails::{Letter, Mail, Studio};

/// See [`super::BillingMail::Withdrawn`].
pub(super) fn render(studio: &Studio, name: Option<&str>, refund: bool, amount: Option<&Money>) -> Mail {
    let money = match (refund, amount) {
        (true, Some(amount)) => {
            format!("{amount} for days that had not begun goes back to you; a mail follows when it has left.")
        }
        (true, None) => {
            "What you paid for days that had not begun goes back to you; a mail follows when it has left."
                .into()
        }
        (false, _) => "There is nothing to pay, and nothing to give back.".into(),
    };
    Letter::new("You have withdrawn from your membership")
        .to_person(name)
        .say("We received your withdrawal from the contract. Your membership has ended. Your account stays.")
        .say(money)
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
