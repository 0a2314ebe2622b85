//! Says that access has ended until the open order is paid.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::domain::subscription::HoldCause;
use crate::emails::{Letter, Mail, Studio};
use chrono::NaiveDate;

/// See [`super::BillingMail::OnHold`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    amount: &Money,
    cause: &HoldCause,
    expires_on: &NaiveDate,
) -> Mail {
    Letter::new("Your membership is on hold")
        .to_person(name)
        .say(match cause {
            HoldCause::DeclinedTooOften => "We tried to charge your card several times, and every attempt was declined. Access is paused until the open order is paid.",
            HoldCause::HardDecline => "Your card can no longer be charged. Access is paused until the open order is paid with another card.",
            HoldCause::DebitReturned => "Your bank gave back what we had collected by direct debit. Access is paused until the open order is paid by transfer or with a card.",
            HoldCause::TrialEnded => "Your trial is over, and there is no card to charge. Add one and pay the open order to go on watching.",
            HoldCause::NotPaidInTime => "The order for the next period was not paid by its date. Access is paused until it is paid.",
        })
        .row("Open", amount.to_string())
        .say(format!("When you pay, a new period starts on that day. If nothing happens the membership expires on {}.", day_words(*expires_on)))
        .button("Pay the open order", studio.link("/account/subscription"))
        .sign(studio)
}
