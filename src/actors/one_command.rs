//! One command, executed step by step: load, decide, append, apply, answer. What it needs of the outside
//! comes through a [`Port`], so that it can run on the runtime of the database, free of the actor, and in
//! a simulator.

use super::bus::{CommandError, Envelope, Parts};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::{Decider, PersonalValue};
use crate::store::event::stream_name;
use crate::store::repository::{EventRepository, Loaded, encode};
use crate::store::{Append, AppendError, Receipt, StoreError, log};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use uuid::Uuid;

/// How often a decision is made again because another process wrote to the stream.
const CONFLICTS: usize = 5;
/// How often reading a stream is tried again when the database does not answer.
const LOADS: u64 = 8;

/// What executing a command needs of the outside.
pub trait Port<A: Decider>: Send + Sync + 'static {
    /// Reads the aggregate.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn load(&self, id: Uuid) -> impl Future<Output = Result<Loaded<A>, StoreError>> + Send;

    /// Whether the log still ends for this aggregate where `loaded` does, and durably so.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn stands(&self, id: Uuid, loaded: &Loaded<A>) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The durable answer to a command that was executed before.
    ///
    /// # Errors
    /// If the log cannot be read.
    fn recorded(&self, command: Uuid) -> impl Future<Output = Result<Option<Receipt>, StoreError>> + Send;

    /// Seals `private` and writes both.
    ///
    /// # Errors
    /// If either is not possible.
    fn append(
        &self,
        append: Append,
        private: Vec<PersonalValue>,
    ) -> impl Future<Output = Result<Receipt, Failure>> + Send;
}

/// Why nothing was written, or it is not known.
pub enum Failure {
    /// The journal says so.
    Append(AppendError),
    /// The values cannot be sealed.
    Store(StoreError),
}

/// What a caller reads.
pub type Answer<A> = Result<Receipt, CommandError<<A as cqrs_es::Aggregate>::Error>>;

/// Decides, appends, applies and answers; gives the state back, unless it is in doubt.
pub async fn execute<A, P>(
    port: P,
    id: Uuid,
    mut state: Option<Loaded<A>>,
    envelope: Envelope<A::Command>,
) -> (Option<Loaded<A>>, Answer<A>)
where
    A: Decider,
    A::Event: CategoryEvent,
    P: Port<A>,
{
    for _ in 0..CONFLICTS {
        let loaded = match state.take() {
            Some(loaded) => loaded,
            None => match port.load(id).await {
                Ok(loaded) => loaded,
                Err(error) => return (None, Err(unavailable(&error))),
            },
        };
        if envelope.seen.is_some_and(|version| version != loaded.version) {
            // What was kept may be older than the log.
            if !matches!(port.stands(id, &loaded).await, Ok(true)) {
                continue;
            }
            let answer = match port.recorded(envelope.id).await {
                Ok(recorded) => recorded.ok_or(CommandError::Stale),
                Err(error) => Err(unavailable(&error)),
            };
            return (Some(loaded), answer);
        }
        let decided = catch_unwind(AssertUnwindSafe(|| loaded.state.decide(envelope.command.clone())));
        let events = match decided {
            Ok(Ok(events)) if !events.is_empty() => events,
            // Nothing to append, so no conflict can tell that another process has moved the stream, or a
            // crash of the server has taken something back: that is asked before the answer is given.
            Ok(_) if !matches!(port.stands(id, &loaded).await, Ok(true)) => continue,
            Ok(unchanged) => {
                // A repetition may find that its wish is fulfilled or no longer allowed.
                let answer = match port.recorded(envelope.id).await {
                    Ok(Some(receipt)) => Ok(receipt),
                    Ok(None) => unchanged
                        .map(|_| Receipt { position: 0, version: loaded.version, replayed: false })
                        .map_err(CommandError::Refused),
                    Err(error) => Err(unavailable(&error)),
                };
                return (Some(loaded), answer);
            }
            Err(_) => {
                let request = envelope.meta.request.as_deref().unwrap_or_default();
                tracing::error!(aggregate = A::TYPE, %id, command = %envelope.id, request, "decide panicked");
                return (None, Err(CommandError::Panicked));
            }
        };
        let outcome = match plain_append(id, &envelope, &events, &loaded) {
            Ok(append) => port.append(append, envelope.private.clone()).await,
            Err(error) => Err(Failure::Append(AppendError::Refused(error.to_string()))),
        };
        match outcome {
            Ok(receipt) if !receipt.replayed => {
                let applied = catch_unwind(AssertUnwindSafe(|| {
                    let mut next = loaded.state.clone();
                    events.into_iter().for_each(|e| cqrs_es::Aggregate::apply(&mut next, e));
                    next
                }));
                let state = applied.ok().map(|state| Loaded { state, version: receipt.version, ..loaded });
                return (state, Ok(receipt));
            }
            // Written by an earlier delivery, perhaps of another process: the kept state may lack it.
            Ok(receipt) => return (None, Ok(receipt)),
            Err(Failure::Append(AppendError::Conflict { .. })) => {}
            Err(Failure::Append(other)) => return (None, Err(refusal::<A>(other))),
            Err(Failure::Store(error)) => return (None, Err(unavailable(&error))),
        }
    }
    (None, Err(CommandError::Busy))
}

/// The database as the outside.
pub(super) struct Database<A> {
    pub repository: EventRepository<A>,
    pub parts: Parts,
}

impl<A: Decider> Port<A> for Database<A>
where
    A::Event: CategoryEvent,
{
    /// A connection that was lost while it lay in the pool is no reason to refuse.
    async fn load(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        let mut tries = 0;
        loop {
            match self.repository.load(id).await {
                Err(StoreError::Database(_) | StoreError::Connection(_)) if tries < LOADS => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(50 * tries)).await;
                }
                done => return done,
            }
        }
    }

    async fn stands(&self, id: Uuid, loaded: &Loaded<A>) -> Result<bool, StoreError> {
        let client = self.parts.pool.get().await?;
        let version = log::settled_version(&client, &stream_name(A::TYPE, id)).await?;
        let trusted = loaded.basis.as_ref().is_none_or(|b| self.repository.journal().trusts(b));
        Ok(trusted && version == loaded.version)
    }

    async fn recorded(&self, command: Uuid) -> Result<Option<Receipt>, StoreError> {
        let client = self.parts.pool.get().await?;
        let receipt = log::receipt(&client, command).await?;
        if receipt.is_some() {
            // It can be read, but another process may still be waiting for the disk.
            log::settle(&**client).await?;
        }
        Ok(receipt)
    }

    async fn append(&self, append: Append, private: Vec<PersonalValue>) -> Result<Receipt, Failure> {
        let vault = self.parts.vault.seal(private).await.map_err(Failure::Store)?;
        self.repository.journal().append(Append { vault, ..append }).await.map_err(Failure::Append)
    }
}

/// The append of events decided on `loaded`, without personal values.
pub(super) fn plain_append<A>(
    id: Uuid,
    envelope: &Envelope<A::Command>,
    events: &[A::Event],
    loaded: &Loaded<A>,
) -> Result<Append, serde_json::Error>
where
    A: Decider,
    A::Event: CategoryEvent,
{
    Ok(Append {
        stream_id: stream_name(A::TYPE, id),
        expected: loaded.version,
        command_id: envelope.id,
        effective_at: envelope.meta.at,
        metadata: serde_json::to_string(&envelope.meta)?,
        events: encode(events)?,
        vault: Vec::new(),
        claims: envelope.claims.clone(),
        releases: envelope.releases.clone(),
        basis: loaded.basis.clone(),
    })
}

/// What a caller reads of an append that was not written.
pub(super) fn refusal<A: Decider>(error: AppendError) -> CommandError<A::Error> {
    match error {
        AppendError::Taken { namespace } => CommandError::Taken { namespace },
        AppendError::Busy | AppendError::Conflict { .. } => CommandError::Busy,
        AppendError::Unavailable => CommandError::Unavailable,
        AppendError::Refused(why) => {
            tracing::error!(aggregate = A::TYPE, why, "PostgreSQL refuses an append");
            CommandError::Panicked
        }
    }
}

fn unavailable<E>(error: &StoreError) -> CommandError<E> {
    tracing::error!(%error, "a command cannot be executed");
    match error {
        StoreError::Newer(unknown) => CommandError::Newer(unknown.clone()),
        _ => CommandError::Unavailable,
    }
}
