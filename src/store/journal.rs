//! The one way into the log: appends of many aggregates share a transaction (group commit).
//!
//! One writer per process takes what has queued up, locks the head row, decides for each append
//! whether it fits, writes all that do, and commits. Each caller is answered after the commit. A
//! conflict fails only its own append. A lone append is not delayed; batches grow with load.
//! See `docs/decisions/0003-order-by-head-row.md`.

use super::batch::{self, Statements};
use super::pool::{Database, connect};
use super::vault::Sealed;
use super::{Claim, StoreError};
use crate::clock::Clock;
use crate::metrics::Metrics;
use chrono::{DateTime, Utc};
use std::sync::Arc;
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
    pub answer: oneshot::Sender<Result<Receipt, AppendError>>,
}

/// Handle to the writer. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::Sender<Pending>,
    head: Arc<watch::Sender<i64>>,
}

/// Appends that may wait for the writer.
const QUEUE: usize = 8192;
/// Appends of one transaction.
const BATCH: usize = 1024;
/// How long an append is tried while the database is away.
const PATIENCE: Duration = Duration::from_secs(10);

impl Journal {
    /// Starts the writer. Must be called within a Tokio runtime.
    #[must_use]
    pub fn start(database: Database, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE);
        let head = Arc::new(watch::Sender::new(0));
        let writer = Writer { database, clock, metrics, head: Arc::clone(&head), session: None };
        tokio::spawn(writer.run(inbox));
        Self { queue, head }
    }

    /// Writes an append; the answer comes after the durable commit.
    ///
    /// # Errors
    /// As [`AppendError`] says; except for `Unavailable` nothing was written.
    pub async fn append(&self, append: Append) -> Result<Receipt, AppendError> {
        let (answer, outcome) = oneshot::channel();
        self.queue.try_send(Pending { append, answer }).map_err(|_| AppendError::Busy)?;
        outcome.await.unwrap_or(Err(AppendError::Unavailable))
    }

    /// Tells of new positions: those written here at once, those of other processes when somebody
    /// calls [`Journal::announce`].
    #[must_use]
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Makes a position known that another process wrote.
    pub fn announce(&self, position: i64) {
        self.head.send_if_modified(|head| {
            let newer = position > *head;
            if newer {
                *head = position;
            }
            newer
        });
    }
}

struct Writer {
    database: Database,
    clock: Clock,
    metrics: Arc<Metrics>,
    head: Arc<watch::Sender<i64>>,
    session: Option<(tokio_postgres::Client, Statements)>,
}

impl Writer {
    async fn run(mut self, mut inbox: mpsc::Receiver<Pending>) {
        let mut waiting = Vec::with_capacity(BATCH);
        while inbox.recv_many(&mut waiting, BATCH).await > 0 {
            let batch = std::mem::take(&mut waiting);
            self.write(batch).await;
        }
    }

    /// Writes a batch, reconnecting while patience lasts. A broken connection leaves the outcome
    /// unknown; the receipts, read first in each try, tell what is already there.
    async fn write(&mut self, batch: Vec<Pending>) {
        let started = Instant::now();
        let appends: Vec<&Append> = batch.iter().map(|p| &p.append).collect();
        let answers = loop {
            match self.attempt(&appends).await {
                Ok(answers) => break answers,
                Err(error) if is_rejection(&error) => break self.one_by_one(&appends).await,
                Err(error) => {
                    self.session = None;
                    tracing::warn!(%error, appends = appends.len(), "append interrupted; trying again");
                    if started.elapsed() > PATIENCE {
                        break vec![Err(AppendError::Unavailable); appends.len()];
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        };
        self.observe(&appends, &answers, started);
        for (pending, answer) in batch.into_iter().zip(answers) {
            let _ = pending.answer.send(answer);
        }
    }

    /// A row that PostgreSQL refuses must not fail its neighbours.
    async fn one_by_one(&mut self, appends: &[&Append]) -> Vec<Result<Receipt, AppendError>> {
        let mut answers = Vec::with_capacity(appends.len());
        for append in appends {
            answers.push(match self.attempt(std::slice::from_ref(append)).await {
                Ok(mut one) => one.pop().unwrap_or(Err(AppendError::Unavailable)),
                Err(error) if is_rejection(&error) => Err(AppendError::Refused(error.to_string())),
                Err(_) => {
                    self.session = None;
                    Err(AppendError::Unavailable)
                }
            });
        }
        answers
    }

    async fn attempt(
        &mut self,
        appends: &[&Append],
    ) -> Result<Vec<Result<Receipt, AppendError>>, StoreError> {
        let session = match self.session.take() {
            Some(session) if !session.0.is_closed() => session,
            _ => {
                let client = connect(&self.database.app).await?;
                let statements = Statements::prepare(&client).await?;
                (client, statements)
            }
        };
        let written = batch::write(&session.0, &session.1, appends, self.clock.now()).await;
        match written {
            Ok(answers) => {
                let last = answers.iter().flatten().map(|r| r.position).max().unwrap_or(0);
                self.head.send_if_modified(|head| {
                    let newer = last > *head;
                    if newer {
                        *head = last;
                    }
                    newer
                });
                self.session = Some(session);
                Ok(answers)
            }
            Err(error) => {
                if !session.0.is_closed() && session.0.batch_execute("rollback").await.is_ok() {
                    self.session = Some(session);
                }
                Err(error)
            }
        }
    }

    fn observe(&self, appends: &[&Append], answers: &[Result<Receipt, AppendError>], started: Instant) {
        let metrics = &self.metrics.store;
        let mut events = 0;
        for (append, answer) in appends.iter().zip(answers) {
            let category = super::event::category_of(&append.stream_id);
            match answer {
                Ok(receipt) if !receipt.replayed => {
                    events += append.events.len();
                    metrics.appended.with_label_values(&[category]).inc_by(append.events.len() as u64);
                }
                Err(AppendError::Conflict { .. }) => metrics.conflicts.with_label_values(&[category]).inc(),
                _ => {}
            }
            metrics.append_duration.observe(started.elapsed().as_secs_f64());
        }
        if events > 0 {
            metrics.batch_events.observe(events as f64);
        }
        metrics.position.set(*self.head.borrow());
    }
}

/// Whether PostgreSQL understood and refused (bad data), as opposed to being away or being in a
/// state that passes.
fn is_rejection(error: &StoreError) -> bool {
    let StoreError::Database(error) = error else { return false };
    error.as_db_error().is_some_and(|db| {
        let class = db.code().code().get(..2).unwrap_or("");
        // data exception, integrity, insufficient privilege or syntax, program limit
        matches!(class, "22" | "23" | "42" | "54")
    })
}
