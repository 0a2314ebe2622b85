//! Folds a projection anew beside the live one, and swaps the two when the new one has caught up.
//! Until then everybody reads the old tables, and they stay current.

use super::projector::Projector;
use crate::projections::{InMemory, Projection, ProjectionError};
use crate::store::{Client, StoreError, Transaction, known, log};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// Events of one transaction.
const PAGE: i64 = 2000;
/// How often the swap is tried when readers hold the tables.
const TRIES: u32 = 20;

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// Which projection.
    pub name: String,
    /// Up to which event.
    pub position: i64,
}

impl Projector {
    /// Rebuilds a projection beside the live one; `progress` is told position and head.
    ///
    /// # Errors
    /// If there is no such projection, an event cannot be folded, or the database fails. The live one
    /// then stays as it is.
    pub async fn rebuild_live(
        &self,
        name: &str,
        mut progress: impl FnMut(i64, i64),
    ) -> Result<Rebuilt, StoreError> {
        let projection = self.named(name)?;
        // Letters, digits and underscores of our own names: nothing to quote.
        let schema = format!("rebuild_{}", name.replace('-', "_"));
        let mut client = self.pool.get().await?;
        // Two at once would clear away each other's tables. Held by the connection: it goes with it.
        let lock = "select pg_try_advisory_lock(hashtext('kinora rebuild ' || $1))";
        if !client.query_one(lock, &[&name]).await?.get::<_, bool>(0) {
            return Err(StoreError::Cluster(format!("{name} is being rebuilt already")));
        }
        let work = async {
            client
                .batch_execute(&format!("drop schema if exists {schema} cascade; create schema {schema}"))
                .await?;
            self.fold_beside(&mut client, &projection, &schema, &mut progress).await
        };
        // A projection that panics must not leave the lock on a connection that goes back to the pool.
        let outcome = AssertUnwindSafe(work).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| {
            Err(StoreError::Cluster(format!("{name}: a fault of the program (a panic, see its log)")))
        });
        // After a swap it is empty; after a failure what was made is of no use.
        let dropped = client.batch_execute(&format!("drop schema if exists {schema} cascade")).await;
        let unlock = "select pg_advisory_unlock(hashtext('kinora rebuild ' || $1))";
        let unlocked = client.execute(unlock, &[&name]).await;
        if dropped.is_err() || unlocked.is_err() {
            // It may still hold the lock: the next one to use it must not inherit that.
            drop(Client::take(client));
        }
        let position = outcome?;
        dropped?;
        self.metrics.projections.rebuilds.with_label_values(&[name]).inc();
        Ok(Rebuilt { name: name.to_owned(), position })
    }

    async fn fold_beside(
        &self,
        client: &mut Client,
        projection: &Arc<dyn Projection>,
        schema: &str,
        progress: &mut impl FnMut(i64, i64),
    ) -> Result<i64, StoreError> {
        let tx = begin(client, schema).await?;
        tx.batch_execute(projection.ddl()).await?;
        tx.commit().await?;
        let mut at = match projection.in_memory() {
            Some(memory) => fold_in_memory(client, projection, schema, memory, progress).await?,
            None => 0,
        };
        loop {
            let head = log::head(&***client).await?;
            progress(at, head);
            if head - at < PAGE {
                break;
            }
            let tx = begin(client, schema).await?;
            at = fold(&tx, projection.as_ref(), at, at + PAGE).await?;
            tx.commit().await?;
        }
        for _ in 0..TRIES {
            match self.swap(client, projection, schema, at).await {
                Err(StoreError::Database(error))
                    if matches!(
                        error.code(),
                        Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED)
                    ) =>
                {
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                other => return other,
            }
        }
        Err(StoreError::Cluster("readers held the tables all the time; try again when it is quieter".into()))
    }

    /// The rest of the log, then new tables in the place of old ones, in one transaction.
    async fn swap(
        &self,
        client: &mut Client,
        projection: &Arc<dyn Projection>,
        schema: &str,
        from: i64,
    ) -> Result<i64, StoreError> {
        let tx = begin(client, schema).await?;
        tx.batch_execute("set local lock_timeout = '2s'").await?;
        // In the order in which the projector takes them: its checkpoint, then its tables.
        let name = projection.name();
        let sql = "select version from public.checkpoints where name = $1 for update";
        let version: Option<i32> = tx.query_opt(sql, &[&name]).await?.map(|row| row.get(0));
        if version != Some(projection.version()) {
            return Err(StoreError::Cluster(format!(
                "another version of Kinora has made {name} anew meanwhile"
            )));
        }
        for table in projection.tables() {
            tx.batch_execute(&format!("lock table views.\"{table}\" in access exclusive mode")).await?;
        }
        let mut at = from;
        loop {
            let next = fold(&tx, projection.as_ref(), at, at + PAGE).await?;
            if next == at {
                break;
            }
            at = next;
        }
        for table in projection.tables() {
            tx.batch_execute(&format!(
                "drop table views.\"{table}\" cascade; alter table {schema}.\"{table}\" set schema views"
            ))
            .await?;
        }
        tx.execute("delete from public.dead_letters where name = $1", &[&name]).await?;
        tx.execute(
            "update public.checkpoints set position = $2, version = $3, updated_at = now() where name = $1",
            &[&name, &at, &projection.version()],
        )
        .await?;
        tx.commit().await?;
        Ok(at)
    }
}

async fn begin<'a>(client: &'a mut Client, schema: &str) -> Result<Transaction<'a>, StoreError> {
    let tx = Transaction::begin(client).await?;
    tx.batch_execute(&format!("set local search_path = {schema}, public; set local statement_timeout = 0"))
        .await?;
    Ok(tx)
}

/// Folds the events after `at`, up to `until`; gives the last one's position.
async fn fold(
    tx: &Transaction<'_>,
    projection: &dyn Projection,
    at: i64,
    until: i64,
) -> Result<i64, StoreError> {
    let events = log::after(&**tx, at, Some(until), PAGE).await?;
    known::check(&events)?;
    let Some(last) = events.last().map(|e| e.position) else { return Ok(at) };
    projection.apply_page(tx, &events).await.map_err(|error| unfolded(projection, at, last, &error))?;
    Ok(last)
}

fn unfolded(projection: &dyn Projection, after: i64, to: i64, error: &ProjectionError) -> StoreError {
    StoreError::Unreadable(format!("{}: events {} to {to}: {error}", projection.name(), after + 1))
}

/// Folds in memory up to less than a page before the head, and writes the rows; gives the last position.
/// The next page is on its way while one is folded.
async fn fold_in_memory(
    client: &mut Client,
    projection: &Arc<dyn Projection>,
    schema: &str,
    mut memory: Box<dyn InMemory>,
    progress: &mut impl FnMut(i64, i64),
) -> Result<i64, StoreError> {
    let (mut at, mut head) = (0, log::head(&***client).await?);
    let mut page = log::page(client, at, None, PAGE).await?;
    while let Some(to) = page.last().map(|e| e.position) {
        known::check(&page)?;
        let next = log::page(client, to, None, PAGE);
        let mut next = std::pin::pin!(next);
        // Asked once, it is sent; the server works on it meanwhile.
        let mut early = None;
        if let Poll::Ready(done) = futures_util::poll!(next.as_mut()) {
            early = Some(done?);
        }
        for event in &page {
            memory
                .fold(event)
                .map_err(|e| unfolded(projection.as_ref(), event.position - 1, event.position, &e))?;
        }
        at = to;
        progress(at, head);
        // Taken off the connection before anything else is asked on it: its answers come in their order, and are not
        // read on while nobody takes these.
        page = match early {
            Some(done) => done,
            None => next.await?,
        };
        if head - at < PAGE {
            head = log::head(&***client).await?;
            if head - at < PAGE {
                break;
            }
        }
    }
    let tx = begin(client, schema).await?;
    memory.write(&tx).await.map_err(|e| unfolded(projection.as_ref(), 0, at, &e))?;
    tx.commit().await?;
    Ok(at)
}
