//! That the next payment is due on another day, in words for the timeline of a subscription.

use super::subscription_words::{Weight, Words, moment, words};
use crate::domain::shared::calendar::day_words;
use chrono::{DateTime, NaiveDate, Utc};

type Days = (NaiveDate, NaiveDate);

fn count(days: u16) -> String {
    if days == 1 { "1 day".into() } else { format!("{days} days") }
}

fn instead(from: NaiveDate, until: DateTime<Utc>) -> String {
    let (day, until) = (day_words(from), moment(until));
    format!("It would have been due on {day}; the new day is the anchor. Access until {until}.")
}

pub(super) fn later(days: u16, (from, to): Days, until: DateTime<Utc>, by_staff: bool) -> Words {
    let who = if by_staff { "Staff gave " } else { "Given: " };
    let what = format!("{who}{}: the next payment is due on {}.", count(days), day_words(to));
    words(Weight::Good, what, instead(from, until))
}

pub(super) fn earlier(days: u16, (from, to): Days, until: DateTime<Utc>) -> Words {
    let what = format!(
        "Staff took back {} that staff had given: the next payment is due on {}.",
        count(days),
        day_words(to)
    );
    words(Weight::Watch, what, format!("{} No day that was paid for is taken.", instead(from, until)))
}
