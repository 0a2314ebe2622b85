//! When a job is due.

use crate::domain::shared::derive_id;
use chrono::{DateTime, TimeDelta, Utc};

/// A job's rhythm: slots at whole multiples of `every` since Monday 1970-01-05 00:00 UTC (so that
/// weekly slots fall on Mondays), each started up to `delay` later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between slots.
    pub every: TimeDelta,
    /// Longest delay after the slot; spreads the load of many instances.
    pub delay: TimeDelta,
}

const FIRST_MONDAY: i64 = 4 * 86_400;

impl Schedule {
    /// Every `minutes`, started at once.
    #[must_use]
    pub const fn minutes(minutes: i64) -> Self {
        Self { every: TimeDelta::minutes(minutes), delay: TimeDelta::zero() }
    }

    /// Every hour, at most `delay_seconds` late.
    #[must_use]
    pub const fn hourly(delay_seconds: i64) -> Self {
        Self { every: TimeDelta::hours(1), delay: TimeDelta::seconds(delay_seconds) }
    }

    /// Every day, at most `delay_hours` late.
    #[must_use]
    pub const fn daily(delay_hours: i64) -> Self {
        Self { every: TimeDelta::days(1), delay: TimeDelta::hours(delay_hours) }
    }

    /// Every week on Monday.
    #[must_use]
    pub const fn weekly(delay_hours: i64) -> Self {
        Self { every: TimeDelta::weeks(1), delay: TimeDelta::hours(delay_hours) }
    }

    /// The latest slot at or before `now`.
    #[must_use]
    pub fn slot(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let every = self.every.num_seconds().max(1);
        let since = now.timestamp() - FIRST_MONDAY;
        DateTime::from_timestamp(since.div_euclid(every) * every + FIRST_MONDAY, 0).unwrap_or(now)
    }

    /// The latest slot of `job` whose delay has passed at `now`. The delay follows from job and
    /// slot, so all schedulers of an instance agree.
    #[must_use]
    pub fn due_slot(&self, job: &str, now: DateTime<Utc>) -> DateTime<Utc> {
        let slot = self.slot(now);
        let longest = self.delay.num_seconds();
        if longest == 0 {
            return slot;
        }
        let digits = derive_id(job, &slot.to_rfc3339()).as_u128() % (longest as u128 + 1);
        let delay = TimeDelta::seconds(i64::try_from(digits).unwrap_or(0));
        if now >= slot + delay { slot } else { slot - self.every }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("time")
    }

    #[test]
    fn slots_lie_on_whole_hours_days_and_mondays() {
        let now = at("2026-11-21T18:45:10Z");
        assert_eq!(Schedule::hourly(180).slot(now), at("2026-11-21T18:00:00Z"));
        assert_eq!(Schedule::daily(3).slot(now), at("2026-11-21T00:00:00Z"));
        assert_eq!(Schedule::weekly(0).slot(now), at("2026-11-16T00:00:00Z"));
        assert_eq!(Schedule::minutes(1).slot(now), at("2026-11-21T18:45:00Z"));
    }

    #[test]
    fn a_slot_is_due_after_its_delay() {
        let hourly = Schedule::hourly(180);
        assert_eq!(hourly.due_slot("clock-tick", at("2026-11-21T18:03:01Z")), at("2026-11-21T18:00:00Z"));
        let early = hourly.due_slot("clock-tick", at("2026-11-21T18:00:00Z"));
        assert!(early == at("2026-11-21T18:00:00Z") || early == at("2026-11-21T17:00:00Z"));
    }
}
