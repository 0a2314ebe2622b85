//! The projector: one reader of the log that folds its pages into all projections of the process.
//! Projections that stand at the same position share one transaction with their checkpoints.

use super::supervisor::{Desk, LoopError};
use crate::metrics::Metrics;
use crate::projections::{Projection, ProjectionError, apply_guarded, apply_page_guarded};
use crate::store::checkpoint::{self, Kind};
use crate::store::{Client, Journal, Pool, RecordedEvent, StoreError, Transaction, known, log};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Events of one transaction.
const PAGE: i64 = 500;
/// Polling floor when nobody announces events.
const POLL: Duration = Duration::from_millis(500);
const LEASE: &str = "projector";
const LEASE_SECONDS: f64 = 10.0;

/// Folds the log into projections.
#[derive(Clone)]
pub struct Projector {
    /// What is folded.
    pub projections: Arc<Vec<Arc<dyn Projection>>>,
    /// Connections.
    pub pool: Pool,
    /// Tells of new events.
    pub journal: Journal,
    /// Numbers.
    pub metrics: Arc<Metrics>,
    /// Owner of the lease.
    pub process: Uuid,
    /// Tells pages how far all projections are.
    pub projected: Arc<watch::Sender<i64>>,
}

impl Projector {
    /// Makes missing tables; projections of another version start anew from the first event.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        let mut client = self.pool.get().await?;
        let known = checkpoint::all(&**client, Kind::Projection).await?;
        for projection in self.projections.iter() {
            let same = known.get(projection.name()).is_some_and(|c| c.version == projection.version());
            if !same {
                let tx = Transaction::begin(&mut client).await?;
                // Two processes may start at once.
                tx.execute("select pg_advisory_xact_lock(hashtext('kinora projections'))", &[]).await?;
                start_anew(&tx, projection.as_ref()).await?;
                tx.commit().await?;
            }
        }
        let names: Vec<&str> = self.projections.iter().map(|p| p.name()).collect();
        client
            .execute("delete from checkpoints where kind = 'projection' and name <> all($1)", &[&names])
            .await?;
        checkpoint::go_on(&**client, &names).await?;
        Ok(())
    }

    /// Empties one projection so that it is folded again from the first event.
    ///
    /// # Errors
    /// If there is no such projection, or the database refuses.
    pub async fn rebuild(&self, name: &str) -> Result<(), StoreError> {
        let projection = self.named(name)?;
        let mut client = self.pool.get().await?;
        let tx = Transaction::begin(&mut client).await?;
        start_anew(&tx, projection.as_ref()).await?;
        tx.commit().await?;
        self.metrics.projections.rebuilds.with_label_values(&[name]).inc();
        Ok(())
    }

    /// A projection by its name.
    ///
    /// # Errors
    /// If there is none; the text names those there are.
    pub fn named(&self, name: &str) -> Result<Arc<dyn Projection>, StoreError> {
        self.projections.iter().find(|p| p.name() == name).map(Arc::clone).ok_or_else(|| {
            let names: Vec<&str> = self.projections.iter().map(|p| p.name()).collect();
            StoreError::Cluster(format!("there is no projection {name}; there are: {}", names.join(", ")))
        })
    }

    /// The working loop.
    ///
    /// # Errors
    /// If the database fails; the supervisor starts the loop again.
    pub async fn run(self, desk: Desk) -> Result<(), LoopError> {
        let mut head = self.journal.head();
        let mut lease_checked: Option<std::time::Instant> = None;
        // One for good: it keeps the statements of all projections.
        let mut client = self.pool.get().await?;
        while !desk.stopping() {
            head.borrow_and_update();
            if lease_checked.is_none_or(|t| t.elapsed() > Duration::from_secs(3)) {
                if !checkpoint::lease(&**client, LEASE, self.process, LEASE_SECONDS).await? {
                    lease_checked = None;
                    desk.standby();
                    desk.pause(Duration::from_secs(1)).await;
                    continue;
                }
                lease_checked = Some(std::time::Instant::now());
            }
            if self.step_on(&mut client).await? {
                desk.succeeded();
                continue;
            }
            // Nothing to do, or nothing that can be read: then the table of stopped readers says so.
            tokio::select! {
                _ = head.changed() => {}
                () = desk.pause(POLL) => {}
            }
        }
        Ok(())
    }

    /// Folds one page for those projections that are furthest behind; `false` if there was nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn step(&self) -> Result<bool, StoreError> {
        self.step_on(&mut self.pool.get().await?).await
    }

    async fn step_on(&self, client: &mut Client) -> Result<bool, StoreError> {
        let checkpoints = checkpoint::all(&***client, Kind::Projection).await?;
        let mut by_position: BTreeMap<i64, Vec<&Arc<dyn Projection>>> = BTreeMap::new();
        for projection in self.projections.iter() {
            let position = checkpoints.get(projection.name()).map_or(0, |c| c.position);
            by_position.entry(position).or_default().push(projection);
        }
        let mut places = by_position.into_iter();
        let Some((from, group)) = places.next() else { return Ok(false) };
        let until = places.next().map(|(position, _)| position);
        let mut events = log::page(client, from, until, PAGE).await?;
        if let Some(unknown) = known::readable(&mut events) {
            for projection in &group {
                let (name, reason) = (projection.name(), unknown.to_string());
                if checkpoint::stop(&***client, name, unknown.position, &reason).await? {
                    tracing::error!(projection = name, reason, "a projection has stopped");
                }
            }
            return Ok(false);
        }
        let Some(to) = events.last().map(|e| e.position) else {
            self.report(from, &checkpoints);
            self.projected.send_if_modified(|p| std::mem::replace(p, from) != from);
            return Ok(false);
        };
        if !self.fold(client, &group, &events, from, to).await? {
            for projection in &group {
                self.fold_carefully(client, projection.as_ref(), &events, from).await?;
            }
        }
        for projection in &group {
            self.metrics
                .projections
                .applied
                .with_label_values(&[projection.name()])
                .inc_by(events.len() as u64);
        }
        if until.is_none() {
            self.projected.send_if_modified(|p| std::mem::replace(p, to) != to);
        }
        Ok(true)
    }

    /// All projections and all events in one transaction; `false` if one of them could not.
    async fn fold(
        &self,
        client: &mut Client,
        group: &[&Arc<dyn Projection>],
        events: &[RecordedEvent],
        from: i64,
        to: i64,
    ) -> Result<bool, StoreError> {
        let names: Vec<&str> = group.iter().map(|p| p.name()).collect();
        let parked =
            client.query("select 1 from dead_letters where name = any($1) limit 1", &[&names]).await?;
        if !parked.is_empty() {
            return Ok(false);
        }
        let tx = Transaction::begin(client).await?;
        // Not lost with a crash: the checkpoint would be lost with it, and the page folded again.
        tx.batch_execute("set local synchronous_commit = off").await?;
        // Moved first, so that another process that believes itself the projector waits here, and then sees
        // that the page is done.
        if !checkpoint::advance(&tx, &names, from, to).await? {
            return Ok(true);
        }
        // Each has tables of its own, so they need not take turns event by event, nor wait for each other's
        // answers: what one asks is on its way while another folds.
        let folds = group.iter().map(|projection| {
            let name = projection.name();
            apply_page_guarded(projection.as_ref(), &tx, events)
                .map(move |outcome| outcome.map_err(|error| (name, error)))
        });
        let mut folds: FuturesUnordered<_> = folds.collect();
        while let Some(outcome) = folds.next().await {
            if let Err((projection, error)) = outcome {
                tracing::warn!(projection, from, to, %error, "a page cannot be folded at once");
                return Ok(false);
            }
        }
        drop(folds);
        tx.commit().await?;
        Ok(true)
    }

    /// One projection, each event for itself: what cannot be folded is parked with its stream.
    async fn fold_carefully(
        &self,
        client: &mut Client,
        projection: &dyn Projection,
        events: &[RecordedEvent],
        from: i64,
    ) -> Result<(), StoreError> {
        let name = projection.name();
        let rows =
            client.query("select distinct stream_id from dead_letters where name = $1", &[&name]).await?;
        let mut parked: HashSet<String> = rows.iter().map(|r| r.get(0)).collect();
        let mut at = from;
        for event in events {
            let tx = Transaction::begin(client).await?;
            if !checkpoint::advance(&tx, &[name], at, event.position).await? {
                return Ok(());
            }
            let outcome = if parked.contains(&event.stream_id) {
                Err(ProjectionError::Data("an earlier event of this stream is parked".into()))
            } else {
                apply_guarded(projection, &tx, event).await
            };
            let tx = match outcome {
                Ok(()) => tx,
                Err(error) => {
                    tx.rollback().await?;
                    if client.is_closed() {
                        return Err(StoreError::Cluster("the connection was lost".into()));
                    }
                    parked.insert(event.stream_id.clone());
                    let tx = Transaction::begin(client).await?;
                    if !checkpoint::advance(&tx, &[name], at, event.position).await? {
                        return Ok(());
                    }
                    checkpoint::park(&*tx, name, event.position, &event.stream_id, &error.to_string(), 1)
                        .await?;
                    tx
                }
            };
            tx.commit().await?;
            at = event.position;
        }
        let parked = i64::try_from(parked.len()).unwrap_or(i64::MAX);
        self.metrics.projections.parked.with_label_values(&[name]).set(parked);
        Ok(())
    }

    fn report(&self, head: i64, checkpoints: &BTreeMap<String, checkpoint::Checkpoint>) {
        for (name, checkpoint) in checkpoints {
            let metrics = &self.metrics.projections;
            metrics.position.with_label_values(&[name]).set(checkpoint.position);
            metrics.lag_events.with_label_values(&[name]).set((head - checkpoint.position).max(0));
        }
    }
}

async fn start_anew(tx: &Transaction<'_>, projection: &dyn Projection) -> Result<(), StoreError> {
    for table in projection.tables() {
        tx.batch_execute(&format!("drop table if exists views.\"{table}\" cascade")).await?;
    }
    tx.batch_execute(projection.ddl()).await?;
    tx.execute("delete from dead_letters where name = $1", &[&projection.name()]).await?;
    checkpoint::go_on(&**tx, &[projection.name()]).await?;
    checkpoint::set(&**tx, projection.name(), Kind::Projection, projection.version(), 0).await
}
