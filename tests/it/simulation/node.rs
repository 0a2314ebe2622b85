//! One process: its actors, which run the real pipeline, and the way of a command through them.

use super::database::{Database, Stored};
use super::journal::Journal;
use super::plant::{Plant, Said};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{Either, select};
use kinora::actors::one_command::{Answer, Failure, Port, execute};
use kinora::actors::pipeline::{Job, Pipeline, Step};
use kinora::actors::{CommandError, Envelope};
use kinora::domain::clock::Run;
use kinora::domain::order::Order;
use kinora::domain::shared::aggregate::CategoryEvent;
use kinora::domain::shared::{Decider, PersonalValue};
use kinora::domain::subscription::Subscription;
use kinora::store::event::stream_name;
use kinora::store::repository::Loaded;
use kinora::store::{Append, AppendError, Receipt, StoreError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

type Cell<A> = Arc<Mutex<Pipeline<A, oneshot::Sender<Answer<A>>>>>;
type Cells<A> = BTreeMap<Uuid, Cell<A>>;

/// The live aggregates.
#[derive(Default)]
pub struct Actors {
    subscriptions: Cells<Subscription>,
    orders: Cells<Order>,
    runs: Cells<Run>,
}

/// Aggregates that take part.
pub trait Kind: Decider<Event: CategoryEvent> {
    fn cells(all: &mut Actors) -> &mut Cells<Self>;
}

impl Kind for Subscription {
    fn cells(all: &mut Actors) -> &mut Cells<Self> {
        &mut all.subscriptions
    }
}

impl Kind for Order {
    fn cells(all: &mut Actors) -> &mut Cells<Self> {
        &mut all.orders
    }
}

impl Kind for Run {
    fn cells(all: &mut Actors) -> &mut Cells<Self> {
        &mut all.runs
    }
}

/// Tells those who follow the log that there is more. (A `watch` of tokio wakes them in an order that no
/// seed decides.)
#[derive(Default)]
pub struct Head {
    raised: Mutex<u64>,
    bell: Notify,
}

impl Head {
    pub fn raise(&self) {
        *self.raised.lock().unwrap() += 1;
        self.bell.notify_waiters();
    }

    /// How often it was raised.
    pub fn seen(&self) -> u64 {
        *self.raised.lock().unwrap()
    }

    pub async fn above(&self, seen: u64) {
        loop {
            let bell = self.bell.notified();
            if self.seen() > seen {
                return;
            }
            bell.await;
        }
    }
}

pub struct Node {
    pub plant: Arc<Plant>,
    pub owner: u32,
    pub journal: Journal,
    /// By how many milliseconds its clock is wrong.
    pub skew: Mutex<i64>,
    pub head: Head,
    actors: Mutex<Actors>,
}

/// How long a caller waits, in milliseconds.
const DEADLINE: i64 = 15_000;

/// The database did not answer, or not in time: what was asked may have been done.
pub fn lost() -> StoreError {
    StoreError::Cluster("the connection was lost".into())
}

impl Node {
    pub fn new(plant: Arc<Plant>, owner: u32, skew: i64) -> Arc<Self> {
        let (journal, actors) = (Journal::default(), Mutex::default());
        Arc::new(Self { plant, owner, journal, skew: Mutex::new(skew), head: Head::default(), actors })
    }

    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.plant.world.spawn(self.owner, work);
    }

    /// The time as this process sees it.
    pub fn clock(&self) -> DateTime<Utc> {
        self.plant.world.time() + TimeDelta::milliseconds(*self.skew.lock().unwrap())
    }

    /// A statement on a connection of the pool.
    pub async fn ask<T>(&self, statement: impl FnOnce(&mut Database) -> T + Send) -> Result<T, StoreError> {
        let world = &self.plant.world;
        let before = self.plant.db.lock().unwrap().incarnation;
        world.pause(3).await;
        let broken = world.chance(self.plant.faults().broken);
        let answer = {
            let mut db = self.plant.db.lock().unwrap();
            if db.incarnation != before || db.down_until > world.now() || broken && world.chance(500) {
                return Err(lost());
            }
            statement(&mut db)
        };
        if world.chance(250) {
            world.pause(3).await;
        }
        let same = self.plant.db.lock().unwrap().incarnation == before;
        if same && !broken { Ok(answer) } else { Err(lost()) }
    }

    /// A statement whose answer holds only if everything it saw is durable, as `log::settle`.
    pub async fn ask_settled<T: Send>(
        &self,
        statement: impl FnOnce(&Database) -> T + Send,
    ) -> Result<T, StoreError> {
        self.ask(|db| {
            let seen = statement(db);
            db.flush();
            seen
        })
        .await
    }

    /// An aggregate as the log gives it now.
    pub async fn load<A: Kind>(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        let basis = Some(self.journal.basis());
        let name = stream_name(A::TYPE, id);
        let events = self.ask(|db| db.state.streams.get(&name).cloned().unwrap_or_default()).await?;
        let (state, version) = (fold::<A>(&events), i64::try_from(events.len()).unwrap());
        Ok(Loaded { id: id.to_string(), state, version, kept_at: 0, basis })
    }

    /// As the bus does it: to the actor, and not longer than the deadline.
    pub async fn dispatch<A: Kind>(self: &Arc<Self>, envelope: Envelope<A::Command>) -> Answer<A> {
        let id = envelope.id;
        {
            let mut sent = self.plant.sent.lock().unwrap();
            let stream = envelope.stream;
            sent.entry(id).or_insert((stream, vec![])).1.push(Box::new(envelope.command.clone()));
        }
        let (way, answered) = oneshot::channel();
        let stream = envelope.stream;
        let cell = {
            let mut actors = self.actors.lock().unwrap();
            let cells = A::cells(&mut actors);
            // An idle one leaves the memory.
            if self.plant.world.chance(100)
                && cells.get(&stream).is_some_and(|c| !c.lock().unwrap().is_busy())
            {
                cells.remove(&stream);
            }
            Arc::clone(cells.entry(stream).or_insert_with(|| Arc::new(Mutex::new(Pipeline::new(stream)))))
        };
        cell.lock().unwrap().push(Job { envelope, way });
        proceed::<A>(self, stream, &cell);
        let deadline = self.plant.world.sleep(DEADLINE);
        let answer = match select(answered, deadline).await {
            Either::Left((answer, _)) => answer.unwrap_or(Err(CommandError::Unavailable)),
            Either::Right(_) => Err(CommandError::TimedOut),
        };
        match &answer {
            Ok(receipt) => self.plant.answered(id, Said::Done(*receipt)),
            Err(CommandError::Refused(_)) => self.plant.answered(id, Said::Refused),
            Err(_) => {}
        }
        answer
    }

    /// The states that are in memory and at rest, with their versions.
    pub fn resting<A: Kind>(&self) -> Vec<(Uuid, A, i64)> {
        let mut actors = self.actors.lock().unwrap();
        let cells = A::cells(&mut actors).iter();
        cells
            .filter_map(|(id, cell)| {
                let cell = cell.lock().unwrap();
                let loaded = cell
                    .state()
                    .filter(|l| !cell.is_busy() && l.basis.as_ref().is_none_or(|b| self.journal.trusts(b)))?;
                Some((*id, loaded.state.clone(), loaded.version))
            })
            .collect()
    }
}

/// As `AggregateActor::proceed`.
fn proceed<A: Kind>(node: &Arc<Node>, id: Uuid, cell: &Cell<A>) {
    loop {
        let step = cell.lock().unwrap().next_step();
        let (node2, cell2) = (Arc::clone(node), Arc::clone(cell));
        match step {
            None => return,
            Some(Step::Alone { state, job: Job { envelope, way } }) => node.spawn(async move {
                let (state, answer) = execute(Outside(Arc::clone(&node2)), id, state, envelope).await;
                cell2.lock().unwrap().executed(state);
                let _ = way.send(answer);
                proceed::<A>(&node2, id, &cell2);
            }),
            Some(Step::Append { append, events, job }) => {
                let ticket = node.journal.submit(append, node.plant.bug);
                cell.lock().unwrap().handed_in(events);
                node.spawn(async move {
                    let outcome = ticket.await.unwrap_or(Err(AppendError::Unavailable));
                    let settled = cell2.lock().unwrap().settle(job, outcome);
                    if let Some((way, answer)) = settled {
                        let _ = way.send(answer);
                    }
                    proceed::<A>(&node2, id, &cell2);
                });
            }
        }
    }
}

/// The state that events give.
pub fn fold<A: Kind>(events: &[Arc<Stored>]) -> A {
    let mut state = A::default();
    for stored in events {
        if let Some(event) = stored.typed.downcast_ref::<A::Event>() {
            state.apply(event.clone());
        }
    }
    state
}

struct Outside(Arc<Node>);

impl<A: Kind> Port<A> for Outside {
    async fn load(&self, id: Uuid) -> Result<Loaded<A>, StoreError> {
        let mut tries = 0;
        loop {
            match self.0.load(id).await {
                Err(_) if tries < 8 => {
                    tries += 1;
                    self.0.plant.world.sleep(50 * tries).await;
                }
                done => return done,
            }
        }
    }

    async fn stands(&self, id: Uuid, loaded: &Loaded<A>) -> Result<bool, StoreError> {
        let name = stream_name(A::TYPE, id);
        let version = self.0.ask_settled(|db| db.version(&name)).await?;
        let trusted = loaded.basis.as_ref().is_none_or(|b| self.0.journal.trusts(b));
        Ok(trusted && version == loaded.version)
    }

    async fn recorded(&self, command: Uuid) -> Result<Option<Receipt>, StoreError> {
        self.0.ask_settled(|db| db.state.receipts.get(&command).copied()).await
    }

    async fn append(&self, append: Append, _: Vec<PersonalValue>) -> Result<Receipt, Failure> {
        let ticket = self.0.journal.submit(append, self.0.plant.bug);
        ticket.await.unwrap_or(Err(AppendError::Unavailable)).map_err(Failure::Append)
    }
}
