//! The actor of one live aggregate: holds its state and executes one command at a time
//! (decide → append → apply → answer).

use super::bus::{CommandError, Envelope, Parts};
use crate::domain::shared::Decider;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::event::stream_name;
use crate::store::repository::{EventRepository, Loaded, encode};
use crate::store::{Append, AppendError, Receipt, StoreError};
use actix::fut::ActorFutureExt;
use actix::{Actor, ActorContext, AsyncContext, AtomicResponse, Context, Handler, Message, WrapFuture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// An aggregate without commands for so long leaves the memory.
const IDLE: Duration = Duration::from_secs(120);
/// How often a decision is made again because another process wrote to the stream.
const CONFLICTS: usize = 5;
/// How often reading a stream is tried again when the database does not answer.
const LOADS: u64 = 8;

pub(super) struct AggregateActor<A: Decider>
where
    A::Event: CategoryEvent,
{
    id: Uuid,
    repository: EventRepository<A>,
    parts: Parts,
    /// Dropped after every error, because it may then not be what the log says.
    state: Option<Loaded<A>>,
    last_used: Instant,
}

impl<A: Decider> AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    pub fn new(id: Uuid, repository: EventRepository<A>, parts: Parts) -> Self {
        Self { id, repository, parts, state: None, last_used: Instant::now() }
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
            if actor.last_used.elapsed() > IDLE || !ctx.connected() {
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
    type Result = Result<Receipt, CommandError<A::Error>>;
}

impl<A: Decider> Handler<Execute<A>> for AggregateActor<A>
where
    A::Event: CategoryEvent,
{
    /// Atomic: the next command waits until this one is answered.
    type Result = AtomicResponse<Self, Result<Receipt, CommandError<A::Error>>>;

    fn handle(&mut self, Execute(envelope): Execute<A>, _: &mut Context<Self>) -> Self::Result {
        self.last_used = Instant::now();
        let work = Work { id: self.id, repository: self.repository.clone(), parts: self.parts.clone() };
        let state = self.state.take();
        let runtime = self.parts.runtime.clone();
        // On the runtime of the database: an arbiter only hands messages on.
        let task = async move {
            match runtime.spawn(work.execute(state, envelope)).await {
                Ok(done) => done,
                Err(_) => (None, Err(CommandError::Panicked)),
            }
        };
        AtomicResponse::new(Box::pin(task.into_actor(self).map(|(state, answer), actor, _| {
            actor.state = state;
            if matches!(answer, Err(CommandError::Panicked)) {
                actor.parts.metrics.actors.restarts.with_label_values(&[A::TYPE]).inc();
            }
            answer
        })))
    }
}

/// One command's execution, free of the actor so that it can run on another runtime.
struct Work<A: Decider> {
    id: Uuid,
    repository: EventRepository<A>,
    parts: Parts,
}

type Answer<A> = Result<Receipt, CommandError<<A as cqrs_es::Aggregate>::Error>>;

impl<A: Decider> Work<A>
where
    A::Event: CategoryEvent,
{
    async fn execute(
        self,
        mut state: Option<Loaded<A>>,
        envelope: Envelope<A::Command>,
    ) -> (Option<Loaded<A>>, Answer<A>) {
        for _ in 0..CONFLICTS {
            let kept = state.take();
            let was_kept = kept.is_some();
            let loaded = match kept {
                Some(loaded) => loaded,
                None => match self.load().await {
                    Ok(loaded) => loaded,
                    Err(error) => return (None, Err(unavailable(&error))),
                },
            };
            let decided = catch_unwind(AssertUnwindSafe(|| loaded.state.decide(envelope.command.clone())));
            let events = match decided {
                Ok(Ok(events)) if !events.is_empty() => events,
                // Nothing to append, so no conflict can tell that another process has moved the stream
                // since this state was kept: that is asked before the answer is given.
                Ok(_) if was_kept && !matches!(self.is_current(&loaded).await, Ok(true)) => continue,
                Ok(unchanged) => {
                    // A repetition may find that its wish is fulfilled or no longer allowed.
                    let answer = match self.recorded(&envelope).await {
                        Ok(Some(receipt)) => Ok(receipt),
                        Ok(None) => unchanged
                            .map(|_| Receipt { position: 0, version: loaded.version, replayed: false })
                            .map_err(CommandError::Refused),
                        Err(error) => Err(unavailable(&error)),
                    };
                    return (Some(loaded), answer);
                }
                Err(_) => {
                    tracing::error!(aggregate = A::TYPE, "decide panicked");
                    return (None, Err(CommandError::Panicked));
                }
            };
            match self.append(&envelope, &events, loaded.version).await {
                Ok(receipt) if !receipt.replayed => {
                    let applied = catch_unwind(AssertUnwindSafe(|| {
                        let mut next = loaded.state.clone();
                        events.into_iter().for_each(|e| cqrs_es::Aggregate::apply(&mut next, e));
                        next
                    }));
                    let state =
                        applied.ok().map(|state| Loaded { state, version: receipt.version, id: loaded.id });
                    return (state, Ok(receipt));
                }
                // Written by an earlier delivery, perhaps of another process: the kept state may lack it.
                Ok(receipt) => return (None, Ok(receipt)),
                Err(Failure::Append(AppendError::Conflict { .. })) => {}
                Err(Failure::Append(AppendError::Taken { namespace })) => {
                    return (Some(loaded), Err(CommandError::Taken { namespace }));
                }
                Err(Failure::Append(AppendError::Busy)) => return (None, Err(CommandError::Busy)),
                Err(Failure::Append(AppendError::Unavailable)) => {
                    return (None, Err(CommandError::Unavailable));
                }
                Err(Failure::Append(AppendError::Refused(why))) => {
                    tracing::error!(aggregate = A::TYPE, why, "PostgreSQL refuses an append");
                    return (None, Err(CommandError::Panicked));
                }
                Err(Failure::Store(error)) => return (None, Err(unavailable(&error))),
            }
        }
        (None, Err(CommandError::Busy))
    }

    /// A connection that was lost while it lay in the pool is no reason to refuse.
    async fn load(&self) -> Result<Loaded<A>, StoreError> {
        let mut tries = 0;
        loop {
            match self.repository.load(self.id).await {
                Err(StoreError::Database(_) | StoreError::Connection(_)) if tries < LOADS => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(50 * tries)).await;
                }
                done => return done,
            }
        }
    }

    /// Whether nobody has appended to the stream since `loaded` was made.
    async fn is_current(&self, loaded: &Loaded<A>) -> Result<bool, StoreError> {
        let client = self.parts.pool.get().await?;
        let sql = "select coalesce(max(version), 0) from events where log_id = 1 and stream_id = $1";
        let version: i64 = client.query_one(sql, &[&stream_name(A::TYPE, self.id)]).await?.get(0);
        Ok(version == loaded.version)
    }

    async fn append(
        &self,
        envelope: &Envelope<A::Command>,
        events: &[A::Event],
        version: i64,
    ) -> Result<Receipt, Failure> {
        let json = |e: serde_json::Error| Failure::Append(AppendError::Refused(e.to_string()));
        let append = Append {
            stream_id: stream_name(A::TYPE, self.id),
            expected: version,
            command_id: envelope.id,
            effective_at: envelope.meta.at,
            metadata: serde_json::to_string(&envelope.meta).map_err(json)?,
            events: encode(events).map_err(json)?,
            vault: self.parts.vault.seal(envelope.private.clone()).await.map_err(Failure::Store)?,
            claims: envelope.claims.clone(),
            releases: envelope.releases.clone(),
        };
        self.repository.journal().append(append).await.map_err(Failure::Append)
    }

    async fn recorded(&self, envelope: &Envelope<A::Command>) -> Result<Option<Receipt>, StoreError> {
        let client = self.parts.pool.get().await?;
        let row = client
            .query_opt(
                "select position, version from command_receipts where log_id = 1 and command_id = $1",
                &[&envelope.id],
            )
            .await?;
        Ok(row.map(|r| Receipt { position: r.get(0), version: r.get(1), replayed: true }))
    }
}

enum Failure {
    Append(AppendError),
    Store(StoreError),
}

fn unavailable<E>(error: &StoreError) -> CommandError<E> {
    tracing::error!(%error, "a command cannot be executed");
    CommandError::Unavailable
}
