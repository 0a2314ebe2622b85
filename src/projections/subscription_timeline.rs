//! The event log of a subscription, or of a gift, as staff read it: its own events, those of its orders, invoices,
//! credit and requests for a second person, in the order of the log, each with who or which run caused it and what
//! followed.

use super::{Projection, ProjectionError, QueryError, Reader, people, subscriptions};
use crate::domain::approval::ApprovalEvent;
use crate::domain::clock::RunEvent;
use crate::domain::credit::CreditEvent;
use crate::domain::gift::GiftEvent;
use crate::domain::invoice_series::InvoiceSeriesEvent;
use crate::domain::order::OrderEvent;
use crate::domain::shared::PersonalRef;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::subscription::{Subscription, SubscriptionEvent};
use crate::domain::team::TeamEvent;
use crate::store::event::decode_payload;
use crate::store::{Actor, RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use tokio_postgres::Row;
use uuid::Uuid;

/// The projection.
pub struct SubscriptionTimeline;

#[async_trait]
impl Projection for SubscriptionTimeline {
    fn name(&self) -> &'static str {
        "subscription_timeline"
    }

    fn version(&self) -> i32 {
        6
    }

    fn streams_apart(&self) -> bool {
        true
    }

    fn tables(&self) -> &'static [&'static str] {
        &["timeline", "timeline_orders", "timeline_requests", "timeline_runs"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists timeline (
            position     bigint primary key,
            subscription uuid not null,
            category     text not null,
            kind         text not null,
            effective_at timestamptz not null,
            recorded_at  timestamptz not null,
            actor        json not null,
            command      uuid not null,
            causation    uuid,
            correlation  uuid not null,
            subject      uuid not null,
            payload      json not null,
            reason       json
        );
        create index if not exists timeline_by_subscription on timeline (subscription, position);
        create table if not exists timeline_orders (
            order_id     uuid primary key,
            subscription uuid not null
        );
        create table if not exists timeline_requests (
            request      uuid primary key,
            subscription uuid not null
        );
        create table if not exists timeline_runs (
            run  uuid primary key,
            job  text not null,
            slot timestamptz not null
        );"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let id = event.stream_uuid();
        if let Some(RunEvent::RunRequested { job, slot }) = event.decode::<RunEvent>()? {
            if job == "clock-tick" {
                let sql = "insert into timeline_runs values ($1, $2, $3) on conflict do nothing";
                tx.execute(sql, &[&id, &job, &slot]).await?;
            }
            return Ok(());
        }
        // A team has the id of its subscription; the order of a gift names the gift as what it is for.
        let own = [SubscriptionEvent::CATEGORY, TeamEvent::CATEGORY, GiftEvent::CATEGORY];
        let own = own.contains(&event.category());
        let subscription = if own {
            id
        } else if let Some(decoded) = event.decode::<OrderEvent>()? {
            if let OrderEvent::OrderPlaced { subscription, .. } = decoded {
                tx.execute("insert into timeline_orders values ($1, $2)", &[&id, &subscription]).await?;
            }
            let row =
                tx.query_opt("select subscription from timeline_orders where order_id = $1", &[&id]).await?;
            let Some(row) = row else { return Ok(()) };
            row.get(0)
        } else if let Some(decoded) = event.decode::<ApprovalEvent>()? {
            if let ApprovalEvent::SecondPersonAsked { subscription: Some(subscription), .. } = decoded {
                let sql = "insert into timeline_requests values ($1, $2)";
                tx.execute(sql, &[&id, &subscription]).await?;
            }
            let sql = "select subscription from timeline_requests where request = $1";
            let Some(row) = tx.query_opt(sql, &[&id]).await? else { return Ok(()) };
            row.get(0)
        } else if let Some(decoded) = event.decode::<CreditEvent>()? {
            decoded.subscription()
        } else {
            match event.decode::<InvoiceSeriesEvent>()? {
                Some(
                    InvoiceSeriesEvent::InvoiceIssued { document, .. }
                    | InvoiceSeriesEvent::CreditNoteIssued { document, .. },
                ) => document.subscription,
                None => return Ok(()),
            }
        };
        tx.execute(
            "insert into timeline values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            &[
                &event.position,
                &subscription,
                &event.category(),
                &event.kind,
                &event.effective_at,
                &event.recorded_at,
                &serde_json::to_value(&event.metadata.actor)?,
                &event.command_id,
                &event.metadata.causation,
                &event.metadata.correlation,
                &id,
                &*event.payload,
                &event.metadata.reason.as_ref().map(serde_json::to_value).transpose()?,
            ],
        )
        .await?;
        Ok(())
    }
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Place in the whole log.
    pub position: i64,
    /// Which kind of aggregate it happened to.
    pub category: String,
    /// The event's type.
    pub kind: String,
    /// When it takes effect.
    pub effective_at: DateTime<Utc>,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
    /// Who caused it.
    pub actor: Actor,
    /// Whether that is the member, with this account or another one of the same person.
    pub by_member: bool,
    /// The scheduled run it belongs to: job and slot.
    pub run: Option<(String, DateTime<Utc>)>,
    /// Position of the line it followed from, if that is in this timeline.
    pub caused_by: Option<i64>,
    /// Positions of the lines that followed from it.
    pub followed_by: Vec<i64>,
    /// The order, subscription or series it happened to.
    pub subject: Uuid,
    /// The payload.
    pub payload: serde_json::Value,
    /// Why staff did it, in their words; says so when the words were erased with the member.
    pub reason: Option<String>,
    /// Where those words are.
    pub reason_at: Option<PersonalRef>,
    /// The command that caused it.
    pub command: Uuid,
    /// What caused that command, and where the chain of causes began.
    pub causes: (Option<Uuid>, Uuid),
}

impl Entry {
    /// The event as a type of the domain; `None` when it belongs to another category.
    #[must_use]
    pub fn decode<E: CategoryEvent>(&self) -> Option<E> {
        (self.category == E::CATEGORY).then(|| decode_payload(&self.kind, &self.payload).ok()).flatten()
    }
}

fn read(row: &Row) -> Result<Entry, QueryError> {
    let unreadable =
        |e: serde_json::Error| StoreError::Unreadable(format!("a line of the timeline cannot be read: {e}"));
    let actor = serde_json::from_value(row.get(5)).map_err(unreadable)?;
    let reason: Option<serde_json::Value> = row.get(12);
    let reason = reason.map(serde_json::from_value).transpose().map_err(unreadable)?;
    let job: Option<String> = row.get(8);
    Ok(Entry {
        position: row.get(0),
        category: row.get(1),
        kind: row.get(2),
        effective_at: row.get(3),
        recorded_at: row.get(4),
        actor,
        by_member: false,
        run: job.zip(row.get(9)),
        caused_by: None,
        followed_by: Vec::new(),
        subject: row.get(10),
        payload: row.get(11),
        reason: None,
        reason_at: reason,
        command: row.get(6),
        causes: (row.get(7), row.get(13)),
    })
}

const SELECT: &str =
    "select t.position, t.category, t.kind, t.effective_at, t.recorded_at, t.actor, t.command, t.causation,
        u.job, u.slot, t.subject, t.payload, t.reason, t.correlation
    from timeline t left join timeline_runs u on u.run = t.correlation";

/// The timeline of a subscription, or a gift, oldest first, up to `recorded_until` if given.
///
/// # Errors
/// If the database cannot be read.
pub async fn of(
    r: &Reader,
    subscription: Uuid,
    recorded_until: Option<DateTime<Utc>>,
) -> Result<Vec<Entry>, QueryError> {
    let sql = format!(
        "{SELECT} where t.subscription = $1 and ($2::timestamptz is null or t.recorded_at <= $2)
         order by t.position"
    );
    let rows = r.client().await?.query(&sql, &[&subscription, &recorded_until]).await?;
    let mut entries: Vec<Entry> = rows.iter().map(read).collect::<Result<_, _>>()?;
    // A command may write several events: what it caused hangs on the last of them.
    let last_of: HashMap<Uuid, i64> = entries.iter().map(|e| (e.command, e.position)).collect();
    complete(r, subscription, &mut entries, &last_of).await?;
    let mut followed: HashMap<i64, Vec<i64>> = HashMap::new();
    for entry in &entries {
        if let Some(cause) = entry.caused_by {
            followed.entry(cause).or_default().push(entry.position);
        }
    }
    for entry in &mut entries {
        entry.followed_by = followed.remove(&entry.position).unwrap_or_default();
    }
    Ok(entries)
}

/// The last `limit` lines of a timeline, or of those before the position `before`; the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn newest(
    r: &Reader,
    subscription: Uuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, QueryError> {
    let client = r.client().await?;
    let sql = format!(
        "{SELECT} where t.subscription = $1 and ($2::bigint is null or t.position < $2)
         order by t.position desc limit $3"
    );
    let rows = client.query(&sql, &[&subscription, &before, &limit]).await?;
    let mut entries: Vec<Entry> = rows.iter().map(read).collect::<Result<_, _>>()?;
    // What they followed from may stand further back than they do, and what followed from them further on.
    let own: Vec<Uuid> = entries.iter().map(|e| e.command).collect();
    let all: Vec<Uuid> = own.iter().copied().chain(entries.iter().filter_map(|e| e.causes.0)).collect();
    let sql = "select command, max(position) from timeline where subscription = $1 and command = any($2)
        group by command";
    let rows = client.query(sql, &[&subscription, &all]).await?;
    let last_of: HashMap<Uuid, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let sql = "select causation, position from timeline where subscription = $1 and causation = any($2)
        and causation <> command order by position";
    let rows = client.query(sql, &[&subscription, &own]).await?;
    drop(client);
    complete(r, subscription, &mut entries, &last_of).await?;
    let mut followed: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in &rows {
        if let Some(cause) = last_of.get(&row.get::<_, Uuid>(0)) {
            followed.entry(*cause).or_default().push(row.get(1));
        }
    }
    for entry in &mut entries {
        entry.followed_by = followed.remove(&entry.position).unwrap_or_default();
    }
    Ok(entries)
}

/// Adds who is the member, the reasons, and what the lines followed from; `last_of` names the last line of a command.
async fn complete(
    r: &Reader,
    subscription: Uuid,
    entries: &mut [Entry],
    last_of: &HashMap<Uuid, i64>,
) -> Result<(), QueryError> {
    let reasons: Vec<PersonalRef> = entries.iter().filter_map(|e| e.reason_at.clone()).collect();
    let reasons = r.open_many(&reasons).await?;
    let member = match subscriptions::one(r, subscription).await? {
        Some(row) => people::same_person(r, row.owner).await?,
        None => Vec::new(),
    };
    for entry in entries {
        entry.by_member = matches!(&entry.actor, Actor::Account(id) if member.contains(id));
        let at = entry.reason_at.as_ref();
        entry.reason =
            at.map(|at| reasons.get(at).cloned().unwrap_or_else(|| "(erased with the account)".into()));
        entry.caused_by =
            entry.causes.0.filter(|c| *c != entry.command).and_then(|c| last_of.get(&c).copied());
    }
    Ok(())
}

/// How far the timeline has come in the log.
///
/// # Errors
/// If the database cannot be read.
pub async fn reached(r: &Reader) -> Result<i64, QueryError> {
    let sql = "select position from public.checkpoints where kind = 'projection' and name = $1";
    let row = r.client().await?.query_opt(sql, &[&SubscriptionTimeline.name()]).await?;
    Ok(row.map_or(0, |row| row.get(0)))
}

/// The subscription as it was at `true_on`: what was true then, by what is in `entries`.
#[must_use]
pub fn state_as_of(entries: &[Entry], true_on: DateTime<Utc>) -> Subscription {
    let mut state = Subscription::default();
    for entry in entries.iter().filter(|e| e.effective_at <= true_on) {
        if let Some(event) = entry.decode::<SubscriptionEvent>() {
            state.apply(event);
        }
    }
    state
}

/// The subscription that an order belongs to.
///
/// # Errors
/// If the database cannot be read.
pub async fn subscription_of_order(r: &Reader, order: Uuid) -> Result<Option<Uuid>, QueryError> {
    let sql = "select subscription from timeline_orders where order_id = $1";
    Ok(r.client().await?.query_opt(sql, &[&order]).await?.map(|row| row.get(0)))
}
