//! Requests that are under way: a number for the dashboard, and what the end of a process waits for.

use prometheus::IntGauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A request, counted until it is answered or its client hangs up.
pub(super) struct InFlight(IntGauge);

impl InFlight {
    pub(super) fn of(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Requests that change something and are under way, whether or not their clients are still there.
#[derive(Clone, Default)]
pub struct Changing(Arc<AtomicUsize>);

/// One of them; it is over when this is dropped.
pub(super) struct Change(Arc<AtomicUsize>);

impl Changing {
    pub(super) fn one(&self) -> Change {
        self.0.fetch_add(1, Ordering::Relaxed);
        Change(Arc::clone(&self.0))
    }

    /// Waits until all are over.
    pub(super) async fn over(&self) {
        while self.0.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
