//! How often somebody wants to be told by mail what is new.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How often.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Digest {
    /// Not at all, which is how everybody starts.
    #[default]
    Never,
    /// Every day on which there is something.
    Daily,
    /// Every week in which there is something.
    Weekly,
}

impl Digest {
    /// Since when a digest at `now` tells what is new, if one is due: `told` is up to when the last
    /// one did. What was published while nobody was told (an outage) is in the next one, but
    /// nothing older than five weeks.
    #[must_use]
    pub fn since(self, told: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let every = match self {
            Self::Never => return None,
            Self::Daily => TimeDelta::days(1),
            Self::Weekly => TimeDelta::weeks(1),
        };
        // The daily run comes with a delay of its own: a little early is still the next one.
        let due = told.is_none_or(|told| now - told >= every - TimeDelta::hours(4));
        due.then(|| told.unwrap_or(now - every).max(now - TimeDelta::weeks(5)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_digest_is_due_by_its_rhythm_and_leaves_nothing_out() {
        let now = at("2026-11-27T07:10:00Z");
        assert_eq!(Digest::Never.since(None, now), None);
        assert_eq!(Digest::Daily.since(None, now), Some(at("2026-11-26T07:10:00Z")));
        assert_eq!(Digest::Weekly.since(None, now), Some(at("2026-11-20T07:10:00Z")));
        let yesterday = at("2026-11-26T07:25:00Z");
        assert_eq!(Digest::Daily.since(Some(yesterday), now), Some(yesterday), "a quarter of an hour early");
        assert_eq!(Digest::Daily.since(Some(at("2026-11-26T11:11:00Z")), now), None);
        assert_eq!(Digest::Weekly.since(Some(yesterday), now), None);
        let outage = at("2026-11-20T07:00:00Z");
        assert_eq!(Digest::Daily.since(Some(outage), now), Some(outage), "days without a run are told later");
        assert_eq!(
            Digest::Daily.since(Some(at("2026-01-01T07:00:00Z")), now),
            Some(at("2026-10-23T07:10:00Z"))
        );
        assert_eq!(Digest::Daily.since(Some(now), now), None, "the same run again tells nothing");
    }
}
