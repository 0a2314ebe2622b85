//! Weeks of the calendar (ISO 8601): from Monday to Sunday, of the year in which the Thursday lies.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A week, written `2026-W48`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Week {
    monday: NaiveDate,
}

/// Why a text is no week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Enter a week as year and number, such as 2026-W48.")]
pub struct NotAWeek;

impl Week {
    /// The week in which a day lies.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        let back = Days::new(u64::from(day.weekday().num_days_from_monday()));
        Self { monday: day.checked_sub_days(back).unwrap_or(day) }
    }

    /// Its first day.
    #[must_use]
    pub fn monday(self) -> NaiveDate {
        self.monday
    }

    /// Its last day.
    #[must_use]
    pub fn sunday(self) -> NaiveDate {
        self.monday.checked_add_days(Days::new(6)).unwrap_or(self.monday)
    }

    /// Its number in its year, from 1 to 53.
    #[must_use]
    pub fn number(self) -> u32 {
        self.monday.iso_week().week()
    }

    /// The year it is counted to.
    #[must_use]
    pub fn year(self) -> i32 {
        self.monday.iso_week().year()
    }

    /// The month it is counted to, written `2026-11`: the one in which its Thursday lies.
    #[must_use]
    pub fn month(self) -> String {
        self.monday.checked_add_days(Days::new(3)).unwrap_or(self.monday).format("%Y-%m").to_string()
    }

    /// The week before.
    #[must_use]
    pub fn before(self) -> Self {
        Self { monday: self.monday.checked_sub_days(Days::new(7)).unwrap_or(self.monday) }
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.monday.iso_week();
        write!(f, "{}-W{:02}", week.year(), week.week())
    }
}

impl FromStr for Week {
    type Err = NotAWeek;
    fn from_str(text: &str) -> Result<Self, NotAWeek> {
        let (year, week) =
            text.split_once("-W").filter(|(y, w)| y.len() == 4 && w.len() == 2).ok_or(NotAWeek)?;
        let number = |digits: &str| {
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten().ok_or(NotAWeek)
        };
        let (year, week): (u32, u32) = (number(year)?, number(week)?);
        let monday =
            NaiveDate::from_isoywd_opt(i32::try_from(year).map_err(|_| NotAWeek)?, week, Weekday::Mon);
        monday.filter(|d| d.year() >= 1900).map(|monday| Self { monday }).ok_or(NotAWeek)
    }
}

impl TryFrom<String> for Week {
    type Error = NotAWeek;
    fn try_from(text: String) -> Result<Self, NotAWeek> {
        text.parse()
    }
}

impl From<Week> for String {
    fn from(week: Week) -> Self {
        week.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_read_as_they_are_written() {
        let week: Week = "2026-W48".parse().unwrap();
        assert_eq!(
            (week.monday().to_string(), week.sunday().to_string()),
            ("2026-11-23".into(), "2026-11-29".into())
        );
        assert_eq!(
            (week.number(), week.month().as_str(), week.before().to_string().as_str()),
            (48, "2026-11", "2026-W47")
        );
        assert_eq!(Week::of(week.sunday()), week);
        // The last days of a year may be of the next one's first week, and the first of the last one's.
        assert_eq!("2020-W53".parse::<Week>().unwrap().month(), "2020-12");
        assert_eq!(Week::of(NaiveDate::from_ymd_opt(2024, 12, 31).unwrap()).to_string(), "2025-W01");
        for wrong in ["2026-W54", "2025-W53", "2026-48", "2026-W1", "+026-W01", "2026-w48", "", "0001-W01"] {
            assert_eq!(wrong.parse::<Week>(), Err(NotAWeek), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_day_lies_in_its_week(days in 0i32..80_000) {
            let day = NaiveDate::from_num_days_from_ce_opt(700_000 + days).unwrap();
            let week = Week::of(day);
            proptest::prop_assert!(week.monday() <= day && day <= week.sunday());
            proptest::prop_assert_eq!(week.to_string().parse::<Week>(), Ok(week));
        }
    }
}
