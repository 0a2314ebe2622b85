//! Coupons: what staff see, and what the order page asks.

use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::coupon::{Coupon, CouponEvent};
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use uuid::Uuid;

/// The projection.
pub struct Coupons;

#[async_trait]
impl Projection for Coupons {
    fn name(&self) -> &'static str {
        "coupons"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["coupons"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists coupons (
            coupon   uuid primary key,
            position bigint not null,
            state    json not null
        );"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<CouponEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        let row = tx.query_opt("select state from coupons where coupon = $1", &[&id]).await?;
        let mut state: Coupon = match row {
            Some(row) => serde_json::from_value(row.get(0))?,
            None => Coupon::default(),
        };
        state.apply(decoded);
        tx.execute(
            "insert into coupons values ($1, $2, $3) on conflict (coupon) do update set state = excluded.state",
            &[&id, &event.position, &serde_json::to_value(&state)?],
        )
        .await?;
        Ok(())
    }
}

fn read(state: serde_json::Value) -> Result<Coupon, QueryError> {
    serde_json::from_value(state)
        .map_err(|e| StoreError::Unreadable(format!("a coupon's row cannot be read: {e}")))
}

/// One coupon.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(r: &Reader, id: Uuid) -> Result<Option<Coupon>, QueryError> {
    let row = r.client().await?.query_opt("select state from coupons where coupon = $1", &[&id]).await?;
    row.map(|row| read(row.get(0))).transpose()
}

/// All coupons, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn all(r: &Reader) -> Result<Vec<Coupon>, QueryError> {
    let rows = r.client().await?.query("select state from coupons order by position desc", &[]).await?;
    rows.into_iter().map(|row| read(row.get(0))).collect()
}
