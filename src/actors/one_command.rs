//! One command, executed step by step: load, decide, append, apply, answer. Free of the actor, so that
//! it can run on the runtime of the database.

use super::bus::{CommandError, Envelope, Parts};
use crate::domain::shared::Decider;
use crate::domain::shared::aggregate::CategoryEvent;
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

/// What it works with.
pub(super) struct OneCommand<A: Decider> {
    pub id: Uuid,
    pub repository: EventRepository<A>,
    pub parts: Parts,
}

/// What a caller reads.
pub(super) type Answer<A> = Result<Receipt, CommandError<<A as cqrs_es::Aggregate>::Error>>;

impl<A: Decider> OneCommand<A>
where
    A::Event: CategoryEvent,
{
    /// Decides, appends, applies and answers; gives the state back, unless it is in doubt.
    pub async fn execute(
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
                        applied.ok().map(|state| Loaded { state, version: receipt.version, ..loaded });
                    return (state, Ok(receipt));
                }
                // Written by an earlier delivery, perhaps of another process: the kept state may lack it.
                Ok(receipt) => return (None, Ok(receipt)),
                Err(Failure::Append(AppendError::Conflict { .. })) => {}
                Err(Failure::Append(taken @ AppendError::Taken { .. })) => {
                    return (Some(loaded), Err(refusal::<A>(taken)));
                }
                Err(Failure::Append(other)) => return (None, Err(refusal::<A>(other))),
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
        let mut append = plain_append(self.id, envelope, events, version).map_err(json)?;
        append.vault = self.parts.vault.seal(envelope.private.clone()).await.map_err(Failure::Store)?;
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
        let receipt = row.map(|r| Receipt { position: r.get(0), version: r.get(1), replayed: true });
        if receipt.is_some() {
            // It can be read, but another process may still be waiting for the disk.
            log::settle(&**client).await?;
        }
        Ok(receipt)
    }
}

/// The append of decided events, without personal values.
pub(super) fn plain_append<C, E>(
    id: Uuid,
    envelope: &Envelope<C>,
    events: &[E],
    version: i64,
) -> Result<Append, serde_json::Error>
where
    E: CategoryEvent + cqrs_es::DomainEvent,
{
    Ok(Append {
        stream_id: stream_name(E::CATEGORY, id),
        expected: version,
        command_id: envelope.id,
        effective_at: envelope.meta.at,
        metadata: serde_json::to_string(&envelope.meta)?,
        events: encode(events)?,
        vault: Vec::new(),
        claims: envelope.claims.clone(),
        releases: envelope.releases.clone(),
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

enum Failure {
    Append(AppendError),
    Store(StoreError),
}

fn unavailable<E>(error: &StoreError) -> CommandError<E> {
    tracing::error!(%error, "a command cannot be executed");
    CommandError::Unavailable
}
