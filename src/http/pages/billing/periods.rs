//! Spans of days with names by which people and programs ask for reports: a year, a quarter, a month, a day.

use crate::domain::shared::calendar::{day_of, day_words};
use chrono::{Datelike as _, Months, NaiveDate};

/// A span of whole days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// `2026`, `2026-Q4`, `2026-11` or `2026-11-30`.
    pub name: String,
    /// The first day.
    pub from: NaiveDate,
    /// The first day after it.
    pub until: NaiveDate,
}

impl Named {
    fn of(name: &str, year: i32, first: u32, months: u32) -> Option<Self> {
        let from = NaiveDate::from_ymd_opt(year, first, 1).filter(|d| (2000..2200).contains(&d.year()))?;
        let until = from.checked_add_months(Months::new(months))?;
        Some(Self { name: name.to_owned(), from, until })
    }

    /// The quarter that `day` lies in.
    pub fn quarter_of(day: NaiveDate) -> Self {
        let name = format!("{}-Q{}", day.year(), day.month0() / 3 + 1);
        let whole = Self { name: name.clone(), from: day, until: day };
        Self::of(&name, day.year(), day.month0() / 3 * 3 + 1, 3).unwrap_or(whole)
    }

    /// A quarter by its name, such as `2026-Q4`.
    pub fn quarter(name: &str) -> Option<Self> {
        let (year, n) = name.split_once("-Q")?;
        let (year, n): (i32, u32) = (number(year, 4)?, u32::try_from(number(n, 1)?).ok()?);
        (1..=4).contains(&n).then_some(())?;
        Self::of(name, year, n * 3 - 2, 3)
    }

    /// Any of them by its name.
    pub fn parse(name: &str) -> Option<Self> {
        if name.contains('Q') {
            return Self::quarter(name);
        }
        match *name.split('-').collect::<Vec<_>>() {
            [year] => Self::of(name, number(year, 4)?, 1, 12),
            [year, month] => Self::of(name, number(year, 4)?, u32::try_from(number(month, 2)?).ok()?, 1),
            [_, _, _] => {
                let from = day_of(name).filter(|d| d.year() >= 2000)?;
                Some(Self { name: name.to_owned(), from, until: from.succ_opt()? })
            }
            _ => None,
        }
    }

    /// What it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self.name.len() {
            4 => "year",
            7 if self.name.contains('Q') => "quarter",
            7 => "month",
            _ => "day",
        }
    }

    /// As people read it: "November 2026" for a month.
    pub fn words(&self) -> String {
        match self.kind() {
            "month" => self.from.format("%B %Y").to_string(),
            "day" => day_words(self.from),
            _ => self.name.clone(),
        }
    }

    /// Those that people choose from on `today`: the months of two years, the quarters of three, three years.
    pub fn choices(today: NaiveDate) -> Vec<(String, String)> {
        let this = today.with_day(1).unwrap_or(today);
        let back = |months: u32| this.checked_sub_months(Months::new(months)).unwrap_or(this);
        let months = (0..24).map(|n| {
            let day = back(n);
            (day.format("%Y-%m").to_string(), day.format("%B %Y").to_string())
        });
        let same = |name: String| (name.clone(), name);
        let quarters = (0..12).map(|n| same(Self::quarter_of(back(3 * n)).name));
        let years = (0..3).map(|n| same(back(12 * n).year().to_string()));
        quarters.chain(months).chain(years).collect()
    }
}

/// `text` as a number of just so many digits.
fn number(text: &str, digits: usize) -> Option<i32> {
    let fits = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_quarters_months_and_days_are_read_and_nothing_else() {
        let of = |name: &str| Named::parse(name).map(|n| format!("{} {} {}", n.kind(), n.from, n.until));
        let said = |words: &str| Some(words.to_owned());
        assert_eq!(of("2026"), said("year 2026-01-01 2027-01-01"));
        assert_eq!(of("2026-Q4"), said("quarter 2026-10-01 2027-01-01"));
        assert_eq!(of("2026-02"), said("month 2026-02-01 2026-03-01"));
        assert_eq!(of("2026-12-31"), said("day 2026-12-31 2027-01-01"));
        for nonsense in [
            "",
            "Q1",
            "2026-Q5",
            "2026-Q0",
            "2026-Q1x",
            "99999-Q1",
            "1999-Q4",
            "2026-13",
            "2026-00",
            "2026-2",
            "2026-02-30",
            "+026",
            "2026-02-03-04",
            "1999",
        ] {
            assert_eq!(of(nonsense), None, "{nonsense}");
        }
        let today = NaiveDate::from_ymd_opt(2026, 11, 28).expect("a day");
        assert_eq!(Named::quarter_of(today).name, "2026-Q4");
        let words = |name: &str| Named::parse(name).expect("a span").words();
        assert_eq!(
            ["2026", "2026-Q4", "2026-11", "2026-11-05"].map(words),
            ["2026", "2026-Q4", "November 2026", "5 Nov 2026"]
        );
        assert!(Named::choices(today).iter().all(|(name, _)| Named::parse(name).is_some()));
    }
}
