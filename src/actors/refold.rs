//! Rebuilds of projections that operators ask for on a page: they run beside everything else in the process that
//! was asked, and are told of until it ends. A process that dies with one leaves the projection in use as it was.

use super::projector::Projector;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far a rebuild is.
#[derive(Clone, Debug)]
pub struct Refold {
    /// The last event that was folded.
    pub at: i64,
    /// The last event there was when that was looked at; 0 before the first look.
    pub head: i64,
    /// Since when.
    pub begun: DateTime<Utc>,
    /// How it ended; none while it is at work.
    pub ended: Option<Result<i64, String>>,
}

impl Refold {
    /// The share of the log that is folded, in percent.
    #[must_use]
    pub fn percent(&self) -> i64 {
        if self.head > 0 { (self.at.saturating_mul(100) / self.head).clamp(0, 100) } else { 0 }
    }
}

/// All rebuilds of this process, the last of each projection. Cheap to clone.
#[derive(Clone)]
pub struct Refolds {
    projector: Projector,
    all: Arc<Mutex<BTreeMap<String, Refold>>>,
}

impl Refolds {
    /// Of this projector; none yet.
    #[must_use]
    pub fn new(projector: Projector) -> Self {
        Self { projector, all: Arc::default() }
    }

    /// The last rebuild of each projection that was asked for here.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Refold> {
        self.lock().clone()
    }

    /// Begins to rebuild the projection `name`, unless that is under way here; another process that is at it
    /// refuses when it comes to that. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// If there is no such projection.
    pub fn begin(&self, name: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.projector.named(name)?;
        {
            let mut all = self.lock();
            if all.get(name).is_some_and(|refold| refold.ended.is_none()) {
                return Ok(());
            }
            all.insert(name.to_owned(), Refold { at: 0, head: 0, begun: now, ended: None });
        }
        let (refolds, name) = (self.clone(), name.to_owned());
        tokio::spawn(async move {
            // In a task of its own, so that a panic of a projection ends in an answer here.
            let (inner, of) = (refolds.clone(), name.clone());
            let work = tokio::spawn(async move {
                let told = inner.clone();
                inner
                    .projector
                    .rebuild_live(&of, |at, head| {
                        told.change(&of, |refold| (refold.at, refold.head) = (at, head));
                    })
                    .await
            });
            let outcome = match work.await {
                Ok(Ok(rebuilt)) => Ok(rebuilt.position),
                Ok(Err(error)) => {
                    tracing::warn!(projection = name, %error, "a projection could not be rebuilt");
                    Err(error.to_string())
                }
                Err(_) => Err("the projection panicked".to_owned()),
            };
            refolds.change(&name, |refold| refold.ended = Some(outcome));
        });
        Ok(())
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Refold)) {
        if let Some(refold) = self.lock().get_mut(name) {
            change(refold);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Refold>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
