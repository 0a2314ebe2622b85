//! What a mail that begins a contract says of going back on it, on paper that lasts.

use crate::domain::shared::calendar::day_words;
use crate::emails::{Letter, Studio};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What the buyer was told about going back on the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawalRight {
    /// It is there.
    Until(NaiveDate),
    /// It was given up with the order of that day.
    WaivedOn(NaiveDate),
}

pub(super) fn with_right(letter: Letter, studio: &Studio, right: Option<WithdrawalRight>) -> Letter {
    match right {
        None => letter,
        Some(WithdrawalRight::Until(day)) => letter.say(format!(
            "As a consumer you can withdraw from this contract until {}, without a reason, and pay only for the days that have begun: {}",
            day_words(day),
            studio.link("/account/subscription/withdraw")
        )),
        Some(WithdrawalRight::WaivedOn(day)) => letter.say(format!(
            "When you ordered on {} you asked for access at once, and confirmed that you know that your right of withdrawal ends when it begins. You can cancel at any time.",
            day_words(day)
        )),
    }
}
