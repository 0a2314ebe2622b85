//! What other parts of the house keep about a person beside the vault.

use super::WorkflowError;
use crate::actors::payments;
use crate::actors::services::Services;
use crate::store::StoreError;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Payment methods of an account at the gateways.
pub(super) async fn payment_methods(cx: &Services, account: Uuid) -> Result<u64, WorkflowError> {
    let mut forgotten = 0;
    for subscription in crate::projections::subscriptions::of_account(&cx.reader, account).await? {
        if let Some(method) = subscription.state.method() {
            let gateway =
                payments::gateway(cx, &method.gateway).map_err(|e| WorkflowError::Failed(e.to_string()))?;
            gateway.forget(&method.token).await.map_err(|e| WorkflowError::Failed(e.to_string()))?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

/// Own unpublished uploads with all renditions.
pub(super) async fn uploads(_cx: &Services, _account: Uuid) -> Result<u64, WorkflowError> {
    Ok(0)
}

/// Progress, likes and other measurements: rows of plain tables that name the account.
pub(super) async fn measurements(cx: &Services, account: Uuid) -> Result<u64, WorkflowError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let mut removed = 0;
    for table in MEASUREMENTS {
        let there: bool = client
            .query_one("select to_regclass($1) is not null", &[table as &(dyn ToSql + Sync)])
            .await?
            .get(0);
        if there {
            removed +=
                client.execute(&format!("delete from {table} where account = $1"), &[&account]).await?;
        }
    }
    Ok(removed)
}

/// Plain tables with a column `account` that measure what a person did.
const MEASUREMENTS: &[&str] = &["public.watch_progress", "public.lesson_progress", "public.visits"];
