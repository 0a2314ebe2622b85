//! The actor of one live aggregate: decides one command after the other and answers each when its
//! events are durable.
//!
//! It does not wait for the disk between commands: a decision is made on the state as it will be once
//! the appends under way are written. If one of them is refused, that state never was; it is dropped,
//! those decided on it meet a conflict at the journal, and are decided again in their order.

use super::bus::{CommandError, Envelope, Parts};
use super::one_command::{Answer, OneCommand, plain_append, refusal};
use crate::domain::shared::Decider;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::repository::{EventRepository, Loaded};
use crate::store::{AppendError, Receipt, snapshots};
use actix::fut::ActorFutureExt;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use uuid::Uuid;

/// An aggregate without commands for so long leaves the memory.
const IDLE: Duration = Duration::from_secs(120);

pub(super) struct AggregateActor<A: Decider>
where
    A::Event: CategoryEvent,
{
    id: Uuid,
    repository: EventRepository<A>,
    parts: Parts,
    /// The aggregate as it will be when everything that is under way is written. Dropped whenever
    /// that is in doubt.
    state: Option<Loaded<A>>,
    /// Commands that wait, in the order in which they came.
    backlog: VecDeque<Job<A>>,
    /// Commands decided on a state that did not come to be; they go before the backlog.
    again: VecDeque<Job<A>>,
    /// Appends that are not answered yet.
    under_way: usize,
    /// A command is executed by itself.
    alone: bool,
    last_used: Instant,
}

/// A command with the way back to its caller.
struct Job<A: Decider> {
    envelope: Envelope<A::Command>,
    answer: oneshot::Sender<Answer<A>>,
}

impl<A: Decider> AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    pub fn new(id: Uuid, repository: EventRepository<A>, parts: Parts) -> Self {
        Self {
            id,
            repository,
            parts,
            state: None,
            backlog: VecDeque::new(),
            again: VecDeque::new(),
            under_way: 0,
            alone: false,
            last_used: Instant::now(),
        }
    }

    /// Starts as many of the waiting commands as can be started now.
    fn proceed(&mut self, ctx: &mut Context<Self>) {
        while !self.alone {
            if self.under_way == 0 {
                while let Some(job) = self.again.pop_back() {
                    self.backlog.push_front(job);
                }
            } else if !self.again.is_empty() {
                return;
            }
            let Some(job) = self.backlog.pop_front() else { return };
            match self.speculate(job, ctx) {
                None => {}
                Some(job) if self.under_way == 0 => self.execute_alone(job, ctx),
                Some(job) => return self.backlog.push_front(job),
            }
        }
    }

    /// Decides on the state after all that is under way and hands the append in, without waiting for
    /// theirs. Gives the command back if that is not possible: no state, personal values to seal,
    /// nothing to append (such an answer must not rest on what is not written yet), or a panic.
    fn speculate(&mut self, job: Job<A>, ctx: &mut Context<Self>) -> Option<Job<A>> {
        let Some(loaded) = self.state.as_mut().filter(|_| job.envelope.private.is_empty()) else {
            return Some(job);
        };
        let command = job.envelope.command.clone();
        let decided = catch_unwind(AssertUnwindSafe(|| loaded.state.decide(command)));
        let Ok(Ok(events)) = decided else { return Some(job) };
        if events.is_empty() {
            return Some(job);
        }
        let Ok(append) = plain_append(self.id, &job.envelope, &events, loaded.version) else {
            return Some(job);
        };
        let ticket = match self.parts.journal.submit(append) {
            Ok(ticket) => ticket,
            Err(_) => {
                let _ = job.answer.send(Err(CommandError::Busy));
                return None;
            }
        };
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
        self.under_way += 1;
        let settled = ticket.settled().into_actor(self);
        ctx.spawn(settled.map(move |outcome, actor, ctx| {
            actor.under_way -= 1;
            actor.settle(job, outcome);
            actor.proceed(ctx);
        }));
        None
    }

    /// What became of a speculative append.
    fn settle(&mut self, job: Job<A>, outcome: Result<Receipt, AppendError>) {
        let answer = match outcome {
            Ok(receipt) if !receipt.replayed => {
                self.keep_snapshot();
                Ok(receipt)
            }
            // Written by an earlier delivery: what was decided now did not come to be.
            Ok(receipt) => {
                self.state = None;
                Ok(receipt)
            }
            Err(AppendError::Conflict { .. }) => {
                self.state = None;
                return self.again.push_back(job);
            }
            Err(other) => {
                self.state = None;
                Err(refusal::<A>(other))
            }
        };
        let _ = job.answer.send(answer);
    }

    /// Executes one command step by step; the others wait.
    fn execute_alone(&mut self, job: Job<A>, ctx: &mut Context<Self>) {
        self.alone = true;
        let work = OneCommand { id: self.id, repository: self.repository.clone(), parts: self.parts.clone() };
        let state = self.state.take();
        // On the runtime of the database: an arbiter only hands messages on.
        let task = self.parts.runtime.spawn(work.execute(state, job.envelope));
        ctx.spawn(task.into_actor(self).map(move |done, actor, ctx| {
            let (state, answer) = done.unwrap_or((None, Err(CommandError::Panicked)));
            actor.alone = false;
            actor.state = state;
            if matches!(answer, Err(CommandError::Panicked)) {
                actor.parts.metrics.actors.restarts.with_label_values(&[A::TYPE]).inc();
            }
            actor.keep_snapshot();
            let _ = job.answer.send(answer);
            actor.proceed(ctx);
        }));
    }

    /// Of a long stream, while nothing is under way: a snapshot shows what is written.
    fn keep_snapshot(&mut self) {
        let Some(loaded) = self.state.as_mut().filter(|l| l.version - l.kept_at >= snapshots::EVERY) else {
            return;
        };
        if self.under_way > 0 {
            return;
        }
        loaded.kept_at = loaded.version;
        let (repository, id) = (self.repository.clone(), self.id);
        let (state, version) = (loaded.state.clone(), loaded.version);
        self.parts.runtime.spawn(async move { repository.keep(id, &state, version).await });
    }

    fn is_busy(&self) -> bool {
        self.alone || self.under_way > 0 || !self.backlog.is_empty() || !self.again.is_empty()
    }
}

impl<A: Decider> Actor for AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.parts.metrics.actors.live.with_label_values(&[A::TYPE]).inc();
        ctx.run_interval(IDLE / 4, |actor, ctx| {
            if !actor.is_busy() && (actor.last_used.elapsed() > IDLE || !ctx.connected()) {
                ctx.stop();
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.parts.metrics.actors.live.with_label_values(&[A::TYPE]).dec();
    }
}

/// Asks the actor to execute a command.
pub(super) struct Execute<A: Decider>(pub Envelope<A::Command>);

impl<A: Decider> Message for Execute<A> {
    type Result = Answer<A>;
}

impl<A: Decider> Handler<Execute<A>> for AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    type Result = ResponseFuture<Answer<A>>;

    fn handle(&mut self, Execute(envelope): Execute<A>, ctx: &mut Context<Self>) -> Self::Result {
        self.last_used = Instant::now();
        let (answer, answered) = oneshot::channel();
        self.backlog.push_back(Job { envelope, answer });
        self.proceed(ctx);
        Box::pin(async move { answered.await.unwrap_or(Err(CommandError::Panicked)) })
    }
}
