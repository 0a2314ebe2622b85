//! The one way into the log: appends of many aggregates share a transaction (group commit).
//!
//! One writer per process takes what has queued up and commits it; while one batch is being made
//! durable the next is already executed. Each caller is answered after the durable flush. A conflict
//! fails only its own append. A lone append is not delayed; batches grow with load.
//! See `docs/decisions/0003-order-by-head-row.md` and `0005-flush-behind.md`.

use super::Claim;
use super::flusher::Flusher;
use super::pool::Database;
use super::vault::Sealed;
use super::writer::Writer;
use crate::clock::Clock;
use crate::metrics::Metrics;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// An event on its way into the log.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its type.
    pub kind: String,
    /// Version of the payload's form.
    pub type_version: i16,
    /// The payload as JSON text.
    pub payload: String,
}

/// Everything one command writes, in one transaction or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// The stream.
    pub stream_id: String,
    /// The stream's version on which the decision was made.
    pub expected: i64,
    /// The command; an append with an id that is already recorded is not written again.
    pub command_id: Uuid,
    /// When it takes effect.
    pub effective_at: DateTime<Utc>,
    /// Metadata as JSON text.
    pub metadata: String,
    /// At least one event.
    pub events: Vec<NewEvent>,
    /// Sealed personal values to which the events refer.
    pub vault: Vec<Sealed>,
    /// Keys to take.
    pub claims: Vec<Claim>,
    /// Keys to give back.
    pub releases: Vec<Claim>,
    /// What the decision rests on beside the version; none if that says all.
    pub basis: Option<Basis>,
}

/// What a decision rests on beside its stream's version. The version alone does not tell: an actor decides
/// ahead on events that are still on their way, and if those are refused, another process may have written
/// as many in their place; and an event that was read before it was durable may be gone with a crash of the
/// server, and another one stand where it stood. An append whose basis is gone meets a conflict.
#[derive(Clone, Debug)]
pub struct Basis {
    gone: Arc<AtomicBool>,
    generation: u64,
}

impl Basis {
    /// A basis read while the journal's connections were of this generation. Clones share their fate.
    #[must_use]
    pub fn of(generation: u64) -> Self {
        Self { gone: Arc::default(), generation }
    }

    /// Whether it stands, now that the connections are of `generation`.
    #[must_use]
    pub fn stands(&self, generation: u64) -> bool {
        self.generation == generation && !self.gone.load(Ordering::Acquire)
    }

    /// An append that rests on it did not come to be as it was decided, so those behind it rest on nothing.
    pub fn give_up(&self) {
        self.gone.store(true, Ordering::Release);
    }
}

/// Where the events of a command stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Position of the command's last event; 0 if it had none.
    pub position: i64,
    /// Version of its stream afterwards.
    pub version: i64,
    /// Whether the command had been executed before and this is the recorded answer.
    pub replayed: bool,
}

/// Why an append was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Somebody else wrote to the stream since the decision.
    #[error("the stream is at version {actual}")]
    Conflict {
        /// The version it has.
        actual: i64,
    },
    /// Another stream holds a key that this one claims.
    #[error("{namespace} is taken")]
    Taken {
        /// The kind of key.
        namespace: String,
    },
    /// PostgreSQL refuses these rows.
    #[error("refused: {0}")]
    Refused(String),
    /// The database cannot be reached; it is not known whether the append was written, the command
    /// id will tell.
    #[error("the database cannot be reached")]
    Unavailable,
    /// Too many appends wait.
    #[error("too many appends wait")]
    Busy,
}

/// An append with the way back to its caller.
pub(super) struct Pending {
    pub append: Append,
    pub answer: Way,
    pub since: Instant,
}

type Outcome = Result<Receipt, AppendError>;

/// The way back to whoever handed an append in: called once. One that is lost tells that the outcome is not known.
pub(super) struct Way(Option<Box<dyn FnOnce(Outcome) + Send>>);

impl Way {
    fn new(tell: impl FnOnce(Outcome) + Send + 'static) -> Self {
        Self(Some(Box::new(tell)))
    }

    /// Tells the outcome.
    pub fn tell(mut self, outcome: Outcome) {
        if let Some(tell) = self.0.take() {
            tell(outcome);
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Some(tell) = self.0.take() {
            tell(Err(AppendError::Unavailable));
        }
    }
}

/// Handle to the writer. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::Sender<Pending>,
    head: Arc<watch::Sender<i64>>,
    generation: Arc<AtomicU64>,
}

/// The answer to an append that is on its way.
pub struct Ticket(oneshot::Receiver<Result<Receipt, AppendError>>);

impl Ticket {
    /// Waits until the append is durable or refused.
    ///
    /// # Errors
    /// As [`AppendError`] says; except for `Unavailable` nothing was written.
    pub async fn settled(self) -> Result<Receipt, AppendError> {
        self.0.await.unwrap_or(Err(AppendError::Unavailable))
    }
}

/// Room for one append in the writer's queue.
pub struct Place<'a>(mpsc::Permit<'a, Pending>);

impl Place<'_> {
    /// Hands an append in, without waiting. `tell` is called once with the outcome, by the task that answers
    /// everybody: it must be brief. Appends are written in the order in which they were handed in, so a later one
    /// may be decided on the outcome of an earlier one: if that is refused, the later one with the same
    /// [`Basis`] meets a conflict.
    pub fn submit(self, append: Append, tell: impl FnOnce(Result<Receipt, AppendError>) + Send + 'static) {
        self.0.send(Pending { append, answer: Way::new(tell), since: Instant::now() });
    }
}

/// Appends that may wait for the writer.
const QUEUE: usize = 8192;
/// How long an append is tried while the database is away.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

impl Journal {
    /// Starts the writer. Must be called within a Tokio runtime.
    #[must_use]
    pub fn start(database: Database, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE);
        let head = Arc::new(watch::Sender::new(0));
        let again = queue.downgrade();
        let flusher = Flusher::start(database.clone(), Arc::clone(&metrics), Arc::clone(&head), again);
        let generation = Arc::new(AtomicU64::new(0));
        tokio::spawn(Writer::new(database, clock, flusher, Arc::clone(&generation)).run(inbox));
        Self { queue, head, generation }
    }

    /// The basis of decisions on a state that is read from now on.
    #[must_use]
    pub fn basis(&self) -> Basis {
        Basis::of(self.generation.load(Ordering::Acquire))
    }

    /// Whether what was read on `basis` still counts, as far as it is known here.
    #[must_use]
    pub fn trusts(&self, basis: &Basis) -> bool {
        basis.stands(self.generation.load(Ordering::Acquire))
    }

    /// Room for an append.
    ///
    /// # Errors
    /// [`AppendError::Busy`] if too many wait.
    pub fn place(&self) -> Result<Place<'_>, AppendError> {
        self.queue.try_reserve().map(Place).map_err(|_| AppendError::Busy)
    }

    /// Hands an append in as [`Place::submit`] does; the outcome can be waited for.
    ///
    /// # Errors
    /// [`AppendError::Busy`] if too many wait.
    pub fn submit(&self, append: Append) -> Result<Ticket, AppendError> {
        let (answer, outcome) = oneshot::channel();
        self.place()?.submit(append, move |told| drop(answer.send(told)));
        Ok(Ticket(outcome))
    }

    /// Writes an append; the answer comes after the durable flush.
    ///
    /// # Errors
    /// As [`AppendError`] says; except for `Unavailable` nothing was written.
    pub async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        self.submit(append)?.settled().await
    }

    /// Tells of new positions once they are durable: those written here at once, those of other processes when
    /// somebody calls [`Journal::announce`].
    #[must_use]
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Makes a position known that another process wrote, and that is durable.
    pub fn announce(&self, position: i64) {
        raise(&self.head, position);
    }
}

/// Moves `head` forward to `position`, never back.
pub(super) fn raise(head: &watch::Sender<i64>, position: i64) {
    head.send_if_modified(|head| {
        let newer = position > *head;
        if newer {
            *head = position;
        }
        newer
    });
}
