//! Whoever waits for the answer to a command, with the places that the command takes until then.

use super::bus::CommandError;
use super::one_command::Answer;
use crate::domain::shared::Decider;
use prometheus::IntGauge;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The way back. The command goes on if nobody waits at its end any more; its places are kept until it
/// is answered all the same. One that is lost without an answer broke an actor.
pub(super) struct Caller<A: Decider> {
    answer: oneshot::Sender<Answer<A>>,
    places: Places,
}

/// Given back when dropped.
struct Places {
    _bus: OwnedSemaphorePermit,
    /// An actix mailbox does not bound anything once its address is cloned: this does.
    aggregate: Option<OwnedSemaphorePermit>,
    depth: IntGauge,
}

impl Drop for Places {
    fn drop(&mut self) {
        self.depth.dec();
    }
}

/// The end of the way on which the caller waits.
pub(super) struct Waiting<A: Decider>(oneshot::Receiver<Answer<A>>);

impl<A: Decider> Caller<A> {
    /// One that was admitted to the bus; `depth` counts those who wait.
    pub fn admitted(place: OwnedSemaphorePermit, depth: IntGauge) -> (Self, Waiting<A>) {
        let (answer, answered) = oneshot::channel();
        depth.inc();
        let places = Places { _bus: place, aggregate: None, depth };
        (Self { answer, places }, Waiting(answered))
    }

    /// With a place at the aggregate, instead of one at the actor before this one.
    pub fn at(&mut self, place: OwnedSemaphorePermit) {
        self.places.aggregate = Some(place);
    }

    /// Answers. The places are free before the caller can ask for the next.
    pub fn hear(self, answer: Answer<A>) {
        let Self { answer: way, places } = self;
        drop(places);
        let _ = way.send(answer);
    }
}

impl<A: Decider> Waiting<A> {
    /// Waits for the answer.
    pub async fn answer(self) -> Answer<A> {
        self.0.await.unwrap_or(Err(CommandError::Panicked))
    }
}
