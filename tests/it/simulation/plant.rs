//! Everything of one run: the world, the database, the gateway, two processes, and what was said.

use super::database::Database;
use super::gateway::Till;
use super::node::Node;
use super::world::World;
use kinora::store::Receipt;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// Faults that are planted, to see that they are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum Bug {
    /// The store does not remember which commands it has executed.
    ForgetsReceipts,
    /// The journal answers before the flush.
    AnswersUnflushed,
    /// An append is judged by its version alone, not by what it was decided on.
    TrustsVersions,
    /// Every call to the gateway has a key of its own.
    NewKeys,
    /// A workflow notes that it has reacted, then reacts.
    MovesFirst,
    /// The projector folds a page without looking whether another one has.
    FoldsUnchecked,
}

/// What goes wrong, each of a thousand times.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A message to Kinora is lost, or its answer.
    pub lost: u64,
    /// A message comes twice.
    pub doubled: u64,
    /// A message is late.
    pub late: u64,
    /// A connection to the database breaks, before or after the statement.
    pub broken: u64,
    /// The gateway's answer is lost, or its being asked.
    pub gateway: u64,
    /// Cards decline or ask.
    pub cards: u64,
    /// A process is killed, the database crashes, a clock jumps; at each step where that hurts.
    pub chaos: u64,
}

/// How far the play is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// People act, and everything goes wrong.
    Storm,
    /// Nothing goes wrong any more, and nobody wants anything.
    Calm,
    /// Nor does the clock ask for anything: what is under way ends.
    End,
}

/// A command with all contents it was sent with.
pub type Sent = (Uuid, Vec<Box<dyn Any + Send>>);
/// What an answer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Done(Receipt),
    Refused,
}

pub struct Plant {
    pub world: Arc<World>,
    pub db: Mutex<Database>,
    pub till: Till,
    pub nodes: Mutex<[Option<Arc<Node>>; 2]>,
    pub faults: Mutex<Faults>,
    pub act: Mutex<Act>,
    pub sent: Mutex<BTreeMap<Uuid, Sent>>,
    pub answers: Mutex<Vec<(Uuid, Said)>>,
    pub bug: Option<Bug>,
}

impl Plant {
    pub fn new(world: Arc<World>, bug: Option<Bug>) -> Arc<Self> {
        // Each seed has its own weather: some faults often, others never.
        let some = |most: u64| if world.chance(500) { world.dice(most) } else { 0 };
        let faults = Faults {
            lost: some(150),
            doubled: some(250),
            late: some(300),
            broken: some(60),
            gateway: some(300),
            cards: some(500),
            chaos: some(100),
        };
        let (db, till) = (Mutex::new(Database::new(bug)), Till::default());
        let nodes = Mutex::new([None, None]);
        let (sent, answers) = (Mutex::default(), Mutex::default());
        let (faults, act) = (Mutex::new(faults), Mutex::new(Act::Storm));
        Arc::new(Self { world, db, till, nodes, faults, act, sent, answers, bug })
    }

    pub fn faults(&self) -> Faults {
        *self.faults.lock().unwrap()
    }

    pub fn act(&self) -> Act {
        *self.act.lock().unwrap()
    }

    /// One of the processes, if it runs.
    pub fn node(&self, slot: usize) -> Option<Arc<Node>> {
        self.nodes.lock().unwrap()[slot].clone()
    }

    pub fn answered(&self, command: Uuid, said: Said) {
        let number = if let Said::Done(receipt) = said { receipt.position } else { -1 };
        self.world.note("answered", command.as_u128(), number);
        self.answers.lock().unwrap().push((command, said));
    }

    /// A process starts in `slot`; one that runs there is killed.
    pub fn start(self: &Arc<Self>, slot: usize, skew: i64) {
        let owner = u32::try_from(self.world.between(1, i64::from(u32::MAX))).unwrap();
        let node = Node::new(Arc::clone(self), owner, skew);
        self.stop(slot);
        self.world.note("start", slot as u128, skew);
        self.nodes.lock().unwrap()[slot] = Some(Arc::clone(&node));
        super::work::start(&node);
    }

    pub fn stop(&self, slot: usize) {
        let old = self.nodes.lock().unwrap()[slot].take();
        if let Some(node) = old {
            self.world.note("kill", slot as u128, 0);
            self.world.kill(node.owner);
        }
    }

    /// Called where it hurts most: perhaps something breaks within the next milliseconds.
    pub fn shake(self: &Arc<Self>) {
        if self.world.chance(self.faults().chaos) {
            let this = Arc::clone(self);
            self.world.spawn(0, async move {
                this.world.pause(6).await;
                this.strike().await;
            });
        }
    }

    /// Clocks that jump, and crashes while nothing happens.
    pub async fn chaos(self: Arc<Self>) {
        loop {
            self.world.sleep(self.world.between(1, 72 * 3_600_000)).await;
            if self.faults().chaos > 0 {
                self.strike().await;
            }
        }
    }

    /// A process is killed and comes back, the server crashes, both at once, or a clock jumps.
    async fn strike(self: &Arc<Self>) {
        let slot = usize::try_from(self.world.dice(2)).unwrap();
        match self.world.dice(6) {
            0 => {
                // The power.
                self.crash();
                (0..2).for_each(|slot| self.stop(slot));
                self.world.sleep(self.world.between(10, 60_000)).await;
                (0..2).for_each(|slot| self.start(slot, 0));
            }
            1 | 2 => {
                self.stop(slot);
                self.world.sleep(self.world.between(10, 60_000)).await;
                let skew = if self.world.chance(300) { self.jump() } else { 0 };
                self.start(slot, skew);
            }
            3 | 4 => self.crash(),
            _ => {
                let skew = self.jump();
                if let Some(node) = self.node(slot) {
                    self.world.note("jump", slot as u128, skew);
                    *node.skew.lock().unwrap() = skew;
                }
            }
        }
    }

    fn jump(&self) -> i64 {
        self.world.between(-30 * 3_600_000, 30 * 3_600_000)
    }

    fn crash(&self) {
        let mut db = self.db.lock().unwrap();
        let open = db.unflushed() as u64;
        let survive = usize::try_from(self.world.dice(open + 1)).unwrap();
        let down = self.world.between(100, 15_000);
        self.world.note("crash", open.into(), i64::try_from(survive).unwrap());
        db.crash(survive, self.world.now() + down);
    }
}

impl Plant {
    /// Tells processes that the log has grown; a notice may be lost.
    pub fn announce(&self) {
        for node in self.nodes.lock().unwrap().iter().flatten() {
            if self.act() != Act::Storm || self.world.chance(450) {
                node.head.raise();
            }
        }
    }
}
