//! The wish to stop, and the other way round the signs that something moves and what helper programs say.

use super::said::Said;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A wish to stop that many threads share.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    own: Arc<AtomicBool>,
    above: Option<Arc<AtomicBool>>,
    beats: Arc<AtomicU64>,
    said: Said,
}

impl Cancel {
    /// Asks everybody who holds this to stop soon.
    pub fn cancel(&self) {
        self.own.store(true, Ordering::Release);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.own.load(Ordering::Acquire) || self.above.as_ref().is_some_and(|a| a.load(Ordering::Acquire))
    }

    /// A wish for one piece of work, which also hears this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { above: Some(Arc::clone(&self.own)), ..Self::default() }
    }

    /// What helper programs say.
    #[must_use]
    pub fn said(&self) -> &Said {
        &self.said
    }

    /// Tells that a helper program moves.
    pub(super) fn beat(&self) {
        self.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// How often helper programs were seen to move.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}
