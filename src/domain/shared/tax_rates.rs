//! Which standard rate of value added tax applied in a country on a day: the rates the program brings along,
//! and over them what staff entered.

use super::tax::Country;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The highest rate that can be entered, in hundredths of a percent; the highest in the union is 2700.
pub const HIGHEST_RATE: u32 = 5_000;

/// A standard rate: in force in `country` from `from` on, in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Code of two letters.
    pub country: &'static str,
    /// First day on which it applies.
    pub from: (i32, u32, u32),
    /// 2100 is 21 %.
    pub basis_points: u32,
}

const fn rate(country: &'static str, from: (i32, u32, u32), basis_points: u32) -> Rate {
    Rate { country, from, basis_points }
}

/// Standard rates of the European Union, dated: the last one not after the day of supply counts.
pub const EU_RATES: &[Rate] = &[
    rate("AT", (1984, 1, 1), 2000),
    rate("BE", (1996, 1, 1), 2100),
    rate("BG", (1999, 1, 1), 2000),
    rate("CY", (2014, 1, 13), 1900),
    rate("CZ", (2013, 1, 1), 2100),
    rate("DE", (2007, 1, 1), 1900),
    rate("DE", (2020, 7, 1), 1600),
    rate("DE", (2021, 1, 1), 1900),
    rate("DK", (1992, 1, 1), 2500),
    rate("EE", (2009, 7, 1), 2000),
    rate("EE", (2024, 1, 1), 2200),
    rate("EE", (2025, 7, 1), 2400),
    rate("ES", (2012, 9, 1), 2100),
    rate("FI", (2013, 1, 1), 2400),
    rate("FI", (2024, 9, 1), 2550),
    rate("FR", (2014, 1, 1), 2000),
    rate("GR", (2016, 6, 1), 2400),
    rate("HR", (2012, 3, 1), 2500),
    rate("HU", (2012, 1, 1), 2700),
    rate("IE", (2012, 1, 1), 2300),
    rate("IE", (2020, 9, 1), 2100),
    rate("IE", (2021, 3, 1), 2300),
    rate("IT", (2013, 10, 1), 2200),
    rate("LT", (2009, 9, 1), 2100),
    rate("LU", (2015, 1, 1), 1700),
    rate("LU", (2023, 1, 1), 1600),
    rate("LU", (2024, 1, 1), 1700),
    rate("LV", (2012, 7, 1), 2100),
    rate("MT", (2004, 1, 1), 1800),
    rate("NL", (2012, 10, 1), 2100),
    rate("PL", (2011, 1, 1), 2300),
    rate("PT", (2011, 1, 1), 2300),
    rate("RO", (2017, 1, 1), 1900),
    rate("RO", (2025, 8, 1), 2100),
    rate("SE", (1990, 7, 1), 2500),
    rate("SI", (2013, 7, 1), 2200),
    rate("SK", (2011, 1, 1), 2000),
    rate("SK", (2025, 1, 1), 2300),
];

/// A rate and its first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedRate {
    /// First day on which it applies.
    pub from: NaiveDate,
    /// In hundredths of a percent.
    pub basis_points: u32,
    /// Entered by staff; else the program brought it along.
    pub entered: bool,
}

/// All rates of all countries: by default those of [`EU_RATES`]. What staff entered for a day counts before
/// what the program says of that day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateTable {
    entered: BTreeMap<Country, BTreeMap<NaiveDate, Option<u32>>>,
}

impl RateTable {
    /// The rate in force in `country` on a day, in hundredths of a percent, and since when; none where no
    /// tax is charged.
    #[must_use]
    pub fn rate(&self, country: Country, on: NaiveDate) -> Option<(u32, NaiveDate)> {
        self.history(country)
            .into_iter()
            .rev()
            .find(|rate| rate.from <= on)
            .map(|rate| (rate.basis_points, rate.from))
    }

    /// The rates of a country, the oldest first.
    #[must_use]
    pub fn history(&self, country: Country) -> Vec<DatedRate> {
        let brought = EU_RATES.iter().filter(|r| r.country == country.code()).filter_map(|r| {
            let from = NaiveDate::from_ymd_opt(r.from.0, r.from.1, r.from.2)?;
            Some((from, DatedRate { from, basis_points: r.basis_points, entered: false }))
        });
        let mut all: BTreeMap<NaiveDate, DatedRate> = brought.collect();
        for (from, entered) in self.entered.get(&country).into_iter().flatten() {
            match entered {
                Some(basis_points) => {
                    all.insert(*from, DatedRate { from: *from, basis_points: *basis_points, entered: true });
                }
                None => {
                    all.remove(from);
                }
            }
        }
        all.into_values().collect()
    }

    /// The rate that begins on exactly that day.
    #[must_use]
    pub fn beginning(&self, country: Country, from: NaiveDate) -> Option<u32> {
        self.history(country).iter().find(|rate| rate.from == from).map(|rate| rate.basis_points)
    }

    /// The first change after a day.
    #[must_use]
    pub fn next_change(&self, country: Country, after: NaiveDate) -> Option<DatedRate> {
        self.history(country).into_iter().find(|rate| rate.from > after)
    }

    /// The countries that have a rate, by code.
    #[must_use]
    pub fn countries(&self) -> Vec<Country> {
        let brought = EU_RATES.iter().filter_map(|r| Country::parse(r.country).ok());
        let mut all: Vec<Country> = brought.chain(self.entered.keys().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|country| !self.history(*country).is_empty());
        all
    }

    /// Lays a rate over what was there for that day; none: no rate begins on it.
    pub fn set(&mut self, country: Country, from: NaiveDate, basis_points: Option<u32>) {
        self.entered.entry(country).or_default().insert(from, basis_points);
    }

    /// The same with another rate for one day.
    #[must_use]
    pub fn with(mut self, country: Country, from: NaiveDate, basis_points: Option<u32>) -> Self {
        self.set(country, from, basis_points);
        self
    }
}

/// A rate in words: "21 %", "25.5 %".
#[must_use]
pub fn percent(basis_points: u32) -> String {
    let (whole, rest) = (basis_points / 100, basis_points % 100);
    match rest {
        0 => format!("{whole}\u{a0}%"),
        r if r % 10 == 0 => format!("{whole}.{}\u{a0}%", r / 10),
        r => format!("{whole}.{r:02}\u{a0}%"),
    }
}

/// Reads a rate as people write it: "21", "21 %", "25.5 %"; in hundredths of a percent.
#[must_use]
pub fn parse_percent(text: &str) -> Option<u32> {
    let text = text.trim().trim_end_matches('%').trim();
    let (whole, rest) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > 2 || whole.len() > 3 {
        return None;
    }
    let hundredths: u32 = format!("{rest:0<2}").parse().ok()?;
    Some(whole.parse::<u32>().ok()? * 100 + hundredths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Country {
        Country::parse(code).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn what_staff_enter_counts_from_its_day_on_and_not_before() {
        let table = RateTable::default().with(country("NL"), day("2027-01-01"), Some(2300));
        assert_eq!(table.rate(country("NL"), day("2026-12-31")), Some((2100, day("2012-10-01"))));
        assert_eq!(table.rate(country("NL"), day("2027-01-01")), Some((2300, day("2027-01-01"))));
        assert_eq!(table.next_change(country("NL"), day("2026-12-31")).map(|r| r.basis_points), Some(2300));
        assert_eq!(table.next_change(country("NL"), day("2027-01-01")), None);
        assert_eq!(table.rate(country("DE"), day("2027-01-01")), Some((1900, day("2021-01-01"))));
        let back = table.with(country("NL"), day("2027-01-01"), None);
        assert_eq!(back.rate(country("NL"), day("2030-01-01")), Some((2100, day("2012-10-01"))));
    }

    #[test]
    fn a_country_without_a_rate_can_be_given_one() {
        let table = RateTable::default().with(country("UA"), day("2030-01-01"), Some(2000));
        assert_eq!(table.rate(country("UA"), day("2029-12-31")), None);
        assert_eq!(table.rate(country("UA"), day("2030-01-01")).map(|r| r.0), Some(2000));
        assert!(table.countries().contains(&country("UA")) && table.countries().len() == 28);
        assert!(!RateTable::default().countries().contains(&country("UA")));
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!((parse_percent("21"), parse_percent("21 %")), (Some(2100), Some(2100)));
        assert_eq!((parse_percent("25.5%"), parse_percent("25,55")), (Some(2550), Some(2555)));
        for wrong in ["", "%", "-1", "2.555", "a", "1.", "1000.1.1", "+3"] {
            assert_eq!(parse_percent(wrong), None, "{wrong}");
        }
    }
}
