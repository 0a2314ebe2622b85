//! What buyers and recipients of gifts are told.

use super::{Letter, Mail, Studio};
use crate::domain::shared::calendar::day_words;
use chrono::NaiveDate;

/// Until when it can be redeemed, if there is an end.
fn end(letter: Letter, last_day: Option<NaiveDate>) -> Letter {
    match last_day {
        Some(day) => letter.row("Until", day_words(day)),
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
    last_day: Option<NaiveDate>,
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
    end(letter, last_day)
        .say("Whoever has the code can use it, once. Your gifts show when it was redeemed.")
        .button("Your gifts", studio.link("/account/gifts"))
        .sign(studio)
}
