//! The verification of the whole log that staff ask for on a page: it runs beside everything else in the process that
//! was asked, one at a time, and is told of until it ends.

use crate::clock::Clock;
use crate::store::audit::Audit;
use crate::store::log::Verification;
use chrono::{DateTime, Utc};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far a verification is.
#[derive(Clone, Debug)]
pub struct Proving {
    /// The last event that was looked at.
    pub at: i64,
    /// The last event there was when it began; 0 before the first look.
    pub head: i64,
    /// Since when.
    pub begun: DateTime<Utc>,
    /// When and how it ended; none while it is at work.
    pub ended: Option<(DateTime<Utc>, Result<Verification, String>)>,
}

impl Proving {
    /// The share of the log that was looked at, in percent.
    #[must_use]
    pub fn percent(&self) -> i64 {
        if self.head > 0 { (self.at.saturating_mul(100) / self.head).clamp(0, 100) } else { 0 }
    }
}

/// The verifications of this process. Cheap to clone.
#[derive(Clone)]
pub struct Provings {
    audit: Audit,
    clock: Clock,
    last: Arc<Mutex<Option<Proving>>>,
}

impl Provings {
    /// Of this witness; none yet.
    #[must_use]
    pub fn new(audit: Audit, clock: Clock) -> Self {
        Self { audit, clock, last: Arc::default() }
    }

    /// The last one that was asked for here.
    #[must_use]
    pub fn last(&self) -> Option<Proving> {
        self.lock().clone()
    }

    /// Begins to verify the whole log, unless that is under way here. Must be called within a Tokio runtime.
    pub fn begin(&self) {
        {
            let mut last = self.lock();
            if last.as_ref().is_some_and(|proving| proving.ended.is_none()) {
                return;
            }
            *last = Some(Proving { at: 0, head: 0, begun: self.clock.now(), ended: None });
        }
        let provings = self.clone();
        tokio::spawn(async move {
            let inner = provings.clone();
            // In a task of its own, so that a panic ends in an answer here.
            let outcome = match tokio::spawn(async move { inner.verify().await }).await {
                Ok(Ok(found)) => Ok(found),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the log could not be verified");
                    Err("the log could not be read; the server's own log says why".to_owned())
                }
                Err(_) => Err("the verification stopped; the server's own log says why".to_owned()),
            };
            let now = provings.clock.now();
            provings.change(|proving| proving.ended = Some((now, outcome)));
        });
    }

    async fn verify(&self) -> Result<Verification, crate::store::StoreError> {
        let told = self.clone();
        let progress = |at, head| told.change(|proving| (proving.at, proving.head) = (at, head));
        let found = self.audit.verify(false, &[], progress).await?;
        self.audit.note_verification(&found, true, self.clock.now()).await?;
        Ok(found)
    }

    fn change(&self, change: impl FnOnce(&mut Proving)) {
        if let Some(proving) = self.lock().as_mut() {
            change(proving);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Proving>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
