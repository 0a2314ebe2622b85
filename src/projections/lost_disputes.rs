//! What disputes took away for good of what was invoiced: money that reports of revenue take off.

use super::{Projection, ProjectionError};
use crate::domain::order::OrderEvent;
use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;

/// The projection.
pub struct LostDisputes;

#[async_trait]
impl Projection for LostDisputes {
    fn name(&self) -> &'static str {
        "lost_disputes"
    }

    fn version(&self) -> i32 {
        4
    }

    fn tables(&self) -> &'static [&'static str] {
        &["lost_disputes"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists lost_disputes (
            position bigint primary key,
            order_id uuid not null,
            at       timestamptz not null,
            minor    bigint not null,
            currency text not null
        );
        create index if not exists lost_disputes_by_time on lost_disputes (at);
        create index if not exists lost_disputes_by_order on lost_disputes (order_id);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(OrderEvent::DisputeClosed { won: false, amount, too_much: false, at, .. }) =
            event.decode::<OrderEvent>()?
        else {
            return Ok(());
        };
        // Of which day it is depends on where the studio is: the report says so.
        let row = (event.stream_uuid(), at);
        tx.execute(
            "insert into lost_disputes values ($1, $2, $3, $4, $5)",
            &[&event.position, &row.0, &row.1, &amount.minor, &amount.currency.code()],
        )
        .await?;
        Ok(())
    }
}
