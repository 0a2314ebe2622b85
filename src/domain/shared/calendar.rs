//! Dates of subscriptions: periods counted from an anchor, and the instant at which a date begins.
//!
//! Periods are never chained: period *n* starts at anchor + *n* × interval, clamped to the last day
//! of the month, so that a February does not pull every later month to the 28th.

use chrono::{
    DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
    Utc,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The unit of a billing interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntervalUnit {
    /// Calendar days.
    Day,
    /// Seven days.
    Week,
    /// Calendar months.
    Month,
    /// Twelve calendar months.
    Year,
}

/// How long one billing period lasts: unit × length, such as 3 × month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawInterval")]
pub struct Interval {
    unit: IntervalUnit,
    length: u16,
}

#[derive(Deserialize)]
struct RawInterval {
    unit: IntervalUnit,
    length: u16,
}

/// What can be wrong with dates and zones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// Zero or more than ten years.
    #[error("A billing interval lasts at least one day and at most ten years.")]
    BadInterval,
    /// Not in the IANA database.
    #[error("“{0}” is not a time zone of the IANA database, such as Europe/Amsterdam.")]
    UnknownZone(String),
    /// Beyond the years a calendar date can name.
    #[error("That date is too far away.")]
    OutOfRange,
}

impl TryFrom<RawInterval> for Interval {
    type Error = CalendarError;
    fn try_from(raw: RawInterval) -> Result<Self, CalendarError> {
        Self::new(raw.unit, raw.length)
    }
}

impl Interval {
    /// `length` × `unit`.
    ///
    /// # Errors
    /// [`CalendarError::BadInterval`] for nothing or for more than ten years.
    pub fn new(unit: IntervalUnit, length: u16) -> Result<Self, CalendarError> {
        let longest = match unit {
            IntervalUnit::Day => 3660,
            IntervalUnit::Week => 522,
            IntervalUnit::Month => 120,
            IntervalUnit::Year => 10,
        };
        if (1..=longest).contains(&length) {
            Ok(Self { unit, length })
        } else {
            Err(CalendarError::BadInterval)
        }
    }

    /// One month.
    #[must_use]
    pub const fn monthly() -> Self {
        Self { unit: IntervalUnit::Month, length: 1 }
    }

    /// One year.
    #[must_use]
    pub const fn yearly() -> Self {
        Self { unit: IntervalUnit::Year, length: 1 }
    }

    /// The unit.
    #[must_use]
    pub const fn unit(self) -> IntervalUnit {
        self.unit
    }

    /// How many units.
    #[must_use]
    pub const fn length(self) -> u16 {
        self.length
    }

    /// Whether one period lasts a year or longer.
    #[must_use]
    pub const fn is_yearly(self) -> bool {
        matches!((self.unit, self.length), (IntervalUnit::Year, _) | (IntervalUnit::Month, 12..))
    }

    /// In words for a price: "month", "3 months".
    #[must_use]
    pub fn words(self) -> String {
        let unit = match self.unit {
            IntervalUnit::Day => "day",
            IntervalUnit::Week => "week",
            IntervalUnit::Month => "month",
            IntervalUnit::Year => "year",
        };
        if self.length == 1 { unit.to_owned() } else { format!("{} {unit}s", self.length) }
    }

    /// As a plan is called: "monthly", "yearly", "every 3 months".
    #[must_use]
    pub fn adjective(self) -> String {
        match (self.unit, self.length) {
            (IntervalUnit::Day, 1) => "daily".to_owned(),
            (IntervalUnit::Week, 1) => "weekly".to_owned(),
            (IntervalUnit::Month, 1) => "monthly".to_owned(),
            (IntervalUnit::Year, 1) => "yearly".to_owned(),
            _ => format!("every {}", self.words()),
        }
    }

    /// First day of period `n` when period 0 starts on `anchor`.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`] beyond the calendar.
    pub fn start_of(self, anchor: NaiveDate, n: u32) -> Result<NaiveDate, CalendarError> {
        let times = n.checked_mul(u32::from(self.length)).ok_or(CalendarError::OutOfRange)?;
        let date = match self.unit {
            IntervalUnit::Day => anchor.checked_add_days(Days::new(u64::from(times))),
            IntervalUnit::Week => anchor.checked_add_days(Days::new(u64::from(times) * 7)),
            IntervalUnit::Month => anchor.checked_add_months(Months::new(times)),
            IntervalUnit::Year => {
                times.checked_mul(12).and_then(|m| anchor.checked_add_months(Months::new(m)))
            }
        };
        date.filter(|d| d.year() < 9999).ok_or(CalendarError::OutOfRange)
    }
}

/// An IANA time zone, by name.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Tz);

impl Zone {
    /// Reads an IANA name.
    ///
    /// # Errors
    /// [`CalendarError::UnknownZone`].
    pub fn parse(name: &str) -> Result<Self, CalendarError> {
        name.trim()
            .parse()
            .map(Self)
            .map_err(|_| CalendarError::UnknownZone(name.trim().chars().take(40).collect()))
    }

    /// The zone of a seller who has set none.
    #[must_use]
    pub const fn amsterdam() -> Self {
        Self(Tz::Europe__Amsterdam)
    }

    /// Where the day of the world begins.
    #[must_use]
    pub const fn utc() -> Self {
        Self(Tz::UTC)
    }

    /// The name in the IANA database.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the clocks there show at `instant`.
    #[must_use]
    pub fn local_of(self, instant: DateTime<Utc>) -> NaiveDateTime {
        instant.with_timezone(&self.0).naive_local()
    }

    /// `instant` as people read it there: day, time and the short name of what the clocks show.
    #[must_use]
    pub fn moment_words(self, instant: DateTime<Utc>) -> String {
        instant.with_timezone(&self.0).format("%-d %b %Y, %H:%M %Z").to_string()
    }

    /// Which local date it is at `instant`.
    #[must_use]
    pub fn date_of(self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.0).date_naive()
    }

    /// The first instant of a local date. Where the clocks jump over midnight, that is the first
    /// instant that exists; where midnight comes twice, the earlier one.
    #[must_use]
    pub fn start_of_day(self, date: NaiveDate) -> DateTime<Utc> {
        self.instant_of(date.and_time(NaiveTime::MIN))
    }

    /// The instant at which the clocks there show `local`: the earlier one of two, and the first after a gap in which
    /// they never do.
    #[must_use]
    pub fn instant_of(self, local: NaiveDateTime) -> DateTime<Utc> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(at) => at.with_timezone(&Utc),
            LocalResult::Ambiguous(a, b) => a.min(b).with_timezone(&Utc),
            LocalResult::None => {
                // The wall clock runs forward over the gap, so halving finds its first instant.
                let zero = Utc.from_utc_datetime(&local);
                let (mut before, mut after) = (zero - TimeDelta::hours(26), zero + TimeDelta::hours(26));
                while after - before > TimeDelta::seconds(1) {
                    let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
                    if middle.with_timezone(&self.0).naive_local() >= local {
                        after = middle;
                    } else {
                        before = middle;
                    }
                }
                after
            }
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for Zone {
    type Error = CalendarError;
    fn try_from(name: String) -> Result<Self, CalendarError> {
        Self::parse(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

/// A half-open span of local dates: `start` belongs to it, `end` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub start: NaiveDate,
    /// First day after it.
    pub end: NaiveDate,
}

impl Period {
    /// Period `n` of `interval` from `anchor`.
    ///
    /// # Errors
    /// [`CalendarError::OutOfRange`] beyond the calendar.
    pub fn nth(anchor: NaiveDate, interval: Interval, n: u32) -> Result<Self, CalendarError> {
        let next = n.checked_add(1).ok_or(CalendarError::OutOfRange)?;
        Ok(Self { start: interval.start_of(anchor, n)?, end: interval.start_of(anchor, next)? })
    }
}

/// The years in which days that somebody types may lie.
pub const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;

/// A day as forms and addresses write it, `2026-11-21`; none if it is no such day, or beyond [`YEARS`].
#[must_use]
pub fn day_of(text: &str) -> Option<NaiveDate> {
    let day: NaiveDate = text.trim().parse().ok()?;
    YEARS.contains(&day.year()).then_some(day)
}

/// A date as every page and mail writes it: "21 Nov 2026".
#[must_use]
pub fn day_words(date: NaiveDate) -> String {
    date.format("%-d %b %Y").to_string()
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
