//! Confirms that somebody went back on the contract, as the law asks for: with its time, on paper that lasts.

use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Mail, Studio};
use chrono::{DateTime, NaiveDate, Utc};

const DISPUTED: &str = "Your bank was asked to take your payment back and has not decided. What is left of it then, for days that had not begun, goes back to you; a mail follows when it has left.";

/// See [`super::BillingMail::Withdrawn`].
pub(super) fn render(
    studio: &Studio,
    name: Option<&str>,
    money: (bool, Option<Money>),
    at: Option<DateTime<Utc>>,
    (plan, joined_on): (&str, Option<NaiveDate>),
    (waits, disputed): (bool, bool),
) -> Mail {
    let money = match money {
        (_, None) if disputed => DISPUTED.into(),
        _ if waits => {
            "A payment is still being processed. Your membership ends as soon as its result is known, and what was taken for days after your withdrawal goes back to you. Another mail says so; you need not do anything."
                .into()
        }
        (true, Some(amount)) => {
            format!("{amount} for days that had not begun goes back to you; a mail follows when it has left.")
        }
        (true, None) => {
            "What you paid for days that had not begun goes back to you; a mail follows when it has left."
                .into()
        }
        (false, _) => "There is nothing to pay, and nothing to give back.".into(),
    };
    let mut letter = Letter::new("You have withdrawn from your membership").to_person(name).say(if waits {
        "We received your withdrawal from the contract. It counts from the time below."
    } else {
        "We received your withdrawal from the contract. Your membership has ended. Your account stays."
    });
    if let Some(at) = at {
        letter = letter.row("Received", studio.zone.moment_words(at));
    }
    if !plan.is_empty() {
        letter = letter.row("Contract", plan);
    }
    if let Some(day) = joined_on {
        letter = letter.row("Joined", day_words(day));
    }
    letter.say(money).button("See your subscription", studio.link("/account/subscription")).sign(studio)
}

/// See [`super::BillingMail::WithdrawalSettled`].
pub(super) fn settled(
    studio: &Studio,
    name: Option<&str>,
    at: DateTime<Utc>,
    (amount, disputed): (Option<Money>, bool),
) -> Mail {
    let money = match amount {
        None if disputed => format!("The result of the payment is known, and your membership has ended. {DISPUTED}"),
        Some(amount) => format!(
            "The result of the payment is known, and your membership has ended. {amount} for days after your withdrawal goes back to you; a mail follows when it has left."
        ),
        None => {
            "The result of the payment is known, and your membership has ended. There is nothing to pay, and nothing to give back.".into()
        }
    };
    Letter::new("Your membership has ended, as you withdrew")
        .to_person(name)
        .say(money)
        .row("Withdrawal received", studio.zone.moment_words(at))
        .button("See your subscription", studio.link("/account/subscription"))
        .sign(studio)
}
