//! PostgreSQL as Kinora sees it: transactions in the order of their commits, of which a crash may take
//! back those that were not flushed. What may be appended is decided by the journal's own rule.

use super::plant::Bug;
use chrono::{DateTime, Utc};
use kinora::domain::clock::RunEvent;
use kinora::domain::order::{Order, OrderEvent};
use kinora::domain::subscription::{Subscription, SubscriptionEvent};
use kinora::store::ruling::{Known, rule};
use kinora::store::{Append, AppendError, Claim, Metadata, Payload, Receipt, RecordedEvent};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// An event with its typed form.
pub struct Stored {
    pub event: RecordedEvent,
    pub typed: Box<dyn Any + Send + Sync>,
}

/// One transaction.
pub enum Record {
    Append(Box<Written>),
    Moved { name: &'static str, to: i64 },
    Folded { from: i64, to: i64 },
    Lease { name: String, owner: u32, until: i64 },
    Parked { name: &'static str, position: i64, again: bool },
}

pub struct Written {
    events: Vec<Arc<Stored>>,
    receipts: Vec<(Uuid, Receipt)>,
    claims: Vec<(Claim, String)>,
    hash: Vec<u8>,
}

/// Where a payment stands in the list of payments.
#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    pub order: Uuid,
    pub intent: i64,
    pub look_again_at: Option<DateTime<Utc>>,
}

/// What is folded from the log.
#[derive(Default)]
pub struct Tables {
    pub position: i64,
    /// Events folded, each as often as it was.
    pub folded: i64,
    pub subscriptions: BTreeMap<Uuid, Subscription>,
    pub orders: BTreeMap<Uuid, Order>,
    pub payments: BTreeMap<Uuid, Payment>,
}

/// What all transactions together give.
#[derive(Default)]
pub struct State {
    pub log: Vec<Arc<Stored>>,
    pub streams: BTreeMap<String, Vec<Arc<Stored>>>,
    pub receipts: HashMap<Uuid, Receipt>,
    claims: HashMap<Claim, String>,
    pub hash: Vec<u8>,
    pub places: BTreeMap<&'static str, i64>,
    pub tables: Tables,
    leases: BTreeMap<String, (u32, i64)>,
    pub parked: BTreeSet<(&'static str, i64)>,
}

pub struct Database {
    wal: Vec<Arc<Record>>,
    durable: usize,
    /// Raised by every crash.
    pub incarnation: u64,
    /// Answers nobody before that time.
    pub down_until: i64,
    pub state: State,
    bug: Option<Bug>,
}

impl Database {
    pub fn new(bug: Option<Bug>) -> Self {
        let state = State { hash: vec![0; 32], ..State::default() };
        Self { wal: vec![], durable: 0, incarnation: 1, down_until: 0, state, bug }
    }

    fn commit(&mut self, record: Record, wait: bool) {
        let record = Arc::new(record);
        self.state.replay(&record);
        self.wal.push(record);
        if wait {
            self.flush();
        }
    }

    /// Everything committed so far is durable.
    pub fn flush(&mut self) {
        self.durable = self.wal.len();
    }

    pub fn unflushed(&self) -> usize {
        self.wal.len() - self.durable
    }

    /// Of what was not flushed, the first `survive` transactions are there afterwards.
    pub fn crash(&mut self, survive: usize, down_until: i64) {
        self.wal.truncate(self.durable + survive);
        self.state = State { hash: vec![0; 32], ..State::default() };
        for record in &self.wal {
            self.state.replay(record);
        }
        self.flush();
        self.incarnation += 1;
        self.down_until = down_until;
    }

    /// As `store::batch` does it under the lock of the head row.
    pub fn append(
        &mut self,
        appends: &[&Append],
        generation: u64,
        at: DateTime<Utc>,
        wait: bool,
    ) -> Vec<Result<Receipt, AppendError>> {
        let known = Known {
            position: self.head(),
            hash: self.state.hash.clone(),
            receipts: match self.bug {
                Some(Bug::ForgetsReceipts) => HashMap::new(),
                _ => appends
                    .iter()
                    .filter_map(|a| Some((a.command_id, *self.state.receipts.get(&a.command_id)?)))
                    .collect(),
            },
            versions: appends.iter().map(|a| (a.stream_id.clone(), self.version(&a.stream_id))).collect(),
            owners: appends
                .iter()
                .flat_map(|a| &a.claims)
                .filter_map(|c| Some((c.clone(), self.state.claims.get(c)?.clone())))
                .collect(),
            generation,
        };
        let ruling = rule(known, appends, at);
        if ruling.accepted.is_empty() {
            return ruling.answers;
        }
        let r = &ruling.rows;
        let events = (0..r.position.len())
            .map(|i| {
                let mut metadata: Metadata = serde_json::from_str(&r.metadata[i]).unwrap();
                metadata.at = r.effective[i];
                Arc::new(Stored::new(RecordedEvent {
                    position: r.position[i],
                    stream_id: r.stream[i].clone(),
                    version: r.version[i],
                    kind: r.kind[i].clone(),
                    type_version: r.type_version[i],
                    command_id: r.command[i],
                    ix: r.ix[i],
                    recorded_at: at,
                    effective_at: r.effective[i],
                    payload: Payload::of(&r.payload[i]),
                    metadata,
                }))
            })
            .collect();
        let receipts = ruling
            .accepted
            .iter()
            .map(|(a, receipt)| (a.command_id, Receipt { replayed: true, ..*receipt }))
            .collect();
        let claims = ruling
            .accepted
            .iter()
            .flat_map(|(a, _)| a.claims.iter().map(|c| (c.clone(), a.stream_id.clone())))
            .collect();
        let written = Written { events, receipts, claims, hash: ruling.hash.clone() };
        self.commit(Record::Append(Box::new(written)), wait);
        ruling.answers
    }

    pub fn head(&self) -> i64 {
        i64::try_from(self.state.log.len()).unwrap()
    }

    pub fn version(&self, stream: &str) -> i64 {
        self.state.streams.get(stream).map_or(0, |events| i64::try_from(events.len()).unwrap())
    }

    /// Events after `position`, at most `limit`.
    pub fn after(&self, position: i64, limit: usize) -> Vec<Arc<Stored>> {
        let from = usize::try_from(position).unwrap();
        self.state.log.iter().skip(from).take(limit).cloned().collect()
    }

    /// As `checkpoint::lease`, by the server's clock; answered when durable.
    pub fn lease(&mut self, name: &str, owner: u32, now: i64, seconds: i64) -> bool {
        let free = self.state.leases.get(name).is_none_or(|(of, until)| *of == owner || *until < now);
        if free {
            let until = now + seconds * 1000;
            self.commit(Record::Lease { name: name.to_owned(), owner, until }, true);
        }
        free
    }

    /// As `checkpoint::advance`.
    pub fn advance(&mut self, name: &'static str, from: i64, to: i64) -> bool {
        let stands = self.state.places.get(name).copied().unwrap_or(0) == from;
        if stands {
            self.commit(Record::Moved { name, to }, true);
        }
        stands
    }

    /// A page of the log goes into the tables, with the checkpoint; not waited for.
    pub fn fold(&mut self, from: i64, to: i64) {
        if to <= from || to > self.head() {
            return;
        }
        if self.state.tables.position == from || self.bug == Some(Bug::FoldsUnchecked) {
            self.commit(Record::Folded { from, to }, false);
        }
    }

    /// An event is set aside, or (`again`) has been dealt with.
    pub fn park(&mut self, name: &'static str, position: i64, again: bool) {
        self.commit(Record::Parked { name, position, again }, true);
    }
}

impl State {
    fn replay(&mut self, record: &Record) {
        match record {
            Record::Append(written) => {
                for event in &written.events {
                    self.log.push(Arc::clone(event));
                    self.streams.entry(event.event.stream_id.clone()).or_default().push(Arc::clone(event));
                }
                self.receipts.extend(written.receipts.iter().copied());
                self.claims.extend(written.claims.iter().cloned());
                self.hash.clone_from(&written.hash);
            }
            Record::Moved { name, to } => {
                self.places.insert(name, *to);
            }
            Record::Folded { from, to } => {
                let page = usize::try_from(*from).unwrap()..usize::try_from(*to).unwrap();
                for event in &self.log[page] {
                    self.tables.apply(event);
                }
                self.tables.position = *to;
            }
            Record::Lease { name, owner, until } => {
                self.leases.insert(name.clone(), (*owner, *until));
            }
            Record::Parked { name, position, again: false } => {
                self.parked.insert((name, *position));
            }
            Record::Parked { name, position, again: true } => {
                self.parked.remove(&(*name, *position));
            }
        }
    }
}

impl Tables {
    pub fn apply(&mut self, stored: &Stored) {
        self.folded += 1;
        let id = stored.event.stream_uuid();
        if let Some(event) = stored.typed.downcast_ref::<SubscriptionEvent>() {
            self.subscriptions.entry(id).or_default().apply(event.clone());
        }
        let Some(event) = stored.typed.downcast_ref::<OrderEvent>() else { return };
        self.orders.entry(id).or_default().apply(event.clone());
        // As in `projections::orders`.
        match event {
            OrderEvent::PaymentAttemptStarted { attempt, at, .. } => {
                let look = Some(*at + chrono::TimeDelta::minutes(2));
                let payment = Payment { order: id, intent: stored.event.position, look_again_at: look };
                self.payments.insert(*attempt, payment);
            }
            OrderEvent::PaymentOutcomeUnknown { attempt, look_again_at, .. } => {
                if let Some(payment) = self.payments.get_mut(attempt) {
                    payment.look_again_at = Some(*look_again_at);
                }
            }
            OrderEvent::PaymentSucceeded { attempt, .. }
            | OrderEvent::PaymentDeclined { attempt, .. }
            | OrderEvent::PaymentAttemptCancelled { attempt, .. }
            | OrderEvent::PaymentActionRequired { attempt, .. }
            | OrderEvent::PaymentParked { attempt, .. } => {
                if let Some(payment) = self.payments.get_mut(attempt) {
                    payment.look_again_at = None;
                }
            }
            _ => {}
        }
    }
}

impl Stored {
    fn new(event: RecordedEvent) -> Self {
        let known = |e: &str| panic!("{e} cannot be read");
        let typed: Box<dyn Any + Send + Sync> = match event.category() {
            "subscription" => Box::new(event.decode::<SubscriptionEvent>().unwrap().unwrap()),
            "order" => Box::new(event.decode::<OrderEvent>().unwrap().unwrap()),
            "run" => Box::new(event.decode::<RunEvent>().unwrap().unwrap()),
            other => known(other),
        };
        Self { event, typed }
    }
}
