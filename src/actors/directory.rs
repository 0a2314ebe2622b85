//! Makes, finds and replaces the actors of one kind of aggregate.

use super::aggregate_actor::{AggregateActor, Execute};
use super::bus::{CommandError, Envelope, PER_AGGREGATE, Parts};
use crate::domain::shared::Decider;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::Receipt;
use crate::store::repository::{EventRepository, Loaded};
use actix::{Actor, Addr, MailboxError};
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
    /// An actix mailbox does not bound anything once its address is cloned: this does.
    places: Arc<Semaphore>,
}

pub(super) struct Directory<A: Decider>
where
    A::Event: CategoryEvent,
{
    entries: Mutex<HashMap<Uuid, Entry<A>>>,
    parts: Parts,
    made: AtomicUsize,
}

impl<A: Decider> Directory<A>
where
    A::Event: CategoryEvent,
{
    pub fn new(parts: Parts) -> Self {
        parts.metrics.know_actor(A::TYPE);
        Self { entries: Mutex::default(), parts, made: AtomicUsize::new(0) }
    }

    pub async fn send(
        &self,
        envelope: Envelope<A::Command>,
        mut known: Option<Loaded<A>>,
    ) -> Result<Receipt, CommandError<A::Error>> {
        let id = envelope.stream;
        for _ in 0..TRIES {
            let Some((address, places)) = self.find_or_make(id) else {
                return Err(CommandError::Unavailable);
            };
            let Ok(_place) = places.try_acquire_owned() else {
                self.parts.metrics.actors.refused.with_label_values(&[A::TYPE]).inc();
                return Err(CommandError::Busy);
            };
            match address.send(Execute(envelope.clone(), known.take())).await {
                Ok(answer) => return answer,
                // It went idle between look-up and delivery, or broke: the next one reads the log.
                Err(MailboxError::Closed) => self.forget(id, &address),
                Err(MailboxError::Timeout) => return Err(CommandError::TimedOut),
            }
        }
        Err(CommandError::Unavailable)
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

    fn forget(&self, id: Uuid, gone: &Addr<AggregateActor<A>>) {
        let mut entries = self.lock();
        if entries.get(&id).is_some_and(|e| e.address == *gone) {
            entries.remove(&id);
        }
        self.parts.metrics.actors.restarts.with_label_values(&[A::TYPE]).inc();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Entry<A>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
