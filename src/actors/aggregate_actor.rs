//! The actor of one live aggregate: decides one command after the other and answers each when its
//! events are durable.
//!
//! It does not wait for the disk between commands; in which order it decides, and on what, is in
//! [`pipeline`](super::pipeline). Here are its mailbox, the journal and the clock.

use super::bus::{CommandError, Parts};
use super::caller::Caller;
use super::directory::Execute;
use super::one_command::{Answer, Database, execute};
use super::pipeline::{Job, Pipeline, Step, not_taken};
use crate::domain::shared::Decider;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::repository::{EventRepository, Loaded};
use crate::store::{AppendError, Receipt};
use actix::fut::ActorFutureExt;
use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, WrapFuture};
use std::time::Instant;
use uuid::Uuid;

/// Who waits for the answer; none: it was given already.
type Way<A> = Option<Caller<A>>;

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
                Step::Append { append, events, job } => match self.parts.journal.place() {
                    Err(_) => tell::<A>(job.way, not_taken::<A>()),
                    Ok(place) => {
                        self.pipeline.handed_in(events);
                        place.submit(append, settled(ctx.address(), job));
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
            tell::<A>(job.way, answer);
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
        let idle = self.parts.idle;
        ctx.run_interval(idle / 4, move |actor, ctx| {
            if !actor.pipeline.is_busy() && (actor.last_used.elapsed() > idle || !ctx.connected()) {
                ctx.stop();
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.parts.metrics.actors.live.with_label_values(&[A::TYPE]).dec();
    }
}

fn tell<A: Decider>(way: Way<A>, answer: Answer<A>) {
    if let Some(caller) = way {
        caller.hear(answer);
    }
}

/// What the journal calls with the outcome of an append. The answer to what was written does not depend on the
/// actor any more, so its caller does not wait until the actor has heard of it.
fn settled<A: Decider>(
    actor: Addr<AggregateActor<A>>,
    mut job: Job<A, Way<A>>,
) -> impl FnOnce(Result<Receipt, AppendError>) + Send + 'static
where
    A::Event: CategoryEvent,
{
    move |outcome| {
        let written = outcome.as_ref().ok().copied();
        let caller = written.and_then(|_| job.way.take());
        // First: what the caller sends next must find it done.
        // A handle of its own is never refused; if the actor is gone, so is the state that this would move.
        let _ = actor.try_send(Settled { job, outcome });
        if let (Some(caller), Some(receipt)) = (caller, written) {
            caller.hear(Ok(receipt));
        }
    }
}

/// Tells the actor what became of an append.
struct Settled<A: Decider> {
    job: Job<A, Way<A>>,
    outcome: Result<Receipt, AppendError>,
}

impl<A: Decider> Message for Settled<A> {
    type Result = ();
}

impl<A: Decider> Handler<Settled<A>> for AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    type Result = ();

    fn handle(&mut self, Settled { job, outcome }: Settled<A>, ctx: &mut Context<Self>) {
        if let Some((Some(caller), answer)) = self.pipeline.settle(job, outcome) {
            caller.hear(answer);
        }
        self.keep_snapshot();
        self.proceed(ctx);
    }
}

impl<A: Decider> Handler<Execute<A>> for AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    type Result = ();

    fn handle(&mut self, message: Execute<A>, ctx: &mut Context<Self>) {
        let Some(parcel) = message.take() else { return };
        self.last_used = Instant::now();
        if let Some(known) = parcel.known {
            self.pipeline.offer(known);
        }
        self.pipeline.push(Job { envelope: parcel.envelope, way: Some(parcel.caller) });
        self.proceed(ctx);
    }
}
