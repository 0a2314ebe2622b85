//! The one source of time and of new ids.
//!
//! In production it is the system's clock. In `mode = "demo"` and in tests the whole instance's clock
//! can be moved forward; by how much is kept in the database, so that all processes agree.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use uuid::Uuid;

/// Tells the time. Cheap to clone; clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_us: Arc<AtomicI64>,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Now, in microseconds (what PostgreSQL keeps).
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let ahead = TimeDelta::microseconds(self.ahead_us.load(Ordering::Relaxed));
        (Utc::now() + ahead).trunc_subsecs(6)
    }

    /// By how many microseconds it is ahead of the system's clock.
    #[must_use]
    pub fn ahead_us(&self) -> i64 {
        self.ahead_us.load(Ordering::Relaxed)
    }

    /// Follows the instance's offset as it stands in the database. Never backwards.
    pub fn follow(&self, ahead_us: i64) {
        self.ahead_us.fetch_max(ahead_us, Ordering::Relaxed);
    }

    /// A new id, ordered by (real) time.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_forward_only() {
        let clock = Clock::system();
        clock.follow(60_000_000);
        clock.follow(1);
        assert_eq!(clock.ahead_us(), 60_000_000);
        assert!(clock.now() - Utc::now() > TimeDelta::seconds(59));
    }
}
