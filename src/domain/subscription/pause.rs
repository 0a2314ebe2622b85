//! Pauses: nothing is billed and nothing can be watched; what is left of the paid time runs on afterwards.

use super::{Status, Subscription, SubscriptionError, SubscriptionEvent, Terms};
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

type Decision = Result<Vec<SubscriptionEvent>, SubscriptionError>;

/// How far ahead a pause may begin, and how long one with an end may last, in days.
pub const LONGEST_PAUSE: u16 = 366;

/// A pause that is planned or has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Its first day.
    pub from: NaiveDate,
    /// The first day after it; none: until the member ends it.
    pub until: Option<NaiveDate>,
    /// Days of paid time that are left after it, once it has begun.
    pub days_left: Option<u32>,
}

impl Pause {
    /// Whether it has begun.
    #[must_use]
    pub const fn began(&self) -> bool {
        self.days_left.is_some()
    }
}

fn later(day: NaiveDate, days: u64) -> Result<NaiveDate, SubscriptionError> {
    day.checked_add_days(Days::new(days)).ok_or(SubscriptionError::Calendar)
}

/// A pause that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseBegun {
    /// The first day.
    pub from: NaiveDate,
    /// The first day after it, where it is known.
    pub until: Option<NaiveDate>,
    /// Days of paid time that are left after it.
    pub days_left: u32,
    /// The first instant without access.
    pub access_until: DateTime<Utc>,
}

/// A pause that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseOver {
    /// The first day of the pause.
    pub from: NaiveDate,
    /// The first day after it.
    pub on: NaiveDate,
    /// Days of paid time that were left.
    pub days_left: u32,
    /// The anchor before.
    pub previous_anchor: NaiveDate,
    /// The next day that is to be paid for.
    pub anchor: NaiveDate,
    /// The first instant that is not paid for.
    pub paid_until: DateTime<Utc>,
}

impl Subscription {
    /// The pause that is planned or has begun.
    #[must_use]
    pub const fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Whether it rests now.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.pause.is_some_and(|p| p.began())
    }

    pub(super) fn plan_pause(
        &self,
        status: Status,
        terms: &Terms,
        from: NaiveDate,
        until: Option<NaiveDate>,
        at: DateTime<Utc>,
    ) -> Decision {
        match status {
            Status::Cancelled | Status::Expired => return Err(SubscriptionError::Ended),
            Status::OnHold | Status::PendingCancellation => return Err(SubscriptionError::NotRunning),
            Status::Active => {}
        }
        match &self.pause {
            Some(old) if old.from == from && old.until == until => return Ok(vec![]),
            Some(_) => return Err(SubscriptionError::PauseExists),
            None => {}
        }
        if self.parked {
            return Err(SubscriptionError::Parked);
        }
        if self.open.is_some() {
            return Err(SubscriptionError::OrderOpen);
        }
        let (today, most) = (terms.zone.date_of(at), u64::from(LONGEST_PAUSE));
        let ends_well = match until {
            Some(until) => until > from && until <= later(from, most)?,
            None => true,
        };
        if from < today || from > later(today, most)? || !ends_well {
            return Err(SubscriptionError::PauseDates);
        }
        let planned = SubscriptionEvent::PauseScheduled { from, until };
        let mut next = self.clone();
        next.apply(planned.clone());
        // One from today on begins at once, not only with the next tick.
        let begins = next.tick_pause(terms, at)?.unwrap_or_default();
        Ok([planned].into_iter().chain(begins).collect())
    }

    /// What the clock does about a pause; none if a pause does not concern this tick. Everything is
    /// reckoned by the dates of the pause, never by the time of the tick.
    pub(super) fn tick_pause(
        &self,
        terms: &Terms,
        at: DateTime<Utc>,
    ) -> Result<Option<Vec<SubscriptionEvent>>, SubscriptionError> {
        let Some(pause) = self.pause else { return Ok(None) };
        if let Some(days_left) = pause.days_left {
            let over = pause.until.filter(|until| at >= terms.zone.start_of_day(*until));
            let ended = over.map(|on| self.ended(terms, pause, on, days_left)).transpose()?;
            return Ok(Some(ended.into_iter().collect()));
        }
        let due_on = self.next_period(terms)?.start;
        if pause.from > due_on {
            // A period begins before it: that one is billed as ever.
            return Ok(None);
        }
        if at < terms.zone.start_of_day(pause.from) {
            // Neither an order nor a reminder for a period that will not begin on its day.
            return Ok(Some(vec![]));
        }
        let days_left =
            u32::try_from((due_on - pause.from).num_days()).map_err(|_| SubscriptionError::Calendar)?;
        let begun = SubscriptionEvent::SubscriptionPaused(PauseBegun {
            from: pause.from,
            until: pause.until,
            days_left,
            access_until: terms.zone.start_of_day(pause.from),
        });
        let mut next = self.clone();
        next.apply(begun.clone());
        // A tick so late that the pause is over too.
        let ends = next.tick_pause(terms, at)?.unwrap_or_default();
        Ok(Some([begun].into_iter().chain(ends).collect()))
    }

    /// The member ends the pause now, or gives up a planned one.
    pub(super) fn end_pause(&self, terms: &Terms, at: DateTime<Utc>) -> Decision {
        let Some(pause) = self.pause else { return Err(SubscriptionError::NotPaused) };
        let Some(days_left) = pause.days_left else {
            return Ok(vec![SubscriptionEvent::PauseWithdrawn { from: pause.from }]);
        };
        let today = terms.zone.date_of(at).max(pause.from);
        let on = pause.until.map_or(today, |until| until.min(today));
        Ok(vec![self.ended(terms, pause, on, days_left)?])
    }

    fn ended(
        &self,
        terms: &Terms,
        pause: Pause,
        on: NaiveDate,
        days_left: u32,
    ) -> Result<SubscriptionEvent, SubscriptionError> {
        let anchor = later(on, u64::from(days_left))?;
        Ok(SubscriptionEvent::PauseEnded(PauseOver {
            from: pause.from,
            on,
            days_left,
            previous_anchor: self.anchor.ok_or(SubscriptionError::Calendar)?,
            anchor,
            paid_until: terms.zone.start_of_day(anchor),
        }))
    }
}
