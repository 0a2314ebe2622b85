//! The attempts to charge an order, as its page lists them; kept by the projection of orders.

use super::{QueryError, Reader};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One attempt to charge an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// When it was made.
    pub started_at: DateTime<Utc>,
    /// Through which gateway.
    pub gateway: String,
    /// `started`, `succeeded`, `declined`, `cancelled`, `action-required`, `unknown` or `parked`.
    pub state: String,
    /// The gateway's code, if it was declined.
    pub code: Option<String>,
}

/// The attempts on an order, the oldest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_order(r: &Reader, order: Uuid) -> Result<Vec<AttemptRow>, QueryError> {
    let sql = "select started_at, gateway, state, code from payments where order_id = $1
        order by started_at, attempt";
    let rows = r.client().await?.query(sql, &[&order]).await?;
    Ok(rows
        .iter()
        .map(|row| AttemptRow {
            started_at: row.get(0),
            gateway: row.get(1),
            state: row.get(2),
            code: row.get(3),
        })
        .collect())
}
