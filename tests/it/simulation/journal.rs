//! The journal of one process: batches, flushes behind them, connections that break. As `store::writer`
//! and `store::flusher` do it, over the simulated database.

use super::node::Node;
use super::plant::Bug;
use kinora::store::{Append, AppendError, Basis, Receipt};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot};

type Outcome = Result<Receipt, AppendError>;

struct Pending {
    append: Append,
    answer: oneshot::Sender<Outcome>,
}

/// A batch that stands in the log.
struct Executed {
    batch: Vec<Pending>,
    answers: Vec<Outcome>,
    /// In which life of the server.
    incarnation: u64,
}

#[derive(Default)]
pub struct Journal {
    queue: Mutex<VecDeque<Pending>>,
    executed: Mutex<Vec<Executed>>,
    /// Batches that are not answered yet.
    open: Mutex<usize>,
    generation: Mutex<u64>,
    arrived: Notify,
    written: Notify,
}

/// How long an append is tried while the database is away, in milliseconds.
const PATIENCE: i64 = 10_000;

impl Journal {
    pub fn basis(&self) -> Basis {
        Basis::of(*self.generation.lock().unwrap())
    }

    pub fn trusts(&self, basis: &Basis) -> bool {
        basis.stands(*self.generation.lock().unwrap())
    }

    pub fn submit(&self, append: Append, bug: Option<Bug>) -> oneshot::Receiver<Outcome> {
        let basis = append.basis.clone().filter(|_| bug != Some(Bug::TrustsVersions));
        let (answer, outcome) = oneshot::channel();
        self.queue.lock().unwrap().push_back(Pending { append: Append { basis, ..append }, answer });
        self.arrived.notify_one();
        outcome
    }

    pub fn start(node: &Arc<Node>) {
        let (writer, flusher) = (Arc::clone(node), Arc::clone(node));
        node.spawn(async move { Self::write(writer).await });
        node.spawn(async move { Self::flush(flusher).await });
    }

    async fn write(node: Arc<Node>) {
        let (world, this) = (&node.plant.world, &node.journal);
        let mut connected = node.plant.db.lock().unwrap().incarnation;
        loop {
            if this.queue.lock().unwrap().is_empty() {
                this.arrived.notified().await;
                continue;
            }
            let batch: Vec<Pending> = {
                let mut queue = this.queue.lock().unwrap();
                let many = 1 + usize::try_from(world.dice(queue.len() as u64)).unwrap();
                queue.drain(..many).collect()
            };
            let alone = batch.len() == 1 && this.queue.lock().unwrap().is_empty();
            let wait = alone && *this.open.lock().unwrap() == 0 && world.chance(500);
            let begun = world.now();
            let (answers, incarnation) = loop {
                if let Some(done) = Self::attempt(&node, &batch, &mut connected, wait).await {
                    break done;
                }
                if world.now() - begun > PATIENCE {
                    break (vec![Err(AppendError::Unavailable); batch.len()], connected);
                }
                world.sleep(100).await;
            };
            for (pending, answer) in batch.iter().zip(&answers) {
                if let Some(basis) =
                    pending.append.basis.as_ref().filter(|_| !matches!(answer, Ok(r) if !r.replayed))
                {
                    basis.give_up();
                }
            }
            let executed = Executed { batch, answers, incarnation };
            if wait && executed.answers.iter().flatten().any(|r| !r.replayed) {
                node.tell(executed.batch, executed.answers);
            } else {
                *this.open.lock().unwrap() += 1;
                this.executed.lock().unwrap().push(executed);
                this.written.notify_one();
            }
        }
    }

    /// One transaction; nothing if the connection breaks, before it or behind it.
    async fn attempt(
        node: &Node,
        batch: &[Pending],
        connected: &mut u64,
        wait: bool,
    ) -> Option<(Vec<Outcome>, u64)> {
        let (world, this) = (&node.plant.world, &node.journal);
        world.pause(3).await;
        let broken = world.chance(node.plant.faults().broken);
        let answers = {
            let mut db = node.plant.db.lock().unwrap();
            if db.down_until > world.now() {
                return None;
            }
            // Another life of the server is seen as a connection that was closed. So is, at times, a
            // connection that broke for itself.
            if *connected != db.incarnation || broken && world.chance(500) {
                *this.generation.lock().unwrap() += 1;
            }
            *connected = db.incarnation;
            if broken && world.chance(500) {
                return None;
            }
            let appends: Vec<&Append> = batch.iter().map(|p| &p.append).collect();
            let generation = *this.generation.lock().unwrap();
            db.append(&appends, generation, world.time(), wait)
        };
        if !wait {
            node.plant.shake();
        }
        world.note("batch", node.owner.into(), i64::try_from(batch.len()).unwrap());
        world.pause(3).await;
        let same = node.plant.db.lock().unwrap().incarnation == *connected;
        (same && !broken).then_some((answers, *connected))
    }

    async fn flush(node: Arc<Node>) {
        let (world, this) = (&node.plant.world, &node.journal);
        loop {
            let mut batches = std::mem::take(&mut *this.executed.lock().unwrap());
            if batches.is_empty() {
                this.written.notified().await;
                continue;
            }
            let (count, begun) = (batches.len(), world.now());
            while !Self::make_durable(&node, &mut batches).await {
                if world.now() - begun > PATIENCE {
                    for answer in batches.iter_mut().flat_map(|b| &mut b.answers) {
                        *answer = Err(AppendError::Unavailable);
                    }
                    break;
                }
                world.sleep(100).await;
            }
            for executed in batches {
                node.tell(executed.batch, executed.answers);
            }
            *this.open.lock().unwrap() -= count;
        }
    }

    /// One flush for all; what a crash took back goes to the writer again.
    async fn make_durable(node: &Node, batches: &mut [Executed]) -> bool {
        let world = &node.plant.world;
        if node.plant.bug == Some(Bug::AnswersUnflushed) {
            return true;
        }
        world.pause(4).await;
        let connected = {
            let db = node.plant.db.lock().unwrap();
            if db.down_until > world.now() || world.chance(node.plant.faults().broken) {
                return false;
            }
            for executed in batches.iter_mut().filter(|b| b.incarnation != db.incarnation) {
                let pairs = std::mem::take(&mut executed.batch)
                    .into_iter()
                    .zip(std::mem::take(&mut executed.answers));
                for (pending, answer) in pairs {
                    if answer.is_err() || db.state.receipts.contains_key(&pending.append.command_id) {
                        executed.batch.push(pending);
                        executed.answers.push(answer);
                    } else {
                        world.note("again", pending.append.command_id.as_u128(), 0);
                        node.journal.queue.lock().unwrap().push_back(pending);
                        node.journal.arrived.notify_one();
                    }
                }
                executed.incarnation = db.incarnation;
            }
            db.incarnation
        };
        world.pause(8).await;
        let mut db = node.plant.db.lock().unwrap();
        if db.incarnation != connected {
            return false;
        }
        db.flush();
        true
    }
}

impl Node {
    /// Answers callers, and tells everybody who follows the log.
    fn tell(&self, batch: Vec<Pending>, answers: Vec<Outcome>) {
        if answers.iter().any(Result::is_ok) {
            self.plant.announce();
        }
        self.plant.shake();
        for (pending, answer) in batch.into_iter().zip(answers) {
            let _ = pending.answer.send(answer);
        }
    }
}
