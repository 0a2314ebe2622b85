//! Compares live projections with a rebuild beside them.

use super::projector::Projector;
use crate::store::{StoreError, known, log};
use tokio_postgres::Transaction;

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
}

impl Projector {
    /// Folds the log into a schema of its own, up to where each live projection stands, compares
    /// table by table, and drops that schema again. Readers are not disturbed.
    ///
    /// # Errors
    /// If the database refuses or an event cannot be folded.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        let mut client = self.pool.get().await?;
        // One transaction that sees one state of the live tables and leaves nothing behind.
        let tx = client
            .build_transaction()
            .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
            .start()
            .await?;
        let mut projections = Vec::new();
        let mut events = 0;
        for projection in self.projections.iter() {
            let row = tx
                .query_opt("select position from public.checkpoints where name = $1", &[&projection.name()])
                .await?;
            let until: i64 = row.map_or(0, |r| r.get(0));
            events = events.max(until);
            tx.batch_execute("set local statement_timeout = 0; create schema rebuild_check; set local search_path = rebuild_check, public").await?;
            tx.batch_execute(projection.ddl()).await?;
            let mut at = 0;
            while at < until {
                let page = log::after(&*tx, at, Some(until), 1000).await?;
                known::check(&page).map_err(|e| StoreError::Unreadable(e.to_string()))?;
                let Some(last) = page.last().map(|e| e.position) else { break };
                for event in &page {
                    projection.apply(&tx, event).await.map_err(|e| {
                        StoreError::Unreadable(format!(
                            "{}: event {}: {e}",
                            projection.name(),
                            event.position
                        ))
                    })?;
                }
                at = last;
            }
            let mut different = Vec::new();
            for table in projection.tables() {
                if !same_rows(&tx, table).await? {
                    different.push(*table);
                }
            }
            tx.batch_execute("set local search_path = views, public; drop schema rebuild_check cascade")
                .await?;
            projections.push(VerifiedProjection {
                name: projection.name(),
                equal: different.is_empty(),
                different,
            });
        }
        tx.rollback().await?;
        Ok(Verified { ok: projections.iter().all(|p| p.equal), events, projections })
    }
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
