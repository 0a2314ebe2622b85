//! Makes, finds and replaces the actors of one kind of aggregate.

use super::aggregate_actor::AggregateActor;
use super::bus::{CommandError, Envelope, PER_AGGREGATE, Parts};
use super::caller::Caller;
use crate::domain::shared::Decider;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::repository::{EventRepository, Loaded};
use actix::{Actor, Addr, Message};
use prometheus::{Histogram, IntCounter, IntGauge};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// How often a command finds its actor gone before the caller is told.
const TRIES: usize = 3;
/// After so many new actors those that have gone are forgotten.
const SWEEP: usize = 512;

struct Entry<A: Decider>
where
    A::Event: CategoryEvent,
{
    address: Addr<AggregateActor<A>>,
    places: Arc<Semaphore>,
}

pub(super) struct Directory<A: Decider>
where
    A::Event: CategoryEvent,
{
    entries: Mutex<HashMap<Uuid, Entry<A>>>,
    parts: Parts,
    made: AtomicUsize,
    meters: Meters,
}

/// The series that every command moves, looked up once.
pub(super) struct Meters {
    /// Commands that wait or are at work.
    pub depth: IntGauge,
    /// Time until the answer.
    pub duration: Histogram,
    /// Commands that were accepted.
    pub accepted: IntCounter,
}

/// A command on its way to the actor of its aggregate.
pub(super) struct Parcel<A: Decider>
where
    A::Event: CategoryEvent,
{
    /// The command.
    pub envelope: Envelope<A::Command>,
    /// The aggregate, if it was read for that.
    pub known: Option<Loaded<A>>,
    /// Who waits for the answer.
    pub caller: Caller<A>,
    directory: Arc<Directory<A>>,
    tries: usize,
}

/// Asks an actor to execute a command. One that went idle between look-up and delivery, or broke, drops its mailbox;
/// what it had not taken out then goes to the next one, which reads the log.
pub(super) struct Execute<A: Decider>(Option<Parcel<A>>)
where
    A::Event: CategoryEvent;

impl<A: Decider> Execute<A>
where
    A::Event: CategoryEvent,
{
    /// Takes the command out.
    pub fn take(mut self) -> Option<Parcel<A>> {
        self.0.take()
    }
}

impl<A: Decider> Drop for Execute<A>
where
    A::Event: CategoryEvent,
{
    fn drop(&mut self) {
        if let Some(parcel) = self.0.take() {
            let directory = Arc::clone(&parcel.directory);
            directory.parts.metrics.actors.restarts.with_label_values(&[A::TYPE]).inc();
            directory.deliver(parcel);
        }
    }
}

impl<A: Decider> Message for Execute<A>
where
    A::Event: CategoryEvent,
{
    type Result = ();
}

impl<A: Decider> Directory<A>
where
    A::Event: CategoryEvent,
{
    pub fn new(parts: Parts) -> Self {
        parts.metrics.know_actor(A::TYPE);
        let actors = &parts.metrics.actors;
        let meters = Meters {
            depth: actors.mailbox_depth.with_label_values(&[A::TYPE]),
            duration: actors.duration.with_label_values(&[A::TYPE]),
            accepted: actors.commands.with_label_values(&[A::TYPE, "accepted"]),
        };
        Self { entries: Mutex::default(), parts, made: AtomicUsize::new(0), meters }
    }

    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Brings a command to the actor of its aggregate, which answers `caller`.
    pub fn send(
        self: &Arc<Self>,
        envelope: Envelope<A::Command>,
        known: Option<Loaded<A>>,
        caller: Caller<A>,
    ) {
        self.deliver(Parcel { envelope, known, caller, directory: Arc::clone(self), tries: 0 });
    }

    fn deliver(&self, mut parcel: Parcel<A>) {
        parcel.tries += 1;
        let found = if parcel.tries > TRIES { None } else { self.find_or_make(parcel.envelope.stream) };
        let Some((address, places)) = found else {
            return parcel.caller.hear(Err(CommandError::Unavailable));
        };
        let Ok(place) = places.try_acquire_owned() else {
            self.parts.metrics.actors.refused.with_label_values(&[A::TYPE]).inc();
            return parcel.caller.hear(Err(CommandError::Busy));
        };
        parcel.caller.at(place);
        // The places bound what waits. If the actor has gone meanwhile, dropping the message brings it to the next.
        drop(address.try_send(Execute(Some(parcel))));
    }

    fn find_or_make(&self, id: Uuid) -> Option<(Addr<AggregateActor<A>>, Arc<Semaphore>)> {
        let mut entries = self.lock();
        if let Some(entry) = entries.get(&id).filter(|e| e.address.connected()) {
            return Some((entry.address.clone(), Arc::clone(&entry.places)));
        }
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        if made % SWEEP == SWEEP - 1 {
            entries.retain(|_, e| e.address.connected());
        }
        let arbiters = &self.parts.arbiters;
        let arbiter = arbiters.get(made % arbiters.len().max(1))?;
        let repository = EventRepository::<A>::new(self.parts.pool.clone(), self.parts.journal.clone());
        let parts = self.parts.clone();
        let address =
            AggregateActor::start_in_arbiter(arbiter, move |_| AggregateActor::new(id, repository, parts));
        let places = Arc::new(Semaphore::new(PER_AGGREGATE));
        entries.insert(id, Entry { address: address.clone(), places: Arc::clone(&places) });
        Some((address, places))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Entry<A>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
