//! Compares live projections with a rebuild beside them.

use super::projector::Projector;
use crate::projections::{Projection, apply_guarded};
use crate::store::{StoreError, Transaction, known, log};

/// Whether all projections equal a rebuild.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Verified {
    /// All of them.
    pub ok: bool,
    /// Events folded.
    pub events: i64,
    /// One by one.
    pub projections: Vec<VerifiedProjection>,
}

/// One projection's comparison.
#[derive(Clone, Debug, serde::Serialize)]
pub struct VerifiedProjection {
    /// Its name.
    pub name: &'static str,
    /// Whether every table has the same rows.
    pub equal: bool,
    /// Tables that differ.
    pub different: Vec<&'static str>,
    /// Which event cannot be folded anew, and why; then nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Projector {
    /// Folds the log into a schema of its own, up to where each live projection stands, compares
    /// table by table, and drops that schema again. Readers are not disturbed.
    ///
    /// # Errors
    /// If the database refuses or an event cannot be folded.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        let mut client = self.pool.get().await?;
        let mut projections = Vec::new();
        let mut events = 0;
        for projection in self.projections.iter() {
            // One transaction that sees one state of the live tables and leaves nothing behind; one for each, because every
            // append is slower as long as one that began before it is open.
            let tx = Transaction::of_one_moment(&mut client).await?;
            let row = tx
                .query_opt("select position from public.checkpoints where name = $1", &[&projection.name()])
                .await?;
            let until: i64 = row.map_or(0, |r| r.get(0));
            events = events.max(until);
            // One that cannot be folded does not keep the others from being compared.
            tx.batch_execute("set local statement_timeout = 0").await?;
            let (different, error) = match compare(&tx, projection.as_ref(), until).await? {
                Ok(different) => (different, None),
                Err(error) => (Vec::new(), Some(error)),
            };
            tx.rollback().await?;
            projections.push(VerifiedProjection {
                name: projection.name(),
                equal: different.is_empty() && error.is_none(),
                different,
                error,
            });
        }
        Ok(Verified { ok: projections.iter().all(|p| p.equal), events, projections })
    }
}

/// Folds the log up to `until` beside the live tables; gives the tables that differ, or which event cannot be folded.
async fn compare(
    tx: &Transaction<'_>,
    projection: &dyn Projection,
    until: i64,
) -> Result<Result<Vec<&'static str>, String>, StoreError> {
    tx.batch_execute("create schema rebuild_check; set local search_path = rebuild_check, public").await?;
    tx.batch_execute(projection.ddl()).await?;
    let mut at = 0;
    while at < until {
        let page = log::after(&**tx, at, Some(until), 1000).await?;
        known::check(&page)?;
        let Some(last) = page.last().map(|e| e.position) else { break };
        for event in &page {
            if let Err(error) = apply_guarded(projection, tx, event).await {
                return Ok(Err(format!("event {}: {error}", event.position)));
            }
        }
        at = last;
    }
    let mut different = Vec::new();
    for table in projection.tables() {
        if !same_rows(tx, table).await? {
            different.push(*table);
        }
    }
    Ok(Ok(different))
}

async fn same_rows(tx: &Transaction<'_>, table: &str) -> Result<bool, StoreError> {
    let sql = format!(
        "select not exists (select * from (
             (select to_jsonb(a) from views.\"{table}\" a except all select to_jsonb(b) from rebuild_check.\"{table}\" b)
             union all
             (select to_jsonb(b) from rebuild_check.\"{table}\" b except all select to_jsonb(a) from views.\"{table}\" a)) d)"
    );
    Ok(tx.query_one(&sql, &[]).await?.get(0))
}
