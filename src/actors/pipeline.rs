//! The order in which an aggregate's actor decides its commands, free of threads, disks and clocks, so that
//! a simulator can run the same.
//!
//! A decision is made on the state as it will be once the appends under way are written. If one of them
//! is refused, that state never was; it is dropped, those decided on it meet a conflict at the journal
//! (they share its [`Basis`](crate::store::Basis)), and are decided again in their order.

use super::bus::{CommandError, Envelope};
use super::one_command::{Answer, plain_append, refusal};
use crate::domain::shared::Decider;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::repository::Loaded;
use crate::store::{Append, AppendError, Receipt, snapshots};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use uuid::Uuid;

/// A command with the way back to its caller.
pub struct Job<A: Decider, W> {
    /// The command.
    pub envelope: Envelope<A::Command>,
    /// The way back.
    pub way: W,
}

/// What the actor is to do next.
pub enum Step<A: Decider, W> {
    /// Hand `append` in, without waiting. If the journal takes it, [`Pipeline::handed_in`] is told the
    /// events at once, and [`Pipeline::settle`] the outcome when it is there; else the caller is refused.
    Append {
        /// What is to be written.
        append: Append,
        /// What was decided.
        events: Vec<A::Event>,
        /// Whose command it was.
        job: Job<A, W>,
    },
    /// Execute this command step by step on `state` (none: it is read), then [`Pipeline::executed`].
    Alone {
        /// The aggregate, if it is known.
        state: Option<Loaded<A>>,
        /// The command.
        job: Job<A, W>,
    },
}

/// The commands of one aggregate and its state.
pub struct Pipeline<A: Decider, W> {
    id: Uuid,
    /// The aggregate as it will be when everything that is under way is written. Dropped whenever
    /// that is in doubt.
    state: Option<Loaded<A>>,
    /// Commands that wait, in the order in which they came.
    backlog: VecDeque<Job<A, W>>,
    /// Commands decided on a state that did not come to be; they go before the backlog.
    again: VecDeque<Job<A, W>>,
    /// Appends that are not answered yet.
    under_way: usize,
    /// A command is executed by itself.
    alone: bool,
}

impl<A: Decider, W> Pipeline<A, W>
where
    A::Event: CategoryEvent,
{
    /// Of an aggregate that was not read yet.
    #[must_use]
    pub fn new(id: Uuid) -> Self {
        let (backlog, again) = (VecDeque::new(), VecDeque::new());
        Self { id, state: None, backlog, again, under_way: 0, alone: false }
    }

    /// Takes the aggregate as somebody read it, if nothing is known of it here and nothing is at work. It counts as
    /// much as a kept state: what is decided on it is written only if the log still ends there, and that nothing
    /// is to be written is answered only after the log was asked.
    pub fn offer(&mut self, known: Loaded<A>) {
        if self.state.is_none() && !self.is_busy() {
            self.state = Some(known);
        }
    }

    /// Takes a command in.
    pub fn push(&mut self, job: Job<A, W>) {
        self.backlog.push_back(job);
    }

    /// What to do now; none: wait for something that is under way, or for a command. Asked again until
    /// there is none.
    pub fn next_step(&mut self) -> Option<Step<A, W>> {
        if self.alone {
            return None;
        }
        if self.under_way == 0 {
            while let Some(job) = self.again.pop_back() {
                self.backlog.push_front(job);
            }
        } else if !self.again.is_empty() {
            return None;
        }
        let job = self.backlog.pop_front()?;
        if let Some((append, events)) = self.speculate(&job.envelope) {
            return Some(Step::Append { append, events, job });
        }
        if self.under_way > 0 {
            self.backlog.push_front(job);
            return None;
        }
        self.alone = true;
        Some(Step::Alone { state: self.state.take(), job })
    }

    /// Decides on the state after all that is under way. Gives nothing if that is not possible: no
    /// state, a version that must be the present one, personal values to seal, nothing to append (such an answer must not rest on what is not
    /// written yet), a refusal, or a panic.
    fn speculate(&self, envelope: &Envelope<A::Command>) -> Option<(Append, Vec<A::Event>)> {
        let loaded =
            self.state.as_ref().filter(|_| envelope.private.is_empty() && envelope.seen.is_none())?;
        let command = envelope.command.clone();
        let decided = catch_unwind(AssertUnwindSafe(|| loaded.state.decide(command)));
        let Ok(Ok(events)) = decided else { return None };
        if events.is_empty() {
            return None;
        }
        let append = plain_append(self.id, envelope, &events, loaded).ok()?;
        Some((append, events))
    }

    /// The journal took the append that was decided last.
    pub fn handed_in(&mut self, events: Vec<A::Event>) {
        self.under_way += 1;
        let Some(loaded) = self.state.as_mut() else { return };
        let applied = catch_unwind(AssertUnwindSafe(|| {
            for event in events {
                loaded.state.apply(event);
                loaded.version += 1;
            }
        }));
        if applied.is_err() {
            tracing::error!(aggregate = A::TYPE, "apply panicked");
            self.state = None;
        }
    }

    /// What became of an append; gives the answer for its caller, unless it is decided again.
    pub fn settle(
        &mut self,
        job: Job<A, W>,
        outcome: Result<Receipt, AppendError>,
    ) -> Option<(W, Answer<A>)> {
        self.under_way -= 1;
        let answer = match outcome {
            Ok(receipt) if !receipt.replayed => Ok(receipt),
            // Written by an earlier delivery: what was decided now did not come to be.
            Ok(receipt) => {
                self.state = None;
                Ok(receipt)
            }
            Err(AppendError::Conflict { .. }) => {
                self.state = None;
                self.again.push_back(job);
                return None;
            }
            Err(other) => {
                self.state = None;
                Err(refusal::<A>(other))
            }
        };
        Some((job.way, answer))
    }

    /// A command was executed by itself; the aggregate as it is now, unless that is in doubt.
    pub fn executed(&mut self, state: Option<Loaded<A>>) {
        self.alone = false;
        self.state = state;
    }

    /// The state to keep as a snapshot, with its version: of a long stream, while nothing is under way,
    /// because a snapshot shows what is written.
    pub fn to_keep(&mut self) -> Option<(A, i64)> {
        let idle = self.under_way == 0;
        let loaded = self.state.as_mut().filter(|l| idle && l.version - l.kept_at >= snapshots::EVERY)?;
        loaded.kept_at = loaded.version;
        Some((loaded.state.clone(), loaded.version))
    }

    /// The aggregate as it will be when everything that is under way is written, if it is known.
    #[must_use]
    pub fn state(&self) -> Option<&Loaded<A>> {
        self.state.as_ref()
    }

    /// Whether a command waits or is at work.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.alone || self.under_way > 0 || !self.backlog.is_empty() || !self.again.is_empty()
    }
}

/// What a caller reads whose append the journal did not take.
pub fn not_taken<A: Decider>() -> Answer<A> {
    Err(CommandError::Busy)
}
