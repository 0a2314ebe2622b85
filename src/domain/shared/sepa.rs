//! What banks ask of direct debits: identifiers of creditors with check digits, and days on which they
//! settle payments in euro (the calendar of T2): not on Saturdays and Sundays, New Year's
//! Day, Good Friday, Easter Monday, 1 May, 25 and 26 December.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// Which of the collections by a mandate one is, as the bank asks to be told.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Sequence {
    /// The first one.
    Frst,
    /// One that follows.
    Rcur,
}

/// Easter Sunday of a year (the algorithm of Meeus, Jones and Butcher).
fn easter(year: i32) -> Option<NaiveDate> {
    let a = year.rem_euclid(19);
    let (b, c) = (year.div_euclid(100), year.rem_euclid(100));
    let (d, e) = (b.div_euclid(4), b.rem_euclid(4));
    let g = (8 * b + 13).div_euclid(25);
    let h = (19 * a + b - d - g + 15).rem_euclid(30);
    let (i, k) = (c.div_euclid(4), c.rem_euclid(4));
    let l = (32 + 2 * e + 2 * i - h - k).rem_euclid(7);
    let m = (a + 11 * h + 22 * l).div_euclid(451);
    let whole = h + l - 7 * m + 114;
    let (month, day) = (u32::try_from(whole.div_euclid(31)).ok()?, u32::try_from(whole.rem_euclid(31)).ok()?);
    NaiveDate::from_ymd_opt(year, month, day + 1)
}

/// Whether banks settle on `day`.
#[must_use]
pub fn is_bank_day(day: NaiveDate) -> bool {
    let fixed = matches!((day.month(), day.day()), (1 | 5, 1) | (12, 25 | 26));
    let moving = easter(day.year()).is_some_and(|sunday| {
        let from = (day - sunday).num_days();
        from == -2 || from == 1
    });
    !(matches!(day.weekday(), Weekday::Sat | Weekday::Sun) || fixed || moving)
}

/// The first bank day that is not before `day`.
#[must_use]
pub fn bank_day_from(day: NaiveDate) -> NaiveDate {
    (0..30).filter_map(|n| day.checked_add_days(Days::new(n))).find(|d| is_bank_day(*d)).unwrap_or(day)
}

/// Whether a creditor identifier (EPC 262-08) has correct check digits; what stands between them and the
/// national part, the creditor's own business code, is not checked.
#[must_use]
pub fn is_creditor_identifier(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if !plain || !(8..=35).contains(&text.len()) || !text.bytes().take(2).all(|b| b.is_ascii_uppercase()) {
        return false;
    }
    remainder(text.chars().skip(7).chain(text.chars().take(4))) == 1
}

/// Whether a text is an account number (ISO 13616) with correct check digits; spaces and small letters are allowed.
#[must_use]
pub fn is_iban(text: &str) -> bool {
    let plain = || text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase());
    (15..=34).contains(&plain().count())
        && plain().all(|c| c.is_ascii_alphanumeric())
        && plain().take(2).all(|c| c.is_ascii_alphabetic())
        && plain().skip(2).take(2).all(|c| c.is_ascii_digit())
        && remainder(plain().skip(4).chain(plain().take(4))) == 1
}

/// The number behind letters and digits, modulo 97 (ISO 7064).
fn remainder(text: impl Iterator<Item = char>) -> u32 {
    text.fold(0, |acc, c| {
        let value = c.to_digit(36).unwrap_or(0);
        (if value > 9 { acc * 100 } else { acc * 10 } + value) % 97
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_falls_where_it_does() {
        for (year, sunday) in
            [(2024, "2024-03-31"), (2026, "2026-04-05"), (2027, "2027-03-28"), (2038, "2038-04-25")]
        {
            assert_eq!(easter(year), Some(day(sunday)));
        }
    }

    #[test]
    fn weekends_and_closing_days_are_passed_over() {
        let moved = |text: &str| bank_day_from(day(text)).to_string();
        assert_eq!(moved("2026-11-30"), "2026-11-30");
        assert_eq!(moved("2026-11-28"), "2026-11-30", "a Saturday");
        assert_eq!(moved("2026-12-25"), "2026-12-28", "Christmas, Boxing Day and a Sunday");
        assert_eq!(moved("2027-01-01"), "2027-01-04");
        assert_eq!(moved("2026-04-03"), "2026-04-07", "Good Friday to Easter Monday");
        assert_eq!(moved("2026-05-01"), "2026-05-04");
        assert!(is_bank_day(day("2026-12-24")));
    }

    #[test]
    fn creditor_identifiers_have_check_digits() {
        for good in ["DE98ZZZ09999999999", "NL64ZZZ012345678900", "NL64ABC012345678900"] {
            assert!(is_creditor_identifier(good), "{good}");
        }
        for bad in [
            "",
            "DE99ZZZ09999999999",
            "DE98ZZZ0999999999",
            "de98ZZZ09999999999",
            "98DEZZZ09999999999",
            "DE98ZZÜ09999999999",
        ] {
            assert!(!is_creditor_identifier(bad), "{bad}");
        }
    }
}
