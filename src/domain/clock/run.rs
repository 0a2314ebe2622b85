//! One run of a scheduled job at one slot. Its id follows from both, so a slot runs once, whoever
//! asks for it.

use crate::decider;
use crate::domain::shared::derive_id;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The run of `job` at `slot`.
#[must_use]
pub fn run_id(job: &str, slot: DateTime<Utc>) -> Uuid {
    derive_id(job, &slot.to_rfc3339())
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Nobody has asked for it.
    #[default]
    Unknown,
    /// Asked for, perhaps at work.
    Requested,
    /// Done.
    Completed,
    /// Tried and failed; may be tried again.
    Failed,
}

/// State of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    state: RunState,
}

/// What can be asked of a run.
#[derive(Clone, Debug)]
pub enum RunCommand {
    /// Let it run.
    Request {
        /// Job.
        job: String,
        /// Slot.
        slot: DateTime<Utc>,
    },
    /// It is done.
    Complete {
        /// What it did, in the job's own words.
        counts: BTreeMap<String, i64>,
        /// Events it caused.
        changed: i64,
        /// How long it took.
        duration_ms: i64,
    },
    /// It could not be done.
    Fail {
        /// Why, without personal data.
        error: String,
        /// How long it took.
        duration_ms: i64,
    },
}

/// What happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum RunEvent {
    /// The scheduler, a timer or a person asked for it.
    RunRequested {
        /// Job.
        job: String,
        /// Slot.
        slot: DateTime<Utc>,
    },
    /// It is done.
    RunCompleted {
        /// What it did.
        counts: BTreeMap<String, i64>,
        /// Events it caused.
        changed: i64,
        /// How long it took.
        duration_ms: i64,
    },
    /// It failed.
    RunFailed {
        /// Why.
        error: String,
        /// How long it took.
        duration_ms: i64,
    },
}

/// Why a command to a run is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// Nobody asked for this run.
    #[error("This run was not requested.")]
    NotRequested,
}

impl Run {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> RunState {
        self.state
    }

    /// Decides; a completed run does nothing any more, a failed one may be requested again.
    ///
    /// # Errors
    /// If a run reports that was not requested.
    pub fn decide(&self, command: RunCommand) -> Result<Vec<RunEvent>, RunError> {
        match (command, self.state) {
            (RunCommand::Request { job, slot }, RunState::Unknown | RunState::Failed) => {
                Ok(vec![RunEvent::RunRequested { job, slot }])
            }
            (RunCommand::Request { .. }, _) | (_, RunState::Completed) => Ok(vec![]),
            (_, RunState::Unknown) => Err(RunError::NotRequested),
            (RunCommand::Complete { counts, changed, duration_ms }, _) => {
                Ok(vec![RunEvent::RunCompleted { counts, changed, duration_ms }])
            }
            (RunCommand::Fail { .. }, RunState::Failed) => Ok(vec![]),
            (RunCommand::Fail { error, duration_ms }, RunState::Requested) => {
                Ok(vec![RunEvent::RunFailed { error, duration_ms }])
            }
        }
    }

    /// Takes an event in.
    pub fn apply(&mut self, event: RunEvent) {
        self.state = match event {
            RunEvent::RunRequested { .. } => RunState::Requested,
            RunEvent::RunCompleted { .. } => RunState::Completed,
            RunEvent::RunFailed { .. } => RunState::Failed,
        };
    }
}

decider!(Run, RunCommand, RunEvent, RunError, "run");

#[cfg(test)]
mod tests {
    use super::*;
    use cqrs_es::test::TestFramework;

    fn slot() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_276_800, 0).expect("time")
    }

    fn requested() -> RunEvent {
        RunEvent::RunRequested { job: "stats".into(), slot: slot() }
    }

    fn request() -> RunCommand {
        RunCommand::Request { job: "stats".into(), slot: slot() }
    }

    fn completed() -> RunEvent {
        RunEvent::RunCompleted {
            counts: BTreeMap::from([("accounts".into(), 3)]),
            changed: 0,
            duration_ms: 12,
        }
    }

    #[test]
    fn a_slot_is_requested_once() {
        TestFramework::<Run>::with(())
            .given_no_previous_events()
            .when(request())
            .then_expect_events(vec![requested()]);
        TestFramework::<Run>::with(()).given(vec![requested()]).when(request()).then_expect_events(vec![]);
        TestFramework::<Run>::with(())
            .given(vec![requested(), completed()])
            .when(request())
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_failed_run_may_be_requested_again() {
        let failed = RunEvent::RunFailed { error: "no database".into(), duration_ms: 1 };
        TestFramework::<Run>::with(())
            .given(vec![requested(), failed])
            .when(request())
            .then_expect_events(vec![requested()]);
    }

    #[test]
    fn only_a_requested_run_reports() {
        let complete = RunCommand::Complete { counts: BTreeMap::new(), changed: 0, duration_ms: 1 };
        TestFramework::<Run>::with(())
            .given_no_previous_events()
            .when(complete)
            .then_expect_error(RunError::NotRequested);
    }

    #[test]
    fn events_are_written_like_this() {
        insta::assert_json_snapshot!([requested(), completed()]);
    }
}
