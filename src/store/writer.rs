//! The journal's writer: executes batches, one after the other.
//!
//! A lone append goes over the *durable* connection, whose commit waits for the disk. Under load the
//! *quick* connection commits without waiting, and the flusher makes several such batches durable at
//! once while the next is executed: the lock on the head row is never held across a flush. There the
//! next batch is sent before the answer to the last is there, so PostgreSQL never waits for us.

use super::StoreError;
use super::batch::{self, Locked};
use super::flusher::{Executed, Flusher};
use super::journal::{Append, AppendError, PATIENCE, Pending, Receipt};
use super::lean::{self, Lean, Plan};
use super::left::Left;
use super::pool::{Database, connect};
use crate::clock::Clock;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesOrdered, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_postgres::Client;

/// Appends of one transaction.
const BATCH: usize = 1024;
/// Batches that are sent and not answered: one that PostgreSQL executes, and the next.
const AHEAD: usize = 2;
/// Appends that are worth a batch of their own beside another: each costs a fixed price, too.
const WORTH: usize = 32;
/// Batches that keep to the locked form after the lean one met another process's events; doubled
/// each time, up to this.
const LONGEST_DISTRUST: u32 = 64;

/// How long a server may leave a batch without any answer before it is taken for frozen: longer than its own limit for a
/// statement, so that one that is merely slow answers before.
pub(super) const FROZEN: Duration = Duration::from_secs(75);

/// As `work`, but for a server that does not answer any more.
///
/// # Errors
/// As `work`, or that there is no answer.
pub(super) async fn answered<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let silent =
        |_| StoreError::Cluster(format!("PostgreSQL has not answered for {} seconds", FROZEN.as_secs()));
    tokio::time::timeout(FROZEN, work).await.map_err(silent)?
}

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
        // It holds the head of the log: sooner than for others.
        client.batch_execute("set idle_in_transaction_session_timeout = '10s'").await?;
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
    durable: Option<Arc<Line>>,
    quick: Option<Arc<Line>>,
    /// The log as this writer last left it.
    left: Option<Left>,
    /// For how many batches that is not trusted, and how many the next disappointment costs.
    distrust: (u32, u32),
    /// How often the server may have been another one than before: raised with each connection that is opened in the
    /// place of a broken one, whatever the other seems to be (a connection that nobody uses breaks late), or while no
    /// other stands.
    generation: Arc<AtomicU64>,
    /// Whether the durable and the quick connection have been open before.
    had: [bool; 2],
}

/// What one transaction gave.
struct Written {
    answers: Vec<Result<Receipt, AppendError>>,
    /// Whether anything was committed.
    committed: bool,
}

/// A batch that was sent ahead, with what became of it.
struct Landed {
    batch: Vec<Pending>,
    plan: Plan,
    begun: Instant,
    /// Whether each append had a transaction of its own.
    apart: bool,
    /// How many of its appends were written: the first.
    written: usize,
    /// Why it is not known of the others; none: they were not.
    broken: Option<StoreError>,
}

type Flights = FuturesOrdered<BoxFuture<'static, Landed>>;

impl Writer {
    pub fn new(database: Database, clock: Clock, flusher: Flusher, generation: Arc<AtomicU64>) -> Self {
        let (durable, quick, left) = (None, None, None);
        let had = [false; 2];
        Self { database, clock, flusher, durable, quick, left, distrust: (0, 1), generation, had }
    }

    pub async fn run(mut self, mut inbox: mpsc::Receiver<Pending>) {
        // Opened before anything is read for a decision: as long as it stands, so does what was read.
        self.durable = Line::open(&self.database, true).await.ok().map(Arc::new);
        self.had[0] = self.durable.is_some();
        let mut waiting = Vec::with_capacity(BATCH);
        let mut flights = Flights::new();
        loop {
            if let Some(landed) = flights.next().await {
                self.land(landed, &mut flights).await;
                while waiting.len() < BATCH
                    && let Ok(pending) = inbox.try_recv()
                {
                    waiting.push(pending);
                }
            } else if waiting.is_empty() && inbox.recv_many(&mut waiting, BATCH).await == 0 {
                return;
            }
            while !waiting.is_empty() {
                let enough = flights.is_empty() || (flights.len() < AHEAD && waiting.len() >= WORTH);
                if !enough {
                    break;
                }
                // The first of two takes half, so that the other is there when it is done.
                let split = flights.is_empty() && waiting.len() >= 2 * WORTH;
                let rest = if split { waiting.split_off(waiting.len() / 2) } else { Vec::new() };
                let batch = std::mem::replace(&mut waiting, rest);
                let lone = batch.len() == 1 && inbox.is_empty() && self.flusher.is_idle();
                match self.ahead(batch, lone, &mut flights) {
                    None => {}
                    // It goes behind all that was sent.
                    Some(batch) => {
                        while let Some(landed) = flights.next().await {
                            self.land(landed, &mut flights).await;
                        }
                        self.write(batch, lone).await;
                    }
                }
            }
        }
    }

    /// Sends a batch without waiting for the answer, or gives it back if it must be written by itself.
    fn ahead(&mut self, batch: Vec<Pending>, lone: bool, flights: &mut Flights) -> Option<Vec<Pending>> {
        if lone || self.distrust.0 > 0 {
            return Some(batch);
        }
        let generation = self.generation.load(Ordering::Acquire);
        let line = match (self.quick.as_ref().filter(|l| l.is_open()), &self.left) {
            (Some(line), Some(left)) if lean::fits(&appends_of(&batch), left, generation) => Arc::clone(line),
            _ => return Some(batch),
        };
        let Some(left) = &mut self.left else { return Some(batch) };
        let begun = Instant::now();
        let plan = lean::plan(&appends_of(&batch), self.clock.now(), left);
        flights.push_back(Box::pin(async move {
            let appends = appends_of(&batch);
            let apart = lean::are_few(&appends);
            let outcome = if apart {
                let each = lean::write_each(&line.client, &line.lean, &appends, &plan);
                answered(async { Ok(each.await) }).await.unwrap_or_else(|silent| Err((0, silent)))
            } else {
                let whole = answered(lean::write(&line.client, &line.lean, &appends, &plan)).await;
                whole.map(|w| if w { appends.len() } else { 0 }).map_err(|error| (0, error))
            };
            let (written, broken) = match outcome {
                Ok(written) => (written, None),
                Err((written, error)) => (written, Some(error)),
            };
            Landed { batch, plan, begun, apart, written, broken }
        }));
        None
    }

    /// Hands on what was written. Whatever was not, and so nothing of what was sent behind it, is written
    /// step by step: the receipts tell what is there if the outcome is not known.
    async fn land(&mut self, landed: Landed, flights: &mut Flights) {
        let Landed { mut batch, plan, begun, apart, written, broken } = landed;
        let rest = batch.split_off(written);
        if written > 0 {
            let answers = plan.receipts.into_iter().take(written).map(Ok).collect();
            self.flusher.flush(Executed { batch, answers, begun, apart });
        }
        if rest.is_empty() {
            self.distrust = (0, 1);
            return;
        }
        let mut again = vec![rest];
        while let Some(next) = flights.next().await {
            again.push(next.batch);
        }
        self.left = None;
        match broken {
            None => self.disappointed(),
            // Nothing is asked of a server that is silent.
            Some(StoreError::Cluster(_)) => self.quick = None,
            Some(_) => {}
        }
        for batch in again {
            self.write(batch, false).await;
        }
    }

    /// Writes a batch, reconnecting while patience lasts. A broken connection leaves the outcome
    /// unknown; the receipts, read first in the locked form, tell what is already there.
    async fn write(&mut self, batch: Vec<Pending>, durable: bool) {
        let begun = Instant::now();
        let appends = appends_of(&batch);
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
        let executed = Executed { batch, answers: written.answers, begun, apart: false };
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
            let answer = match self.attempt(std::slice::from_ref(append), durable).await {
                Ok(mut one) => {
                    all.committed |= one.committed;
                    one.answers.pop().unwrap_or(Err(AppendError::Unavailable))
                }
                Err(error) if is_rejection(&error) => Err(AppendError::Refused(error.to_string())),
                Err(_) => Err(AppendError::Unavailable),
            };
            // Before the next one is tried: what was decided on top of it must not come to be (decision 6).
            if let (Err(_), Some(basis)) = (&answer, &append.basis) {
                basis.give_up();
            }
            all.answers.push(answer);
        }
        all
    }

    async fn attempt(&mut self, appends: &[&Append], durable: bool) -> Result<Written, StoreError> {
        let kept = if durable { self.durable.take() } else { self.quick.take() };
        let line = match kept.filter(|l| l.is_open()) {
            Some(line) => line,
            None => {
                self.left = None;
                let line = answered(Line::open(&self.database, durable)).await?;
                let other = if durable { &self.quick } else { &self.durable };
                let had = std::mem::replace(&mut self.had[usize::from(!durable)], true);
                if had || !other.as_ref().is_some_and(|l| l.is_open()) {
                    self.generation.fetch_add(1, Ordering::AcqRel);
                }
                Arc::new(line)
            }
        };
        let outcome = answered(self.execute(&line, appends)).await;
        // Of a server that is silent nothing is asked any more.
        let silent = matches!(outcome, Err(StoreError::Cluster(_)));
        let usable = outcome.is_ok()
            || (!silent && line.is_open() && line.client.batch_execute("rollback").await.is_ok());
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
        } else if let Some(mut left) = self.left.take_if(|left| lean::fits(appends, left, generation)) {
            let plan = lean::plan(appends, now, &mut left);
            match lean::write(&line.client, &line.lean, appends, &plan).await {
                Ok(true) => {
                    self.left = Some(left);
                    self.distrust = (0, 1);
                    let answers = plan.receipts.into_iter().map(Ok).collect();
                    return Ok(Written { answers, committed: true });
                }
                Ok(false) => self.disappointed(),
                // The locked form finds out which of them it is.
                Err(error) if is_rejection(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let (answers, tail) = batch::write(&line.client, &line.locked, appends, now, generation).await?;
        let accepted = |r: &Result<Receipt, AppendError>| r.as_ref().ok().filter(|r| !r.replayed).copied();
        let written = || appends.iter().zip(&answers).filter_map(|(a, r)| Some((*a, accepted(r)?)));
        let events: usize = written().map(|(a, _)| a.events.len()).sum();
        let mut left = match self.left.take() {
            // Positions have no holes: nobody else wrote in between, and what is known of the streams holds.
            Some(left) if left.tail.position + i64::try_from(events).unwrap_or(i64::MAX) == tail.position => {
                left.now_at(tail)
            }
            _ => Left::at(tail),
        };
        written().for_each(|(append, receipt)| left.wrote(&append.stream_id, receipt.version));
        self.left = Some(left);
        let committed = written().next().is_some();
        Ok(Written { answers, committed })
    }

    /// The lean form met somebody else's events.
    fn disappointed(&mut self) {
        self.distrust = (self.distrust.1, (self.distrust.1 * 2).min(LONGEST_DISTRUST));
    }
}

fn appends_of(batch: &[Pending]) -> Vec<&Append> {
    batch.iter().map(|p| &p.append).collect()
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
