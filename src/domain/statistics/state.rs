//! The statistics of one month.

use super::{StatisticsCommand, StatisticsError, StatisticsEvent};
use crate::decider;
use crate::domain::shared::derive_id;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream that holds the samples of the month of `at`; months keep streams short.
#[must_use]
pub fn stream_of(at: DateTime<Utc>) -> Uuid {
    derive_id("statistics", &at.format("%Y-%m").to_string())
}

/// Knows only when it was last sampled; the figures are for readers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    last: Option<DateTime<Utc>>,
}

impl Statistics {
    /// Decides; a time that was sampled already, or lies before one, is left as it is.
    ///
    /// # Errors
    /// If there are no figures.
    pub fn decide(&self, command: StatisticsCommand) -> Result<Vec<StatisticsEvent>, StatisticsError> {
        let StatisticsCommand::Sample { at, figures } = command;
        if figures.is_empty() {
            return Err(StatisticsError::Empty);
        }
        if self.last.is_some_and(|last| at <= last) {
            return Ok(vec![]);
        }
        Ok(vec![StatisticsEvent::StatisticsSampled { at, figures }])
    }

    /// Takes an event in.
    pub fn apply(&mut self, event: StatisticsEvent) {
        let StatisticsEvent::StatisticsSampled { at, .. } = event;
        self.last = Some(at);
    }
}

decider!(Statistics, StatisticsCommand, StatisticsEvent, StatisticsError, "statistics");

#[cfg(test)]
mod tests {
    use super::*;
    use cqrs_es::test::TestFramework;
    use std::collections::BTreeMap;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("time")
    }

    fn sample(when: &str) -> StatisticsCommand {
        StatisticsCommand::Sample { at: at(when), figures: BTreeMap::from([("accounts".to_owned(), 7)]) }
    }

    fn sampled(when: &str) -> StatisticsEvent {
        StatisticsEvent::StatisticsSampled {
            at: at(when),
            figures: BTreeMap::from([("accounts".to_owned(), 7)]),
        }
    }

    #[test]
    fn an_hour_is_sampled_once() {
        let hour = "2026-11-21T18:00:00Z";
        TestFramework::<Statistics>::with(())
            .given_no_previous_events()
            .when(sample(hour))
            .then_expect_events(vec![sampled(hour)]);
        TestFramework::<Statistics>::with(())
            .given(vec![sampled(hour)])
            .when(sample(hour))
            .then_expect_events(vec![]);
    }

    #[test]
    fn an_earlier_hour_is_not_added_afterwards() {
        TestFramework::<Statistics>::with(())
            .given(vec![sampled("2026-11-21T18:00:00Z")])
            .when(sample("2026-11-21T17:00:00Z"))
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_sample_has_figures() {
        let empty = StatisticsCommand::Sample { at: at("2026-11-21T18:00:00Z"), figures: BTreeMap::new() };
        TestFramework::<Statistics>::with(())
            .given_no_previous_events()
            .when(empty)
            .then_expect_error(StatisticsError::Empty);
    }

    #[test]
    fn each_month_has_its_stream() {
        assert_eq!(stream_of(at("2026-11-01T00:00:00Z")), stream_of(at("2026-11-30T23:59:59Z")));
        assert_ne!(stream_of(at("2026-11-30T23:59:59Z")), stream_of(at("2026-12-01T00:00:00Z")));
    }

    #[test]
    fn events_are_written_like_this() {
        insta::assert_json_snapshot!(sampled("2026-11-21T18:00:00Z"), @r#"
        {
          "type": "StatisticsSampled",
          "data": {
            "at": "2026-11-21T18:00:00Z",
            "figures": {
              "accounts": 7
            }
          }
        }
        "#);
    }
}
