//! The days that payments paid for, wherever pauses moved them.

use super::{Refundable, Subscription};
use crate::domain::shared::calendar::Period;
use chrono::{Days, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the last payment paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidSpan {
    /// By which order.
    pub order: Uuid,
    /// The days that it pays for; what a pause leaves of them follows the pause.
    pub span: Period,
    /// Days of the whole billing period of which they are a part: what shares are reckoned by.
    pub of: u32,
}

pub(super) fn days(from: NaiveDate, to: NaiveDate) -> u32 {
    u32::try_from((to - from).num_days()).unwrap_or(0)
}

/// A span that was not over when a pause began goes on behind it.
fn moved(span: Period, pause_from: NaiveDate, by: TimeDelta) -> Period {
    if span.end <= pause_from {
        return span;
    }
    Period { start: span.start + by, end: span.end + by }
}

impl Subscription {
    /// Notes what an order paid for.
    pub(super) fn note_paid(&mut self, order: Uuid, span: Period, of: u32) {
        self.paid_span = Some(PaidSpan { order, span, of });
    }

    /// A pause from `from` on is over on `on`.
    pub(super) fn move_spans(&mut self, from: NaiveDate, on: NaiveDate) {
        let by = on - from;
        if let Some(paid) = &mut self.paid_span {
            paid.span = moved(paid.span, from, by);
        }
        for Refundable { span, .. } in &mut self.refundable {
            *span = moved(*span, from, by);
        }
    }

    /// The first day that was not begun on `today`; in a pause nothing is begun.
    pub(super) fn unbegun(&self, today: NaiveDate) -> NaiveDate {
        match self.pause {
            Some(pause) if pause.began() && today >= pause.from => pause.from,
            _ => today.succ_opt().unwrap_or(today),
        }
    }

    /// Days behind what is paid for: gifts, and what staff gave.
    pub(super) fn days_behind(&self) -> u16 {
        let (Some(paid), Some(terms)) = (self.paid_span, self.terms.as_ref()) else { return 0 };
        let next = match self.pause.and_then(|p| Some((p.from, p.days_left?))) {
            Some((from, left)) => from.checked_add_days(Days::new(u64::from(left))),
            None => self.next_period(terms).ok().map(|p| p.start),
        };
        next.map_or(0, |next| u16::try_from(days(paid.span.end, next)).unwrap_or(u16::MAX))
    }
}
