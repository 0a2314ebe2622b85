//! The state of a deletion request and what it decides.

use super::{
    commands::DeletionCommand,
    error::DeletionError,
    events::{CommentsFate, DeletionEvent, ErasureStep, Obstacle},
};
use crate::domain::shared::AccountId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use strum::IntoEnumIterator;
use uuid::Uuid;

/// How far a request is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No such request yet.
    #[default]
    Absent,
    /// Waits for its time; may be withdrawn.
    Requested,
    /// Taken back.
    Withdrawn,
    /// Being carried out.
    Executing,
    /// Done.
    Completed,
}

/// One person's wish to be forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionRequest {
    /// How far it is.
    pub stage: Stage,
    /// Whose account.
    pub account: AccountId,
    /// From when on it is carried out.
    pub due: DateTime<Utc>,
    /// What becomes of the comments.
    #[serde(default)]
    pub comments: CommentsFate,
    /// What stood in the way at the last try.
    pub obstacles: Vec<Obstacle>,
    /// The run that started the erasure.
    pub run: Uuid,
    /// Steps that are done.
    pub done: BTreeSet<ErasureStep>,
}

impl DeletionRequest {
    /// Decides what follows from `command`.
    ///
    /// # Errors
    /// The reason for the refusal.
    pub fn decide(&self, command: DeletionCommand) -> Result<Vec<DeletionEvent>, DeletionError> {
        use DeletionCommand as C;
        let account = self.account;
        match (command, self.stage) {
            (C::Request { requester, .. }, Stage::Absent) if requester.staff => Err(DeletionError::StaffRole),
            (C::Request { requester, .. }, Stage::Absent) if requester.published_works > 0 => {
                Err(DeletionError::PublishedWorks(requester.published_works))
            }
            (C::Request { at, account, by, grace, comments, .. }, Stage::Absent) => {
                Ok(vec![DeletionEvent::DeletionRequested { at, account, by, due: at + grace, comments }])
            }
            (C::Request { .. }, _) => Err(DeletionError::Exists),
            (_, Stage::Absent) => Err(DeletionError::Unknown),

            (C::Withdraw { at }, Stage::Requested) => {
                Ok(vec![DeletionEvent::DeletionWithdrawn { at, account }])
            }
            (C::Withdraw { .. }, Stage::Withdrawn) => Ok(vec![]),
            (C::Withdraw { .. }, _) => Err(DeletionError::TooLate),

            (C::Begin { at, .. }, Stage::Requested) if at < self.due => Err(DeletionError::NotDue(self.due)),
            (C::Begin { at, run, mut obstacles }, Stage::Requested) => {
                obstacles.sort();
                obstacles.dedup();
                if obstacles.is_empty() {
                    Ok(vec![DeletionEvent::ErasureStarted { at, account, run }])
                } else if obstacles == self.obstacles {
                    // Known already: the person was told, saying it daily would be noise.
                    Ok(vec![])
                } else {
                    Ok(vec![DeletionEvent::DeletionBlocked { at, account, obstacles }])
                }
            }
            (C::Begin { .. }, Stage::Withdrawn) => Err(DeletionError::Withdrawn),
            (C::Begin { .. }, _) => Ok(vec![]),

            (C::RecordStep { at, step, removed, subjects }, Stage::Executing) => {
                Ok(if self.done.contains(&step) {
                    vec![]
                } else {
                    vec![DeletionEvent::ErasureStepDone { at, account, step, removed, subjects }]
                })
            }
            (C::Complete { at }, Stage::Executing) => {
                if self.next_step().is_none() {
                    Ok(vec![DeletionEvent::ErasureCompleted { at, account, run: self.run }])
                } else {
                    Err(DeletionError::StepsLeft)
                }
            }
            (C::RecordStep { .. } | C::Complete { .. }, Stage::Completed) => Ok(vec![]),
            (C::RecordStep { .. } | C::Complete { .. }, _) => Err(DeletionError::NotStarted),
        }
    }

    /// The first step that is not done.
    #[must_use]
    pub fn next_step(&self) -> Option<ErasureStep> {
        ErasureStep::iter().find(|step| !self.done.contains(step))
    }

    /// Takes an event into the state; never fails.
    pub fn apply(&mut self, event: DeletionEvent) {
        use DeletionEvent as E;
        match event {
            E::DeletionRequested { account, due, comments, .. } => {
                self.stage = Stage::Requested;
                self.comments = comments;
                self.account = account;
                self.due = due;
            }
            E::DeletionWithdrawn { .. } => self.stage = Stage::Withdrawn,
            E::DeletionBlocked { obstacles, .. } => self.obstacles = obstacles,
            E::ErasureStarted { run, .. } => {
                self.stage = Stage::Executing;
                self.obstacles.clear();
                self.run = run;
            }
            E::ErasureStepDone { step, .. } => {
                self.done.insert(step);
            }
            E::ErasureCompleted { .. } => self.stage = Stage::Completed,
        }
    }
}
