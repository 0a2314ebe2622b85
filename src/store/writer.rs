//! The journal's writer: executes batches, one after the other.
//!
//! A lone append goes over the *durable* connection, whose commit waits for the disk. Under load the
//! *quick* connection commits without waiting, and the flusher makes several such batches durable at
//! once while the next is executed: the lock on the head row is never held across a flush.

use super::StoreError;
use super::batch::{self, Locked};
use super::flusher::{Executed, Flusher};
use super::journal::{Append, AppendError, PATIENCE, Pending, Receipt};
use super::lean::{self, Lean, Tail};
use super::pool::{Database, connect};
use crate::clock::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_postgres::Client;

/// Appends of one transaction.
const BATCH: usize = 1024;
/// Batches that keep to the locked form after the lean one met another process's events; doubled
/// each time, up to this.
const LONGEST_DISTRUST: u32 = 64;

/// A connection with its prepared statements.
struct Line {
    client: Client,
    locked: Locked,
    lean: Lean,
}

impl Line {
    async fn open(database: &Database, durable: bool) -> Result<Self, StoreError> {
        let client = connect(&database.app).await?;
        // A generic plan made while the table was empty would scan it for ever.
        client
            .batch_execute("set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set enable_bitmapscan = off; set enable_material = off; set plan_cache_mode = force_generic_plan")
            .await?;
        let wait = if durable { "on" } else { "off" };
        client.batch_execute(&format!("set synchronous_commit = {wait}")).await?;
        let locked = Locked::prepare(&client).await?;
        let lean = Lean::prepare(&client).await?;
        Ok(Self { client, locked, lean })
    }

    fn is_open(&self) -> bool {
        !self.client.is_closed()
    }
}

pub(super) struct Writer {
    database: Database,
    clock: Clock,
    flusher: Flusher,
    durable: Option<Line>,
    quick: Option<Line>,
    /// The end of the log as this writer last left it.
    tail: Option<Tail>,
    /// For how many batches the tail is not trusted, and how many the next disappointment costs.
    distrust: (u32, u32),
    /// How often the server may have been another one than before: raised with each connection that is
    /// opened while no other stands.
    generation: Arc<AtomicU64>,
}

/// What one transaction gave.
struct Written {
    answers: Vec<Result<Receipt, AppendError>>,
    /// Whether anything was committed.
    committed: bool,
}

impl Writer {
    pub fn new(database: Database, clock: Clock, flusher: Flusher, generation: Arc<AtomicU64>) -> Self {
        let (durable, quick, tail) = (None, None, None);
        Self { database, clock, flusher, durable, quick, tail, distrust: (0, 1), generation }
    }

    pub async fn run(mut self, mut inbox: mpsc::Receiver<Pending>) {
        // Opened before anything is read for a decision: as long as it stands, so does what was read.
        self.durable = Line::open(&self.database, true).await.ok();
        let mut waiting = Vec::with_capacity(BATCH);
        while inbox.recv_many(&mut waiting, BATCH).await > 0 {
            let batch = std::mem::take(&mut waiting);
            let lone = batch.len() == 1 && inbox.is_empty() && self.flusher.is_idle();
            self.write(batch, lone).await;
        }
    }

    /// Writes a batch, reconnecting while patience lasts. A broken connection leaves the outcome
    /// unknown; the receipts, read first in the locked form, tell what is already there.
    async fn write(&mut self, batch: Vec<Pending>, durable: bool) {
        let begun = Instant::now();
        let appends: Vec<&Append> = batch.iter().map(|p| &p.append).collect();
        let written = loop {
            match self.attempt(&appends, durable).await {
                Ok(written) => break written,
                Err(error) if is_rejection(&error) => break self.one_by_one(&appends, durable).await,
                Err(error) => {
                    tracing::warn!(%error, appends = appends.len(), "append interrupted; trying again");
                    if begun.elapsed() > PATIENCE {
                        let answers = vec![Err(AppendError::Unavailable); appends.len()];
                        break Written { answers, committed: false };
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        };
        for (append, answer) in appends.iter().zip(&written.answers) {
            if let Some(basis) = append.basis.as_ref().filter(|_| !matches!(answer, Ok(r) if !r.replayed)) {
                basis.give_up();
            }
        }
        let executed = Executed { batch, answers: written.answers, begun };
        // A commit that waited has made durable all that stood before it, too.
        if durable && written.committed {
            self.flusher.answer(executed)
        } else {
            self.flusher.flush(executed)
        }
    }

    /// A row that PostgreSQL refuses must not fail its neighbours.
    async fn one_by_one(&mut self, appends: &[&Append], durable: bool) -> Written {
        let mut all = Written { answers: Vec::with_capacity(appends.len()), committed: false };
        for append in appends {
            all.answers.push(match self.attempt(std::slice::from_ref(append), durable).await {
                Ok(mut one) => {
                    all.committed |= one.committed;
                    one.answers.pop().unwrap_or(Err(AppendError::Unavailable))
                }
                Err(error) if is_rejection(&error) => Err(AppendError::Refused(error.to_string())),
                Err(_) => Err(AppendError::Unavailable),
            });
        }
        all
    }

    async fn attempt(&mut self, appends: &[&Append], durable: bool) -> Result<Written, StoreError> {
        let kept = if durable { self.durable.take() } else { self.quick.take() };
        let line = match kept.filter(Line::is_open) {
            Some(line) => line,
            None => {
                self.tail = None;
                let line = Line::open(&self.database, durable).await?;
                let other = if durable { &self.quick } else { &self.durable };
                if !other.as_ref().is_some_and(Line::is_open) {
                    self.generation.fetch_add(1, Ordering::AcqRel);
                }
                line
            }
        };
        let outcome = self.execute(&line, appends).await;
        let usable =
            outcome.is_ok() || (line.is_open() && line.client.batch_execute("rollback").await.is_ok());
        if usable {
            *(if durable { &mut self.durable } else { &mut self.quick }) = Some(line);
        }
        outcome
    }

    /// In one statement if nothing stands in the way, else step by step under the head row's lock.
    async fn execute(&mut self, line: &Line, appends: &[&Append]) -> Result<Written, StoreError> {
        let now = self.clock.now();
        let generation = self.generation.load(Ordering::Acquire);
        if self.distrust.0 > 0 {
            self.distrust.0 -= 1;
        } else if let Some(tail) = self.tail.take() {
            match lean::write(&line.client, &line.lean, appends, now, &tail, generation).await {
                Ok(Some((answers, tail))) => {
                    self.tail = Some(tail);
                    self.distrust = (0, 1);
                    return Ok(Written { answers, committed: true });
                }
                // Not for this form: the tail is still right.
                Ok(None) if !lean::fits(appends, generation) => self.tail = Some(tail),
                Ok(None) => self.distrust = (self.distrust.1, (self.distrust.1 * 2).min(LONGEST_DISTRUST)),
                // The locked form finds out which of them it is.
                Err(error) if is_rejection(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let (answers, tail) = batch::write(&line.client, &line.locked, appends, now, generation).await?;
        let committed = answers.iter().flatten().any(|r| !r.replayed);
        self.tail = Some(tail);
        Ok(Written { answers, committed })
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
