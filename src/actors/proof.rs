//! Proof that the lines of a page are what stands in the log, that none is left out or put in, and that the log
//! is what was written.

use super::services::Services;
use crate::domain::approval::ApprovalEvent;
use crate::domain::clock::RunEvent;
use crate::domain::credit::CreditEvent;
use crate::domain::invoice_series::InvoiceSeriesEvent;
use crate::domain::order::OrderEvent;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::subscription::SubscriptionEvent;
use crate::domain::team::TeamEvent;
use crate::projections::subscription_timeline::Entry;
use crate::store::audit::{LastVerification, last_verification};
use crate::store::event::stream_name;
use crate::store::{Client, RecordedEvent, StoreError, log};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// What was found.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Events that were looked at.
    pub checked: usize,
    /// Positions of those that are not as they were written, or not as the page shows them.
    pub bad: Vec<i64>,
    /// Positions of those that stand in the log, and that the page leaves out.
    pub missing: Vec<i64>,
    /// Positions of lines that the page shows, and that do not stand in the log as events of this subscription.
    pub extra: Vec<i64>,
    /// The last time the log as a whole was held against its chain and signed checkpoints.
    pub whole: Option<LastVerification>,
}

impl Proof {
    /// Whether all is as it was written.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.bad.is_empty() && self.missing.is_empty() && self.extra.is_empty()
    }
}

/// Holds the lines of a subscription against the log, up to the position `reached` that the table of the lines had
/// come to: they are all events of the subscription, each is shown as it stands there, and each follows by its hash
/// from the event before it. That the events before are right is shown by the verification of the whole log.
///
/// # Errors
/// If the database cannot be read.
pub async fn of(
    cx: &Services,
    subscription: Uuid,
    lines: &[Entry],
    reached: i64,
) -> Result<Proof, StoreError> {
    let client = cx.pool.get().await?;
    // Lines that came after `reached` was asked were folded together with all before them.
    let until = lines.last().map_or(reached, |last| last.position.max(reached));
    let expected = events_of(&client, subscription, lines, until).await?;
    let shown: BTreeSet<i64> = lines.iter().map(|e| e.position).collect();
    let all: Vec<i64> = expected.union(&shown).copied().collect();
    let (events, bad) = log::check(&**client, &all).await?;
    // What is not in the log at all is an extra line, not a changed one.
    let mut bad: BTreeSet<i64> = bad.into_iter().filter(|p| expected.contains(p)).collect();
    let runs = runs(&client, &events).await?;
    let by_position: HashMap<i64, &RecordedEvent> = events.iter().map(|e| (e.position, e)).collect();
    for line in lines.iter().filter(|e| expected.contains(&e.position)) {
        let event = by_position.get(&line.position);
        if !event.is_some_and(|event| same(line, event, &runs)) {
            bad.insert(line.position);
        }
    }
    Ok(Proof {
        checked: all.len(),
        bad: bad.into_iter().collect(),
        missing: expected.difference(&shown).copied().collect(),
        extra: shown.difference(&expected).copied().collect(),
        whole: last_verification(&**client).await?,
    })
}

/// Whether a line shows what the event says, in all that the page says of it.
fn same(line: &Entry, event: &RecordedEvent, runs: &HashMap<Uuid, (String, DateTime<Utc>)>) -> bool {
    let meta = &event.metadata;
    line.kind == event.kind
        && line.category == event.category()
        && line.subject == event.stream_uuid()
        && line.payload == *event.payload
        && line.effective_at == event.effective_at
        && line.recorded_at == event.recorded_at
        && line.actor == meta.actor
        && line.reason_at == meta.reason
        && line.command == event.command_id
        && line.causes == (meta.causation, meta.correlation)
        && line.run.as_ref() == runs.get(&meta.correlation)
}

/// The runs of the clock from which some of the events followed: job and slot.
async fn runs(
    client: &Client,
    events: &[RecordedEvent],
) -> Result<HashMap<Uuid, (String, DateTime<Utc>)>, StoreError> {
    let roots: BTreeSet<Uuid> = events.iter().map(|e| e.metadata.correlation).collect();
    let mut runs = HashMap::new();
    for root in roots {
        for event in log::stream(client, &stream_name(RunEvent::CATEGORY, root), 0).await? {
            if let Ok(Some(RunEvent::RunRequested { job, slot })) = event.decode::<RunEvent>()
                && job == "clock-tick"
            {
                runs.insert(root, (job, slot));
            }
        }
    }
    Ok(runs)
}

/// Positions of the events of a subscription as the log itself tells them: its own, those of its team, its orders,
/// its documents, of credit that it gave or used, and of what a second person was asked about it.
async fn events_of(
    client: &Client,
    of: Uuid,
    lines: &[Entry],
    until: i64,
) -> Result<BTreeSet<i64>, StoreError> {
    let own = stream_name(SubscriptionEvent::CATEGORY, of);
    let mut orders: BTreeSet<Uuid> =
        lines.iter().filter(|e| e.category == OrderEvent::CATEGORY).map(|e| e.subject).collect();
    for event in log::stream(client, &own, 0).await? {
        orders_in(&event.payload, &mut orders);
    }
    let mut streams = vec![own, stream_name(TeamEvent::CATEGORY, of)];
    for order in orders {
        let name = stream_name(OrderEvent::CATEGORY, order);
        let placed = log::stream(client, &name, 0).await?.into_iter().next();
        let placed = placed.and_then(|event| event.decode::<OrderEvent>().ok().flatten());
        if matches!(placed, Some(OrderEvent::OrderPlaced { subscription, .. }) if subscription == of) {
            streams.push(name);
        }
    }
    let asked = log::naming(&***client, ApprovalEvent::CATEGORY, of, until).await?;
    let mut wanted: Vec<i64> = asked.iter().map(|(_, position)| *position).collect();
    let asked_in: HashMap<i64, String> = asked.into_iter().map(|(name, position)| (position, name)).collect();
    for category in [CreditEvent::CATEGORY, InvoiceSeriesEvent::CATEGORY] {
        let some = log::naming(&***client, category, of, until).await?;
        wanted.extend(some.into_iter().map(|(_, position)| position));
    }
    // The id may stand in them for another cause: each says itself whether it is of this subscription.
    let mut all = BTreeSet::new();
    for event in log::check(&***client, &wanted).await?.0 {
        let about = if let Ok(Some(event)) = event.decode::<CreditEvent>() {
            Some(event.subscription())
        } else if let Ok(Some(ApprovalEvent::SecondPersonAsked { subscription, .. })) = event.decode() {
            // What became of the request stands in the same stream.
            let its = subscription == Some(of);
            streams.extend(asked_in.get(&event.position).filter(|_| its).cloned());
            None
        } else {
            match event.decode::<InvoiceSeriesEvent>() {
                Ok(Some(
                    InvoiceSeriesEvent::InvoiceIssued { document, .. }
                    | InvoiceSeriesEvent::CreditNoteIssued { document, .. },
                )) => Some(document.subscription),
                _ => None,
            }
        };
        if about == Some(of) {
            all.insert(event.position);
        }
    }
    all.extend(log::positions_of(&***client, &streams, until).await?);
    Ok(all)
}

/// The orders that an event of a subscription names.
fn orders_in(payload: &serde_json::Value, found: &mut BTreeSet<Uuid>) {
    match payload {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                if name == "order" || name.ends_with("_order") {
                    found.extend(value.as_str().and_then(|id| Uuid::parse_str(id).ok()));
                }
                orders_in(value, found);
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|value| orders_in(value, found)),
        _ => {}
    }
}
