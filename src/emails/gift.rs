//! What buyers and recipients of gifts are told.

use super::{Letter, Mail, Studio};
use crate::domain::shared::Money;
use crate::domain::shared::calendar::day_words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What becomes of a gift, as its buyer and who redeemed it are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum GiftMail {
    /// The buyer pays by transfer.
    ToPay {
        /// What is given.
        what: String,
        /// How much.
        amount: Money,
        /// Where to.
        iban: String,
        /// Whose account that is.
        holder: String,
        /// With which reference.
        reference: String,
        /// The last day on which the buyer can go back on it; none: there is no such right.
        #[serde(default)]
        returnable_until: Option<NaiveDate>,
    },
    /// The charge failed: another card is asked for.
    PaymentFailed {
        /// What is given.
        what: String,
    },
    /// Somebody redeemed it: to its buyer.
    Redeemed {
        /// What was given.
        what: String,
        /// When.
        on: NaiveDate,
    },
    /// Its time was given: to who redeemed it.
    Given {
        /// What was given.
        what: String,
        /// A subscription runs longer by it; else there is access for that time.
        extended: bool,
        /// The day on which it is over, or the next payment is due, where that is known.
        #[serde(default)]
        until: Option<NaiveDate>,
    },
    /// It was taken back: to its buyer.
    TakenBack {
        /// What was given.
        what: String,
        /// The price goes back.
        paid: bool,
        /// Its buyer went back on the contract.
        #[serde(default)]
        by_right: bool,
    },
}

impl GiftMail {
    /// Writes the mail.
    pub(super) fn render(&self, studio: &Studio, name: Option<&str>) -> Mail {
        match self {
            Self::ToPay { what, amount, iban, holder, reference, returnable_until } => {
                let letter = Letter::new(format!("Please pay {amount} for your gift"))
                    .to_person(name)
                    .say(format!("You want to give {what} at {}. The code is sent as soon as the transfer has come.", studio.name))
                    .row("Amount", amount.to_string())
                    .row("Account", iban)
                    .row("Holder", holder)
                    .row("Reference", reference);
                returnable(letter, *returnable_until)
                    .button("Your gifts", studio.link("/account/gifts"))
                    .sign(studio)
            }
            Self::PaymentFailed { what } => Letter::new("Your gift is not paid yet")
                .to_person(name)
                .say(format!("The card for {what} was declined, and nothing was charged. The code is sent when it is paid: try another card."))
                .button("Your gifts", studio.link("/account/gifts"))
                .sign(studio),
            Self::Redeemed { what, on } => Letter::new("Your gift was redeemed")
                .to_person(name)
                .say(format!("Somebody entered the code of your gift ({what}) on {}. It counts no more.", day_words(*on)))
                .button("Your gifts", studio.link("/account/gifts"))
                .sign(studio),
            Self::Given { what, extended, until } => {
                let letter = Letter::new("Your gift has begun").to_person(name).say(if *extended {
                    format!("Your membership runs longer by your gift: {what}. Your next payment moves by as much.")
                } else {
                    format!("You can watch and download everything for the time of your gift: {what}. Nothing renews, and nothing is charged to you.")
                });
                let letter = match until {
                    Some(day) => letter.row(if *extended { "Next payment" } else { "Until" }, day_words(*day)),
                    None => letter,
                };
                let letter = match extended {
                    true => letter.button("See your subscription", studio.link("/account/subscription")),
                    false => letter.button("Your gifts", studio.link("/account/gifts")),
                };
                letter.sign(studio)
            }
            Self::TakenBack { what, paid, by_right } => Letter::new(match by_right {
                true => "You have withdrawn from your gift",
                false => "Your gift was taken back",
            })
                .to_person(name)
                .say(match by_right {
                    true => format!("We have your withdrawal from the gift of {what}: its code counts no more."),
                    false => format!("The gift of {what} was taken back: its code counts no more."),
                })
                .say(if *paid {
                    "What you paid goes back the way it came; a credit note corrects the invoice."
                } else {
                    "You need not pay it."
                })
                .button("Your gifts", studio.link("/account/gifts"))
                .sign(studio),
        }
    }
}

/// Until when it can be redeemed, if there is an end.
fn end(letter: Letter, last_day: Option<NaiveDate>) -> Letter {
    match last_day {
        Some(day) => letter.row("Until", day_words(day)),
        None => letter,
    }
}

/// Until when its buyer can go back on it, where there is that right.
fn returnable(letter: Letter, until: Option<NaiveDate>) -> Letter {
    match until {
        Some(day) => letter.say(format!(
            "Until {} you can go back on it, without a reason, as long as nobody has redeemed it: your gifts have the way.",
            day_words(day)
        )),
        None => letter,
    }
}

/// Gives the code to somebody who may have no account here: `giver` is the buyer's name.
pub(super) fn code(
    studio: &Studio,
    giver: Option<&str>,
    what: &str,
    last_day: Option<NaiveDate>,
    code: &str,
) -> Mail {
    let giver = giver.map(str::trim).filter(|g| !g.is_empty()).unwrap_or("Somebody");
    let letter = Letter::new(format!("A gift for you at {}", studio.name))
        .say(format!(
            "{giver} gives you time at {}: {what}. You can watch and download everything we publish.",
            studio.name
        ))
        .row("Code", code);
    end(letter, last_day)
        .say("Make an account or sign in, then enter the code. Nothing renews, and nothing is charged to you. Whoever has the code can use it, once.")
        .button("Redeem the gift", studio.link("/redeem"))
        .sign(studio)
}

/// Tells the buyer that it is paid; with the code, unless it went to somebody else.
pub(super) fn bought(
    studio: &Studio,
    name: Option<&str>,
    what: &str,
    (last_day, returnable_until): (Option<NaiveDate>, Option<NaiveDate>),
    code: Option<&str>,
) -> Mail {
    let letter = Letter::new("Your gift is paid").to_person(name);
    let letter = match code {
        Some(code) => letter
            .say(format!("Thank you. Pass this code on to whoever is to have {what} at {}.", studio.name))
            .row("Code", code),
        None => letter
            .say(format!("Thank you. The code for {what} is on its way to the address that you gave us.")),
    };
    let letter = end(letter, last_day)
        .say("Whoever has the code can use it, once. Your gifts show when it was redeemed.");
    returnable(letter, returnable_until).button("Your gifts", studio.link("/account/gifts")).sign(studio)
}
