//! The bus: takes a command to the one actor of its aggregate and brings the answer back.

use super::caller::Caller;
use super::directory::Directory;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::{Decider, PersonalValue};
use crate::metrics::Metrics;
use crate::store::known::Unknown;
use crate::store::repository::Loaded;
pub use crate::store::{Actor, Claim, Metadata, Receipt};
use crate::store::{Journal, Pool, Vault};
use actix::{Arbiter, ArbiterHandle, System};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// A command with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Envelope<C> {
    /// Id of the command: the same id is executed once and then gives the recorded answer.
    pub id: Uuid,
    /// Id of the aggregate.
    pub stream: Uuid,
    /// The command.
    pub command: C,
    /// Who, why, when.
    pub meta: Metadata,
    /// Personal values to which the events will refer; written if the command decides any event.
    pub private: Vec<PersonalValue>,
    /// Keys the aggregate takes with the append.
    pub claims: Vec<Claim>,
    /// Keys it gives back with the append.
    pub releases: Vec<Claim>,
    /// The version of the stream that whoever gives it has seen; at another one it is not executed.
    pub seen: Option<i64>,
}

impl<C> Envelope<C> {
    /// A command without personal values and claims.
    pub fn new(id: Uuid, stream: Uuid, command: C, meta: Metadata) -> Self {
        Self {
            id,
            stream,
            command,
            meta,
            private: Vec::new(),
            claims: Vec::new(),
            releases: Vec::new(),
            seen: None,
        }
    }

    /// Only as long as nobody has changed the aggregate since `version`.
    #[must_use]
    pub fn having_seen(mut self, version: Option<i64>) -> Self {
        self.seen = version;
        self
    }

    /// With personal values.
    #[must_use]
    pub fn with_private(mut self, values: Vec<PersonalValue>) -> Self {
        self.private = values;
        self
    }

    /// With keys to take.
    #[must_use]
    pub fn with_claims(mut self, claims: Vec<Claim>) -> Self {
        self.claims = claims;
        self
    }

    /// With keys to give back.
    #[must_use]
    pub fn with_releases(mut self, releases: Vec<Claim>) -> Self {
        self.releases = releases;
        self
    }
}

/// Why a command was not executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError<E> {
    /// The aggregate refuses; its error says why, in words for people.
    #[error("{0}")]
    Refused(E),
    /// Another aggregate holds a key that this one needs.
    #[error("This {} is already in use.", .namespace.replace('-', " "))]
    Taken {
        /// What kind of key, such as `film-slug`.
        namespace: String,
    },
    /// Somebody has changed it since the version that was seen; nothing was done.
    #[error("It has changed since you read it. Read it again, then decide.")]
    Stale,
    /// Too much is in work; nothing was done.
    #[error("Too busy. Try again in a moment.")]
    Busy,
    /// No answer in time. It may still be executed: ask again with the same command id.
    #[error("This takes longer than usual. Try again in a moment.")]
    TimedOut,
    /// The database cannot be reached; ask again with the same command id.
    #[error("The database cannot be reached. Try again in a moment.")]
    Unavailable,
    /// What a newer version wrote stands in its log; nothing was done.
    #[error(
        "A newer version of Kinora has changed this. It can be changed again as soon as that version runs here."
    )]
    Newer(Unknown),
    /// A programming error in the aggregate; nothing was written.
    #[error("Something went wrong on our side.")]
    Panicked,
}

impl<E: std::fmt::Display> CommandError<E> {
    /// The same, for those who do not know the kind of aggregate.
    #[must_use]
    pub fn in_words(self) -> CommandError<String> {
        match self {
            Self::Refused(why) => CommandError::Refused(why.to_string()),
            Self::Taken { namespace } => CommandError::Taken { namespace },
            Self::Stale => CommandError::Stale,
            Self::Busy => CommandError::Busy,
            Self::TimedOut => CommandError::TimedOut,
            Self::Unavailable => CommandError::Unavailable,
            Self::Newer(unknown) => CommandError::Newer(unknown),
            Self::Panicked => CommandError::Panicked,
        }
    }
}

/// How long a caller waits for an answer.
const DEADLINE: Duration = Duration::from_secs(15);
/// Commands of one aggregate that may wait.
pub(super) const PER_AGGREGATE: usize = 256;

/// How much a bus keeps and takes at once.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Commands in work.
    pub commands: usize,
    /// An aggregate without commands for so long leaves the memory.
    pub idle: Duration,
}

impl Room {
    /// Room for so many commands; aggregates stay for two minutes.
    #[must_use]
    pub const fn of(commands: usize) -> Self {
        Self { commands, idle: Duration::from_secs(120) }
    }
}

/// Handle to all aggregates. Cheap to clone.
#[derive(Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

struct Inner {
    directories: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    parts: Parts,
    admission: Arc<Semaphore>,
    limit: usize,
}

/// What an aggregate's actor works with.
#[derive(Clone)]
pub(super) struct Parts {
    pub pool: Pool,
    pub journal: Journal,
    pub vault: Vault,
    pub metrics: Arc<Metrics>,
    pub arbiters: Arc<Vec<ArbiterHandle>>,
    pub runtime: Handle,
    pub idle: Duration,
}

impl Bus {
    /// A bus with `room`. Must be called within the Tokio runtime on which the database is spoken to.
    #[must_use]
    pub fn new(pool: Pool, journal: Journal, vault: Vault, metrics: Arc<Metrics>, room: Room) -> Self {
        // Deciding takes microseconds: more threads than the work needs only wait for each other.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let arbiters = Arc::new(start_arbiters((cores / 2).max(1)));
        let Room { commands: limit, idle } = room;
        let parts = Parts { pool, journal, vault, metrics, arbiters, runtime: Handle::current(), idle };
        let admission = Arc::new(Semaphore::new(limit));
        Self { inner: Arc::new(Inner { directories: Mutex::default(), parts, admission, limit }) }
    }

    /// Executes a command. It runs to its end even if the caller goes away.
    ///
    /// # Errors
    /// As [`CommandError`] says.
    pub async fn dispatch<A>(&self, envelope: Envelope<A::Command>) -> Result<Receipt, CommandError<A::Error>>
    where
        A: Decider,
        A::Event: CategoryEvent,
    {
        self.dispatch_on::<A>(envelope, None).await
    }

    /// As [`Self::dispatch`], for an aggregate that was read already: its actor need not read it again, if it does not
    /// know it yet. Should the log have moved on since, it is read after all: a decision rests on this as on
    /// any state that an actor keeps.
    ///
    /// # Errors
    /// As [`CommandError`] says.
    pub async fn dispatch_on<A>(
        &self,
        envelope: Envelope<A::Command>,
        known: Option<Loaded<A>>,
    ) -> Result<Receipt, CommandError<A::Error>>
    where
        A: Decider,
        A::Event: CategoryEvent,
    {
        let metrics = &self.inner.parts.metrics.actors;
        let Ok(permit) = Arc::clone(&self.inner.admission).try_acquire_owned() else {
            metrics.refused.with_label_values(&[A::TYPE]).inc();
            metrics.commands.with_label_values(&[A::TYPE, "busy"]).inc();
            return Err(CommandError::Busy);
        };
        let directory = self.directory::<A>();
        let meters = directory.meters();
        let started = Instant::now();
        let (caller, waiting) = Caller::admitted(permit, meters.depth.clone());
        directory.send(envelope, known, caller);
        let answer = match tokio::time::timeout(DEADLINE, waiting.answer()).await {
            Ok(answer) => answer,
            Err(_) => Err(CommandError::TimedOut),
        };
        meters.duration.observe(started.elapsed().as_secs_f64());
        match outcome(&answer) {
            "accepted" => meters.accepted.inc(),
            other => metrics.commands.with_label_values(&[A::TYPE, other]).inc(),
        }
        answer
    }

    /// Waits until every command that was taken is answered, whoever sent it and went away: at most that long. Whether
    /// none is left.
    pub async fn quiet(&self, patience: Duration) -> bool {
        let all = u32::try_from(self.inner.limit).unwrap_or(u32::MAX);
        matches!(tokio::time::timeout(patience, self.inner.admission.acquire_many(all)).await, Ok(Ok(_)))
    }

    fn directory<A>(&self) -> Arc<Directory<A>>
    where
        A: Decider,
        A::Event: CategoryEvent,
    {
        let mut all = self.inner.directories.lock().unwrap_or_else(PoisonError::into_inner);
        let any = all
            .entry(TypeId::of::<A>())
            .or_insert_with(|| Arc::new(Directory::<A>::new(self.inner.parts.clone())));
        let found = Arc::clone(any).downcast::<Directory<A>>();
        // The entry under A's type id was made as Directory<A>: the other arm is never taken.
        found.unwrap_or_else(|_| Arc::new(Directory::new(self.inner.parts.clone())))
    }
}

fn outcome<E>(answer: &Result<Receipt, CommandError<E>>) -> &'static str {
    match answer {
        Ok(Receipt { replayed: true, .. }) => "replayed",
        Ok(Receipt { position: 0, .. }) => "unchanged",
        Ok(_) => "accepted",
        Err(CommandError::Refused(_) | CommandError::Taken { .. }) => "refused",
        Err(CommandError::Stale) => "stale",
        Err(CommandError::Busy) => "busy",
        Err(CommandError::TimedOut) => "timed_out",
        Err(CommandError::Unavailable) => "unavailable",
        Err(CommandError::Newer(_)) => "newer",
        Err(CommandError::Panicked) => "panicked",
    }
}

/// One actix system per process, on a thread of its own, with `count` arbiters for aggregates.
fn start_arbiters(count: usize) -> Vec<ArbiterHandle> {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name("actors".into()).spawn(move || {
        let system = System::new();
        let handles: Vec<ArbiterHandle> =
            (0..count).map(|_| system.block_on(async { Arbiter::new().handle() })).collect();
        if tell.send(handles).is_ok() {
            let _ = system.run();
        }
    });
    match thread {
        Ok(_) => told.recv().unwrap_or_default(),
        Err(error) => {
            tracing::error!(%error, "the actors' thread cannot be started");
            Vec::new()
        }
    }
}
