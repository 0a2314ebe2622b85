//! Loading aggregates: the `cqrs-es` event store over tokio-postgres and the journal.

use super::event::{RecordedEvent, encode_payload, stream_name};
use super::{
    Append, AppendError, Basis, Journal, Metadata, NewEvent, Pool, StoreError, known, log, snapshots,
};
use crate::domain::shared::{Decider, aggregate::CategoryEvent};
use chrono::Utc;
use cqrs_es::{AggregateContext, AggregateError, DomainEvent, EventEnvelope, EventStore};
use std::collections::HashMap;
use std::marker::PhantomData;
use uuid::Uuid;

/// Streams of one kind of aggregate.
pub struct EventRepository<A> {
    pool: Pool,
    journal: Journal,
    kind: PhantomData<fn() -> A>,
}

impl<A> Clone for EventRepository<A> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), journal: self.journal.clone(), kind: PhantomData }
    }
}

/// An aggregate with the version of its stream.
pub struct Loaded<A> {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: A,
    /// Events folded into it.
    pub version: i64,
    /// Version at which a snapshot of it is kept; 0 for none.
    pub kept_at: i64,
    /// What decisions on it rest on.
    pub basis: Option<Basis>,
}

impl<A: Decider> AggregateContext<A> for Loaded<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.state
    }
}

impl<A> EventRepository<A>
where
    A: Decider,
    A::Event: CategoryEvent,
{
    /// A repository over the pool for reading and the journal for writing.
    #[must_use]
    pub fn new(pool: Pool, journal: Journal) -> Self {
        Self { pool, journal, kind: PhantomData }
    }

    /// Folds the stream of aggregate `id`, from its snapshot if there is one.
    ///
    /// # Errors
    /// If the log cannot be read, or holds an event this version does not know.
    pub async fn load(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        // Taken before anything is read.
        let basis = Some(self.journal.basis());
        let client = self.pool.get().await?;
        let stream = stream_name(A::TYPE, id);
        let (snapshot, events) = snapshots::load(&client, &stream).await?;
        let mut loaded = Loaded { id: id.to_string(), state: A::default(), version: 0, kept_at: 0, basis };
        if let Some(snapshot) = snapshot {
            let Ok(state) = serde_json::from_str(&snapshot.state) else {
                tracing::warn!(aggregate = A::TYPE, "a snapshot cannot be read; all events are");
                return fold(loaded, log::stream(&client, &stream, 0).await?);
            };
            loaded = Loaded { state, version: snapshot.version, kept_at: snapshot.version, ..loaded };
        }
        fold(loaded, events)
    }

    /// Folds the streams of many aggregates, in two queries. One that cannot be read is left out: who asks for it alone
    /// is told why. Each has a basis of its own, so what becomes of one decision concerns no other.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub async fn load_many(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Loaded<A>>, StoreError> {
        // Taken before anything is read.
        let bases: Vec<Basis> = ids.iter().map(|_| self.journal.basis()).collect();
        let streams: Vec<String> = ids.iter().map(|id| stream_name(A::TYPE, *id)).collect();
        let client = self.pool.get().await?;
        let mut snapshots = snapshots::load_many(&client, &streams).await?;
        let versions: Vec<i64> =
            streams.iter().map(|stream| snapshots.get(stream).map_or(0, |s| s.version)).collect();
        let mut events: HashMap<String, Vec<RecordedEvent>> = HashMap::with_capacity(ids.len());
        for event in log::streams(&client, &streams, &versions).await? {
            events.entry(event.stream_id.clone()).or_default().push(event);
        }
        drop(client);
        let read = ids.iter().zip(bases).zip(streams).filter_map(|((id, basis), stream)| {
            let mut loaded = Loaded {
                id: id.to_string(),
                state: A::default(),
                version: 0,
                kept_at: 0,
                basis: Some(basis),
            };
            if let Some(kept) = snapshots.remove(&stream) {
                loaded.state = serde_json::from_str(&kept.state).ok()?;
                (loaded.version, loaded.kept_at) = (kept.version, kept.version);
            }
            Some((*id, fold(loaded, events.remove(&stream).unwrap_or_default()).ok()?))
        });
        Ok(read.collect())
    }

    /// Keeps a snapshot of `state` after `version` events; losing it costs nothing but time.
    pub async fn keep(&self, id: Uuid, state: &A, version: i64) {
        let kept = async {
            let json = serde_json::to_string(state).map_err(|e| StoreError::Unreadable(e.to_string()))?;
            let client = self.pool.get().await?;
            snapshots::keep(&**client, &stream_name(A::TYPE, id), version, &json).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(aggregate = A::TYPE, %error, "a snapshot is not kept");
        }
    }

    /// The journal this repository writes to.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

fn fold<A>(mut loaded: Loaded<A>, events: Vec<RecordedEvent>) -> Result<Loaded<A>, StoreError>
where
    A: Decider,
    A::Event: CategoryEvent,
{
    for event in events {
        loaded.version = event.version;
        loaded.state.apply(decode::<A>(&event)?);
    }
    Ok(loaded)
}

fn decode<A>(event: &RecordedEvent) -> Result<A::Event, StoreError>
where
    A: Decider,
    A::Event: CategoryEvent,
{
    event
        .decode::<A::Event>()
        .map_err(|e| known::why_not(event, &e))?
        .ok_or_else(|| StoreError::Unreadable(format!("{} is not a stream of {}", event.stream_id, A::TYPE)))
}

/// Turns decided events into rows.
///
/// # Errors
/// If an event cannot be written as JSON.
pub fn encode<E: DomainEvent + CategoryEvent>(events: &[E]) -> Result<Vec<NewEvent>, serde_json::Error> {
    events
        .iter()
        .map(|event| {
            let (kind, payload) = encode_payload(event)?;
            Ok(NewEvent { kind, type_version: event.event_version().parse().unwrap_or(1), payload })
        })
        .collect()
}

impl<A> EventStore<A> for EventRepository<A>
where
    A: Decider,
    A::Event: CategoryEvent,
{
    type AC = Loaded<A>;

    async fn load_events(&self, id: &str) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let client =
            self.pool.get().await.map_err(|e| AggregateError::DatabaseConnectionError(Box::new(e)))?;
        let events = log::stream(&client, &format!("{}-{id}", A::TYPE), 0).await.map_err(unexpected)?;
        events
            .iter()
            .map(|event| {
                Ok(EventEnvelope {
                    aggregate_id: id.to_owned(),
                    sequence: usize::try_from(event.version).unwrap_or_default(),
                    payload: decode::<A>(event).map_err(unexpected)?,
                    metadata: HashMap::new(),
                })
            })
            .collect()
    }

    async fn load_aggregate(&self, id: &str) -> Result<Loaded<A>, AggregateError<A::Error>> {
        let uuid = Uuid::parse_str(id).map_err(|e| AggregateError::UnexpectedError(Box::new(e)))?;
        self.load(uuid).await.map_err(unexpected)
    }

    /// Appends at the context's version. The metadata's `actor` names the part of Kinora that acts.
    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: Loaded<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let name = metadata.get("actor").map_or("repository", String::as_str);
        let meta = Metadata::system(name, Uuid::now_v7(), Utc::now());
        let json = |e: serde_json::Error| AggregateError::DeserializationError(Box::new(e));
        let append = Append {
            stream_id: format!("{}-{}", A::TYPE, context.id),
            expected: context.version,
            command_id: Uuid::now_v7(),
            effective_at: meta.at,
            metadata: serde_json::to_string(&meta).map_err(json)?,
            events: encode(&events).map_err(json)?,
            vault: Vec::new(),
            claims: Vec::new(),
            releases: Vec::new(),
            basis: context.basis.clone(),
        };
        self.journal.append(append).await.map_err(|e| match e {
            AppendError::Conflict { .. } => AggregateError::AggregateConflict,
            other => AggregateError::UnexpectedError(Box::new(other)),
        })?;
        let first = context.version + 1;
        let envelope = |(i, payload)| EventEnvelope {
            aggregate_id: context.id.clone(),
            sequence: usize::try_from(first).unwrap_or_default() + i,
            payload,
            metadata: metadata.clone(),
        };
        Ok(events.into_iter().enumerate().map(envelope).collect())
    }
}

fn unexpected<E: std::error::Error>(error: StoreError) -> AggregateError<E> {
    AggregateError::UnexpectedError(Box::new(error))
}
