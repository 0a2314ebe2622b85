//! The life as it was, folded from the log: what happened is counted, and nothing is decided once more.

use super::{History, MOST_DAYS, OrderLine, Replay};
use crate::domain::order::{Order, OrderEvent, OrderStatus};
use crate::domain::subscription::Subscription;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// The lines of the orders of a life, in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Lines(Vec<(Uuid, OrderLine)>);

impl Lines {
    /// Takes over what happened to an order on a day, and where that leaves it.
    pub(super) fn note(
        &mut self,
        order: Uuid,
        event: &OrderEvent,
        on: NaiveDate,
        status: Option<OrderStatus>,
    ) {
        if let OrderEvent::OrderPlaced { reason, items, tax, .. } = event {
            let line = OrderLine {
                on,
                reason: *reason,
                period: items.first().and_then(|i| i.period),
                gross: tax.gross,
                status: OrderStatus::Created,
                declined: 0,
                paid_on: None,
            };
            self.0.push((order, line));
        }
        let Some((_, line)) = self.0.iter_mut().find(|(id, _)| *id == order) else { return };
        match event {
            OrderEvent::PaymentDeclined { .. } | OrderEvent::PaymentAttemptCancelled { .. } => {
                line.declined += 1;
            }
            OrderEvent::OrderPaid { .. } => line.paid_on = Some(on),
            OrderEvent::DirectDebitReturned { reopened: true, .. } => line.paid_on = None,
            _ => {}
        }
        line.status = status.unwrap_or(line.status);
    }

    pub(super) fn into_orders(self) -> Vec<OrderLine> {
        self.0.into_iter().map(|(_, line)| line).collect()
    }
}

/// The life as the log has it, with the days until `until`. None if nothing was joined.
#[must_use]
pub fn as_recorded(history: &History, until: DateTime<Utc>) -> Option<Replay> {
    let (begun, joined) = history.subscription.first()?;
    let mut sub = Subscription::default();
    sub.apply(joined.clone());
    let zone = sub.terms()?.zone;
    let (mut orders, mut lines) = (HashMap::<Uuid, Order>::new(), Lines::default());
    for (at, id, event) in &history.orders {
        let order = orders.entry(*id).or_default();
        order.apply(event.clone());
        lines.note(*id, event, zone.date_of(*at), order.status());
    }
    let mut following = history.subscription.iter().skip(1).peekable();
    let mut days_of_access = 0;
    let mut today = zone.date_of(*begun);
    for _ in 0..MOST_DAYS {
        let Some(tomorrow) = today.succ_opt().filter(|_| zone.start_of_day(today) <= until) else { break };
        let end = zone.start_of_day(tomorrow);
        while let Some((_, event)) = following.next_if(|(at, _)| *at < end) {
            sub.apply(event.clone());
        }
        days_of_access += u32::from(sub.gives_access());
        today = tomorrow;
    }
    following.for_each(|(_, event)| sub.apply(event.clone()));
    Some(Replay {
        orders: lines.into_orders(),
        status: sub.status()?,
        next_due_on: sub.next_due_on(),
        parked: sub.is_parked(),
        days_of_access,
        refused: Vec::new(),
    })
}
