//! Makes executed batches durable and answers their callers.
//!
//! The writer's quick connection commits without waiting for the disk. WAL is flushed in order, so
//! one small synchronous commit makes everything durable that was committed before it. Batches that
//! finish while one flush is running share the next.

use super::journal::{AppendError, Basis, PATIENCE, Pending, Receipt, raise};
use super::pool::{Database, connect};
use super::writer::answered;
use super::{StoreError, event, log};
use crate::metrics::Metrics;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// A batch that stands in the log, with what its callers are to hear once it is durable.
pub(super) struct Executed {
    pub batch: Vec<Pending>,
    pub answers: Vec<Result<Receipt, AppendError>>,
    /// When its execution began.
    pub begun: Instant,
    /// Whether each append had a transaction of its own.
    pub apart: bool,
}

/// The writer's side.
pub(super) struct Flusher {
    queue: mpsc::UnboundedSender<Executed>,
    /// Batches that are not answered yet.
    open: Arc<AtomicUsize>,
    told: Arc<Told>,
}

impl Flusher {
    pub fn start(
        database: Database,
        metrics: Arc<Metrics>,
        head: Arc<watch::Sender<i64>>,
        again: mpsc::WeakSender<Pending>,
    ) -> Self {
        // Bounded by the journal's queue: what waits here has its callers waiting.
        let (queue, inbox) = mpsc::unbounded_channel();
        let open = Arc::new(AtomicUsize::new(0));
        let written = Arc::new(watch::Sender::new(0));
        tokio::spawn(notify_others(database.clone(), written.subscribe()));
        let told = Arc::new(Told { metrics, head, written });
        let worker =
            Worker { database, again, told: Arc::clone(&told), open: Arc::clone(&open), connection: None };
        tokio::spawn(worker.run(inbox));
        Self { queue, open, told }
    }

    /// Whether nothing waits for a flush.
    pub fn is_idle(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }

    /// Makes `executed` durable, then answers.
    pub fn flush(&self, executed: Executed) {
        self.open.fetch_add(1, Ordering::AcqRel);
        // The worker lives as long as this handle.
        let _ = self.queue.send(executed);
    }

    /// Answers at once: it is durable already.
    pub fn answer(&self, executed: Executed) {
        self.told.answer(executed);
    }
}

/// Who is told of what became durable.
struct Told {
    metrics: Arc<Metrics>,
    head: Arc<watch::Sender<i64>>,
    written: Arc<watch::Sender<i64>>,
}

impl Told {
    fn answer(&self, executed: Executed) {
        let store = &self.metrics.store;
        let last = executed.answers.iter().flatten().map(|r| r.position).max().unwrap_or(0);
        raise(&self.head, last);
        // Counted first and told at once: a batch has few categories and many appends.
        let mut appended: Vec<(String, u64)> = Vec::new();
        for (pending, answer) in executed.batch.into_iter().zip(executed.answers) {
            let category = event::category_of(&pending.append.stream_id);
            match &answer {
                Ok(receipt) if !receipt.replayed => {
                    let count = pending.append.events.len() as u64;
                    if executed.apart {
                        store.batch_events.observe(count as f64);
                    }
                    match appended.iter_mut().find(|(known, _)| known == category) {
                        Some((_, sum)) => *sum += count,
                        None => appended.push((category.to_owned(), count)),
                    }
                }
                Err(AppendError::Conflict { .. }) => store.conflicts.with_label_values(&[category]).inc(),
                _ => {}
            }
            store.append_duration.observe(pending.since.elapsed().as_secs_f64());
            pending.answer.tell(answer);
        }
        let mut events = 0;
        for (category, count) in appended {
            store.appended.with_label_values(&[&category]).inc_by(count);
            events += count;
        }
        if events > 0 {
            if !executed.apart {
                store.batch_events.observe(events as f64);
            }
            raise(&self.written, last);
        }
        store.position.set(*self.head.borrow());
    }
}

struct Connection {
    client: Client,
    barrier: Statement,
    /// What was executed before this may have been lost with the server that this one replaced.
    since: Instant,
}

struct Worker {
    database: Database,
    again: mpsc::WeakSender<Pending>,
    told: Arc<Told>,
    open: Arc<AtomicUsize>,
    connection: Option<Connection>,
}

impl Worker {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Executed>) {
        let mut waiting = Vec::new();
        while inbox.recv_many(&mut waiting, 1024).await > 0 {
            let count = waiting.len();
            let started = Instant::now();
            let mut batches = std::mem::take(&mut waiting);
            loop {
                match answered(self.flush(&mut batches)).await {
                    Ok(()) => break,
                    Err(error) => {
                        self.connection = None;
                        tracing::warn!(%error, batches = batches.len(), "flush interrupted; trying again");
                        if started.elapsed() > PATIENCE {
                            for executed in &mut batches {
                                // What was decided on top of them may rest on nothing.
                                executed
                                    .batch
                                    .iter()
                                    .filter_map(|p| p.append.basis.as_ref())
                                    .for_each(Basis::give_up);
                                executed.answers.fill_with(|| Err(AppendError::Unavailable));
                            }
                            break;
                        }
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
            for executed in batches {
                self.told.answer(executed);
            }
            self.open.fetch_sub(count, Ordering::AcqRel);
        }
    }

    /// One flush for all of `batches`.
    async fn flush(&mut self, batches: &mut [Executed]) -> Result<(), StoreError> {
        let connection = match self.connection.take().filter(|c| !c.client.is_closed()) {
            Some(connection) => connection,
            None => Connection::open(&self.database).await?,
        };
        if batches.iter().any(|b| b.begun <= connection.since) {
            self.look_up(&connection, batches).await?;
        }
        connection.client.query(&connection.barrier, &[]).await?;
        self.connection = Some(connection);
        Ok(())
    }

    /// The server was perhaps restarted since the batches were executed, and what it had not flushed
    /// is gone. What is not in the log any more goes back to the writer.
    async fn look_up(&self, connection: &Connection, batches: &mut [Executed]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> =
            batches.iter().flat_map(|b| b.batch.iter().map(|p| p.append.command_id)).collect();
        let found: HashSet<Uuid> = connection
            .client
            .query(
                "select command_id from command_receipts where log_id = 1 and command_id = any($1)",
                &[&ids],
            )
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect();
        for executed in batches {
            let (batch, answers) =
                (std::mem::take(&mut executed.batch), std::mem::take(&mut executed.answers));
            for (pending, answer) in batch.into_iter().zip(answers) {
                if answer.is_err() || found.contains(&pending.append.command_id) {
                    executed.batch.push(pending);
                    executed.answers.push(answer);
                } else {
                    self.resubmit(pending).await;
                }
            }
        }
        Ok(())
    }

    async fn resubmit(&self, pending: Pending) {
        tracing::warn!(command = %pending.append.command_id, "an append was lost before its flush; written again");
        // A writer that has ended drops it, and its caller reads that it is not known.
        if let Some(queue) = self.again.upgrade() {
            let _ = queue.try_send(pending);
        }
    }
}

impl Connection {
    async fn open(database: &Database) -> Result<Self, StoreError> {
        let client = connect(&database.app).await?;
        client.batch_execute("set synchronous_commit = on").await?;
        let barrier = client.prepare(log::BARRIER).await?;
        Ok(Self { client, barrier, since: Instant::now() })
    }
}

/// Tells other processes of the newest position, after the commit: inside the transaction NOTIFY
/// takes a lock on the whole database. Positions that come while one is being sent share the next.
async fn notify_others(database: Database, mut written: watch::Receiver<i64>) {
    const PAUSE: Duration = Duration::from_millis(5);
    let mut client: Option<Client> = None;
    while written.changed().await.is_ok() {
        let position = *written.borrow_and_update();
        let open = match client.take().filter(|c| !c.is_closed()) {
            Some(open) => Ok(open),
            None => open_notifier(&database).await,
        };
        // Whoever misses it looks at the head twice a second.
        if let Ok(open) = open
            && open.batch_execute(&format!("notify kinora_events, '{position}'")).await.is_ok()
        {
            client = Some(open);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn open_notifier(database: &Database) -> Result<Client, StoreError> {
    let client = connect(&database.app).await?;
    client.batch_execute("set synchronous_commit = off").await?;
    Ok(client)
}
