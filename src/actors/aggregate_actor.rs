//! The actor of one live aggregate: decides one command after the other and answers each when its
//! events are durable.
//!
//! It does not wait for the disk between commands; in which order it decides, and on what, is in
//! [`pipeline`](super::pipeline). Here are its mailbox, the journal and the clock.

use super::bus::{CommandError, Envelope, Parts};
use super::one_command::{Answer, Database, execute};
use super::pipeline::{Job, Pipeline, Step, not_taken};
use crate::domain::shared::Decider;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::repository::{EventRepository, Loaded};
use actix::fut::ActorFutureExt;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use uuid::Uuid;

/// An aggregate without commands for so long leaves the memory.
const IDLE: Duration = Duration::from_secs(120);

type Way<A> = oneshot::Sender<Answer<A>>;

pub(super) struct AggregateActor<A: Decider>
where
    A::Event: CategoryEvent,
{
    id: Uuid,
    repository: EventRepository<A>,
    parts: Parts,
    pipeline: Pipeline<A, Way<A>>,
    last_used: Instant,
}

impl<A: Decider> AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    pub fn new(id: Uuid, repository: EventRepository<A>, parts: Parts) -> Self {
        Self { id, repository, parts, pipeline: Pipeline::new(id), last_used: Instant::now() }
    }

    /// Starts as many of the waiting commands as can be started now.
    fn proceed(&mut self, ctx: &mut Context<Self>) {
        while let Some(step) = self.pipeline.next_step() {
            match step {
                Step::Alone { state, job } => self.execute_alone(state, job, ctx),
                Step::Append { append, events, job } => match self.parts.journal.submit(append) {
                    Err(_) => {
                        let _ = job.way.send(not_taken::<A>());
                    }
                    Ok(ticket) => {
                        self.pipeline.handed_in(events);
                        let settled = ticket.settled().into_actor(self);
                        ctx.spawn(settled.map(move |outcome, actor, ctx| {
                            if let Some((way, answer)) = actor.pipeline.settle(job, outcome) {
                                let _ = way.send(answer);
                            }
                            actor.keep_snapshot();
                            actor.proceed(ctx);
                        }));
                    }
                },
            }
        }
    }

    /// Executes one command step by step; the others wait.
    fn execute_alone(&self, state: Option<Loaded<A>>, job: Job<A, Way<A>>, ctx: &mut Context<Self>) {
        let port = Database { repository: self.repository.clone(), parts: self.parts.clone() };
        // On the runtime of the database: an arbiter only hands messages on.
        let task = self.parts.runtime.spawn(execute(port, self.id, state, job.envelope));
        ctx.spawn(task.into_actor(self).map(move |done, actor, ctx| {
            let (state, answer) = done.unwrap_or((None, Err(CommandError::Panicked)));
            actor.pipeline.executed(state);
            if matches!(answer, Err(CommandError::Panicked)) {
                actor.parts.metrics.actors.restarts.with_label_values(&[A::TYPE]).inc();
            }
            actor.keep_snapshot();
            let _ = job.way.send(answer);
            actor.proceed(ctx);
        }));
    }

    fn keep_snapshot(&mut self) {
        let Some((state, version)) = self.pipeline.to_keep() else { return };
        let (repository, id) = (self.repository.clone(), self.id);
        self.parts.runtime.spawn(async move { repository.keep(id, &state, version).await });
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
            if !actor.pipeline.is_busy() && (actor.last_used.elapsed() > IDLE || !ctx.connected()) {
                ctx.stop();
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.parts.metrics.actors.live.with_label_values(&[A::TYPE]).dec();
    }
}

/// Asks the actor to execute a command; with the aggregate, if it was read for that.
pub(super) struct Execute<A: Decider>(pub Envelope<A::Command>, pub Option<Loaded<A>>);

impl<A: Decider> Message for Execute<A> {
    type Result = Answer<A>;
}

impl<A: Decider> Handler<Execute<A>> for AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    type Result = ResponseFuture<Answer<A>>;

    fn handle(&mut self, Execute(envelope, known): Execute<A>, ctx: &mut Context<Self>) -> Self::Result {
        self.last_used = Instant::now();
        if let Some(known) = known {
            self.pipeline.offer(known);
        }
        let (way, answered) = oneshot::channel();
        self.pipeline.push(Job { envelope, way });
        self.proceed(ctx);
        Box::pin(async move { answered.await.unwrap_or(Err(CommandError::Panicked)) })
    }
}
