//! Until when what an order paid for is given, so that orders can be told to be fulfilled.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::gift::{GiftEvent, order_of};
use crate::domain::order::OrderEvent;
use crate::domain::subscription::{PauseOver, SubscriptionEvent};
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The projection.
pub struct Fulfilments;

#[async_trait]
impl Projection for Fulfilments {
    fn name(&self) -> &'static str {
        "fulfilments"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["fulfilments"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists fulfilments (
            order_id uuid primary key,
            subject  uuid not null,
            position bigint not null,
            ends_at  timestamptz
        );
        create index if not exists fulfilments_by_subject on fulfilments (subject, position);
        create index if not exists fulfilments_by_end on fulfilments (ends_at);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        use SubscriptionEvent as E;
        let id = event.stream_uuid();
        if let Some(happened) = event.decode::<SubscriptionEvent>()? {
            return match happened {
                E::SubscriptionActivated { order, paid_until, .. }
                | E::SubscriptionRenewed { order, paid_until, .. }
                | E::SubscriptionResumed { order, paid_until, .. }
                | E::PlanChanged { order: Some(order), paid_until, .. } => {
                    // What was paid for before is over, or goes on in this.
                    if let E::SubscriptionResumed { .. } | E::PlanChanged { .. } = happened {
                        newest(tx, id, Some(event.effective_at)).await?;
                    }
                    insert(tx, order, id, event.position, paid_until).await
                }
                E::PaidTimeExtended { paid_until, .. }
                | E::GivenDaysTakenBack { paid_until, .. }
                | E::PauseEnded(PauseOver { paid_until, .. }) => newest(tx, id, Some(paid_until)).await,
                E::SubscriptionPaused { .. } => newest(tx, id, None).await,
                E::SubscriptionCancelled { .. } | E::SubscriptionExpired { .. } => {
                    let sql = "update fulfilments set ends_at = least(coalesce(ends_at, $2), $2) where subject = $1";
                    tx.execute(sql, &[&id, &event.effective_at]).await?;
                    Ok(())
                }
                E::PaymentReversed { unpaid } => remove(tx, unpaid.order).await,
                _ => Ok(()),
            };
        }
        if let Some(GiftEvent::GiftUsed { .. }) = event.decode::<GiftEvent>()? {
            return insert(tx, order_of(id), id, event.position, event.effective_at).await;
        }
        match event.decode::<OrderEvent>()? {
            Some(OrderEvent::OrderFulfilled { .. } | OrderEvent::OrderRefunded { .. }) => {
                remove(tx, id).await
            }
            _ => Ok(()),
        }
    }
}

async fn insert(
    tx: &Transaction<'_>,
    order: Uuid,
    subject: Uuid,
    position: i64,
    ends_at: DateTime<Utc>,
) -> Result<(), ProjectionError> {
    let sql = "insert into fulfilments values ($1, $2, $3, $4) on conflict (order_id) do update
        set position = excluded.position, ends_at = excluded.ends_at";
    tx.execute(sql, &[&order, &subject, &position, &ends_at]).await?;
    Ok(())
}

/// Moves the end of what was paid for last; none: it rests.
async fn newest(
    tx: &Transaction<'_>,
    subject: Uuid,
    ends_at: Option<DateTime<Utc>>,
) -> Result<(), ProjectionError> {
    let sql = "update fulfilments set ends_at = $2 where order_id =
        (select order_id from fulfilments where subject = $1 order by position desc limit 1)";
    tx.execute(sql, &[&subject, &ends_at]).await?;
    Ok(())
}

async fn remove(tx: &Transaction<'_>, order: Uuid) -> Result<(), ProjectionError> {
    tx.execute("delete from fulfilments where order_id = $1", &[&order]).await?;
    Ok(())
}

/// Orders whose time is over by `at`, the oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn over(r: &Reader, at: DateTime<Utc>, limit: i64) -> Result<Vec<Uuid>, QueryError> {
    let sql = "select f.order_id from fulfilments f join orders o on o.id = f.order_id and o.status = 'paid'
        where f.ends_at <= $1 order by f.ends_at, f.order_id limit $2";
    Ok(r.client().await?.query(sql, &[&at, &limit]).await?.iter().map(|row| row.get(0)).collect())
}
