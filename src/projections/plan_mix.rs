//! How many memberships each price of each plan had, over time: for the report of the plan mix.

use super::tax_report::Span;
use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::shared::calendar::Zone;
use crate::domain::subscription::{SubscriptionEvent, Terms};
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;
use chrono::NaiveDate;
use uuid::Uuid;

/// The projection.
pub struct PlanMix;

#[async_trait]
impl Projection for PlanMix {
    fn name(&self) -> &'static str {
        "plan_mix"
    }

    fn version(&self) -> i32 {
        3
    }

    fn tables(&self) -> &'static [&'static str] {
        &["plan_mix_members", "plan_mix_moves"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists plan_mix_members (
            subscription uuid primary key,
            zone         text not null,
            variation    uuid not null,
            plan         text not null,
            every        text not null,
            price        bigint not null,
            currency     text not null,
            active       boolean not null default false
        );
        create table if not exists plan_mix_moves (
            position  bigint not null,
            change    bigint not null,
            day       date not null,
            variation uuid not null,
            plan      text not null,
            every     text not null,
            price     bigint not null,
            currency  text not null,
            primary key (position, change)
        );
        create index if not exists plan_mix_moves_by_day on plan_mix_moves (day);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(happened) = event.decode::<SubscriptionEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        match &happened {
            SubscriptionEvent::SubscriptionJoined { terms, .. } => return agree(tx, id, terms).await,
            SubscriptionEvent::PlanChanged { terms, begins_on: None, .. }
            | SubscriptionEvent::PlanBegan { terms, .. } => {
                // It leaves one price and comes to another, if it counts at all.
                count(tx, event, id, -1).await?;
                agree(tx, id, terms).await?;
                return count(tx, event, id, 1).await;
            }
            _ => {}
        }
        let Some(active) = active(&happened) else { return Ok(()) };
        let sql = "update plan_mix_members set active = $2 where subscription = $1 and active <> $2";
        let change = if active { 1 } else { -1 };
        if active {
            if tx.execute(sql, &[&id, &active]).await? > 0 {
                count(tx, event, id, change).await?;
            }
        } else {
            count(tx, event, id, change).await?;
            tx.execute(sql, &[&id, &active]).await?;
        }
        Ok(())
    }
}

/// Whether a membership is active from this event on, as its status says: one that was cancelled until its time
/// is over, on trial and at rest too, not on hold; none if the event does not touch that.
const fn active(event: &SubscriptionEvent) -> Option<bool> {
    use SubscriptionEvent as E;
    match event {
        E::TrialStarted { .. }
        | E::SubscriptionActivated { .. }
        | E::SubscriptionResumed { .. }
        | E::PeriodWaived { restarts: true, .. } => Some(true),
        E::SubscriptionPutOnHold { .. } | E::SubscriptionCancelled { .. } | E::SubscriptionExpired { .. } => {
            Some(false)
        }
        _ => None,
    }
}

/// What is agreed from now on.
async fn agree(tx: &Transaction<'_>, id: Uuid, terms: &Terms) -> Result<(), ProjectionError> {
    let (every, price) = (terms.interval.words(), terms.price);
    tx.execute(
        "insert into plan_mix_members (subscription, zone, variation, plan, every, price, currency)
         values ($1, $7, $2, $3, $4, $5, $6)
         on conflict (subscription) do update set variation = excluded.variation, plan = excluded.plan,
             every = excluded.every, price = excluded.price, currency = excluded.currency",
        &[
            &id,
            &terms.variation,
            &terms.plan_name,
            &every,
            &price.minor,
            &price.currency.code(),
            &terms.zone.name(),
        ],
    )
    .await?;
    Ok(())
}

/// Notes that a membership that counts came to the price it has, or leaves it.
async fn count(
    tx: &Transaction<'_>,
    event: &RecordedEvent,
    id: Uuid,
    change: i64,
) -> Result<(), ProjectionError> {
    let row =
        tx.query_opt("select zone from plan_mix_members where subscription = $1 and active", &[&id]).await?;
    let Some(row) = row else { return Ok(()) };
    // The seller's day, as on invoices and in every other report.
    let zone = Zone::parse(row.get(0)).map_err(|e| ProjectionError::Data(e.to_string()))?;
    tx.execute(
        "insert into plan_mix_moves (position, change, day, variation, plan, every, price, currency)
         select $1, $2, $3, variation, plan, every, price, currency from plan_mix_members
         where subscription = $4 and active",
        &[&event.position, &change, &zone.date_of(event.effective_at), &id],
    )
    .await?;
    Ok(())
}

/// How many active memberships a price had at the end of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The first day of the span.
    pub start: NaiveDate,
    /// The variation of the plan: its price, its interval, its currency.
    pub variation: Uuid,
    /// The plan's name, as who came last agreed to it.
    pub plan: String,
    /// How often it is paid: "month".
    pub every: String,
    /// What a period costs; minor units.
    pub price: i64,
    /// Its currency.
    pub currency: String,
    /// How many.
    pub active: i64,
}

/// The counts at the end of the spans from the one of `from` to the one of `until`, oldest first, then by plan and
/// price; what nobody has is left out.
///
/// # Errors
/// If the database cannot be read.
pub async fn by_span(
    r: &Reader,
    span: Span,
    from: NaiveDate,
    until: NaiveDate,
) -> Result<Vec<Count>, QueryError> {
    let sql = "
        with span as (
            select generate_series(date_trunc($3::text, $1::date::timestamp), date_trunc($3::text, $2::date::timestamp), ('1 ' || $3::text)::interval)::date as start
        ), counted as (
            select s.start, m.variation, sum(m.change)::bigint as active
            from span s join plan_mix_moves m on m.day < s.start + ('1 ' || $3::text)::interval
            group by 1, 2 having sum(m.change) > 0
        ), named as (
            select distinct on (variation) variation, plan, every, price, currency
            from plan_mix_moves order by variation, position desc
        )
        select c.start, variation, n.plan, n.every, n.price, n.currency, c.active
        from counted c join named n using (variation)
        order by c.start, n.plan, n.currency, n.price, n.every, variation";
    let rows = r.client().await?.query(sql, &[&from, &until, &span.word()]).await?;
    Ok(rows
        .iter()
        .map(|row| Count {
            start: row.get(0),
            variation: row.get(1),
            plan: row.get(2),
            every: row.get(3),
            price: row.get(4),
            currency: row.get(5),
            active: row.get(6),
        })
        .collect())
}
