//! The projector: one reader of the log that folds its pages into all projections of the process.
//! Projections that stand at the same position share one transaction with their checkpoints.

use super::supervisor::{Desk, LoopError};
use crate::metrics::Metrics;
use crate::projections::{Projection, ProjectionError, apply_guarded, apply_page_guarded};
use crate::store::checkpoint::{self, Kind};
use crate::store::{Client, Journal, Pool, RecordedEvent, StoreError, Transaction, known, log};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Events of one transaction.
const PAGE: i64 = 500;
/// Polling floor when nobody announces events.
const POLL: Duration = Duration::from_millis(500);
/// How often an event is folded of which a statement was cut off.
const TRIES: u32 = 3;
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
    /// Makes missing tables; projections of an older version start anew from the first event. Those of a newer one stay as
    /// they are: its build may be at work beside this one (see [`Projector::take_over`]).
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        let mut client = self.pool.get().await?;
        let known = checkpoint::all(&**client, Kind::Projection).await?;
        for projection in self.projections.iter() {
            let (name, version) = (projection.name(), projection.version());
            if known.get(name).is_none_or(|c| c.version < version) {
                let tx = Transaction::begin(&mut client).await?;
                // Two processes may start at once.
                tx.execute("select pg_advisory_xact_lock(hashtext('kinora projections'))", &[]).await?;
                let already = checkpoint::all(&*tx, Kind::Projection).await?;
                if already.get(name).is_none_or(|c| c.version < version) {
                    start_anew(&tx, projection.as_ref()).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Makes this build's lists those of the studio, for a server that begins while no other process folds: what a newer
    /// build made before it was taken back starts anew, and places of projections that there are no more go.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn take_over(&self) -> Result<(), StoreError> {
        let mut client = self.pool.get().await?;
        if !checkpoint::lease(&**client, LEASE, self.process, LEASE_SECONDS).await? {
            return Ok(());
        }
        let known = checkpoint::all(&**client, Kind::Projection).await?;
        for projection in self.projections.iter() {
            if known.get(projection.name()).is_some_and(|c| c.version > projection.version()) {
                let tx = Transaction::begin(&mut client).await?;
                start_anew(&tx, projection.as_ref()).await?;
                tx.commit().await?;
            }
        }
        let names: Vec<&str> = self.projections.iter().map(|p| p.name()).collect();
        let gone = "delete from checkpoints where kind = 'projection' and name <> all($1)";
        client.execute(gone, &[&names]).await?;
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
        let mut begun = false;
        // One for good: it keeps the statements of all projections.
        let mut client = self.pool.get().await?;
        while !desk.stopping() {
            head.borrow_and_update();
            if lease_checked.is_none_or(|t| t.elapsed() > Duration::from_secs(3)) {
                // An upgrade in another process made tables anew: they are not for the code of this one.
                if self.is_outdated(&client).await? {
                    if lease_checked.take().is_some() {
                        checkpoint::lease(&**client, LEASE, self.process, 0.0).await?;
                    }
                    desk.standby();
                    desk.pause(Duration::from_secs(3)).await;
                    continue;
                }
                if !checkpoint::lease(&**client, LEASE, self.process, LEASE_SECONDS).await? {
                    lease_checked = None;
                    desk.standby();
                    desk.pause(Duration::from_secs(1)).await;
                    continue;
                }
                if !begun {
                    // They say so again if they must.
                    let names: Vec<&str> = self.projections.iter().map(|p| p.name()).collect();
                    checkpoint::go_on(&**client, &names).await?;
                    begun = true;
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

    /// Folds one page for the projections in front and one for those that are furthest behind; `false` if there was
    /// nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn step(&self) -> Result<bool, StoreError> {
        self.step_on(&mut self.pool.get().await?).await
    }

    /// Whether a newer build has made tables for its own code.
    async fn is_outdated(&self, client: &Client) -> Result<bool, StoreError> {
        let checkpoints = checkpoint::all(&***client, Kind::Projection).await?;
        let newer = |p: &Arc<dyn Projection>| {
            checkpoints.get(p.name()).is_some_and(|known| known.version > p.version())
        };
        Ok(self.projections.iter().any(newer))
    }

    async fn step_on(&self, client: &mut Client) -> Result<bool, StoreError> {
        let checkpoints = checkpoint::all(&***client, Kind::Projection).await?;
        let mut places: BTreeMap<i64, Group<'_>> = BTreeMap::new();
        for projection in self.projections.iter() {
            let name = projection.name();
            // Taken for one that stands at 0 it would never move, and nothing else would.
            let Some(known) = checkpoints.get(name) else {
                return Err(StoreError::Cluster(format!(
                    "the projection {name} has no checkpoint: another build took it away; restart Kinora"
                )));
            };
            // Of another build: that one folds it.
            if known.version == projection.version() {
                places.entry(known.position).or_default().push(projection);
            }
        }
        // First what is new for those in front: one that lags, or is made anew, keeps no other waiting.
        let Some((front, first)) = places.pop_last() else { return Ok(false) };
        let mut reached = vec![(self.fold_page(client, &first, front, None).await?, front, first)];
        if let Some((from, last)) = places.pop_first() {
            let until = places.first_key_value().map_or(front, |(position, _)| *position);
            reached.push((self.fold_page(client, &last, from, Some(until)).await?, from, last));
        }
        let mut now: BTreeMap<&str, i64> =
            checkpoints.iter().map(|(n, c)| (n.as_str(), c.position)).collect();
        let mut moved = false;
        for (outcome, from, group) in &reached {
            moved |= !matches!(outcome, Page::Nothing);
            let to = if let Page::Folded(to) = outcome { *to } else { *from };
            now.extend(group.iter().map(|p| (p.name(), to)));
        }
        self.report(&checkpoints, &now);
        Ok(moved)
    }

    /// Folds the next page behind `from`, up to `until`, for a group of projections that stand there.
    async fn fold_page(
        &self,
        client: &mut Client,
        group: &Group<'_>,
        from: i64,
        until: Option<i64>,
    ) -> Result<Page, StoreError> {
        let mut events = log::page(client, from, until, PAGE).await?;
        if let Some(unknown) = known::readable(&mut events) {
            for projection in group {
                let (name, reason) = (projection.name(), unknown.to_string());
                if checkpoint::stop(&***client, name, unknown.position, &reason).await? {
                    tracing::error!(projection = name, reason, "a projection has stopped");
                }
            }
            return Ok(Page::Nothing);
        }
        let Some(to) = events.last().map(|e| e.position) else { return Ok(Page::Nothing) };
        // What has set streams aside that stand in this page keeps no other from folding it at once.
        let parked = parked(client, group).await?;
        let aside = |p: &Arc<dyn Projection>| {
            parked.get(p.name()).is_some_and(|streams| events.iter().any(|e| streams.contains(&e.stream_id)))
        };
        let (mut careful, mut whole): (Vec<_>, Vec<_>) = group.iter().copied().partition(|p| aside(p));
        // One that cannot fold the page leaves it to the others.
        while !whole.is_empty() {
            match self.fold(client, &whole, &events, from, to).await? {
                Fold::Done => break,
                Fold::Elsewhere => return Ok(Page::Elsewhere),
                Fold::Failed(failed) => careful.extend(whole.extract_if(.., |p| p.name() == failed)),
            }
        }
        for projection in careful {
            if !self.fold_carefully(client, projection.as_ref(), &events, from).await? {
                return Ok(Page::Elsewhere);
            }
        }
        for projection in group {
            let applied = &self.metrics.projections.applied;
            applied.with_label_values(&[projection.name()]).inc_by(events.len() as u64);
        }
        Ok(Page::Folded(to))
    }

    /// All projections and all events in one transaction.
    async fn fold(
        &self,
        client: &mut Client,
        group: &[&Arc<dyn Projection>],
        events: &[RecordedEvent],
        from: i64,
        to: i64,
    ) -> Result<Fold, StoreError> {
        let names: Vec<&str> = group.iter().map(|p| p.name()).collect();
        let tx = Transaction::begin(client).await?;
        // Not lost with a crash: the checkpoint would be lost with it, and the page folded again.
        tx.batch_execute("set local synchronous_commit = off").await?;
        // Moved first, so that another process that believes itself the projector waits here, and then sees
        // that the page is done.
        if !checkpoint::advance(&tx, &names, from, to).await? {
            return Ok(Fold::Elsewhere);
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
                let error = match error.passing() {
                    Ok(passing) => return Err(passing),
                    Err(error) => error,
                };
                tracing::warn!(projection, from, to, %error, "a page cannot be folded at once");
                return Ok(Fold::Failed(projection));
            }
        }
        drop(folds);
        tx.commit().await?;
        Ok(Fold::Done)
    }

    /// One projection, each event for itself: what cannot be folded is parked with its stream. `false` if another process
    /// moved it meanwhile.
    async fn fold_carefully(
        &self,
        client: &mut Client,
        projection: &dyn Projection,
        events: &[RecordedEvent],
        from: i64,
    ) -> Result<bool, StoreError> {
        let name = projection.name();
        let rows =
            client.query("select distinct stream_id from dead_letters where name = $1", &[&name]).await?;
        let mut parked: HashSet<String> = rows.iter().map(|r| r.get(0)).collect();
        let mut at = from;
        for event in events {
            if parked.contains(&event.stream_id) {
                let why = "an earlier event of this stream is parked";
                if !set_aside(client, name, at, event, why).await? {
                    return Ok(false);
                }
                at = event.position;
                continue;
            }
            let mut tries = 0;
            let (tx, outcome) = loop {
                let tx = Transaction::begin(client).await?;
                tx.batch_execute("set local synchronous_commit = off").await?;
                if !checkpoint::advance(&tx, &[name], at, event.position).await? {
                    return Ok(false);
                }
                let outcome = apply_guarded(projection, &tx, event).await;
                tries += 1;
                // It may have waited for somebody's lock.
                if tries < TRIES && outcome.as_ref().is_err_and(ProjectionError::is_time_out) {
                    tx.rollback().await?;
                    continue;
                }
                break (tx, outcome);
            };
            match outcome {
                Ok(()) => tx.commit().await?,
                Err(error) => {
                    tx.rollback().await?;
                    if client.is_closed() {
                        return Err(StoreError::Cluster("the connection was lost".into()));
                    }
                    let error = match error.passing() {
                        Ok(passing) => return Err(passing),
                        Err(error) => error,
                    };
                    parked.insert(event.stream_id.clone());
                    if !set_aside(client, name, at, event, &error.to_string()).await? {
                        return Ok(false);
                    }
                }
            }
            at = event.position;
        }
        let parked = i64::try_from(parked.len()).unwrap_or(i64::MAX);
        self.metrics.projections.parked.with_label_values(&[name]).set(parked);
        Ok(true)
    }

    /// Tells how far each is, and pages how far all are that are not being made anew.
    fn report(&self, checkpoints: &BTreeMap<String, checkpoint::Checkpoint>, now: &BTreeMap<&str, i64>) {
        let head = (*self.journal.head().borrow()).max(now.values().copied().max().unwrap_or_default());
        let metrics = &self.metrics.projections;
        let mut current = None;
        for projection in self.projections.iter() {
            let name = projection.name();
            let Some(checkpoint) = checkpoints.get(name) else { continue };
            let position = now.get(name).copied().unwrap_or(checkpoint.position);
            metrics.position.with_label_values(&[name]).set(position);
            metrics.lag_events.with_label_values(&[name]).set((head - position).max(0));
            if position >= checkpoint.anew_until {
                current = Some(current.map_or(position, |least: i64| least.min(position)));
            }
        }
        if let Some(current) = current {
            self.projected.send_if_modified(|p| std::mem::replace(p, current) != current);
        }
    }
}

/// Projections that stand at the same place.
type Group<'a> = Vec<&'a Arc<dyn Projection>>;

/// What became of a page.
enum Page {
    /// There was none, or none that can be read.
    Nothing,
    /// Another process folded it.
    Elsewhere,
    /// All of the group stand here now.
    Folded(i64),
}

/// What became of a page that several folded at once.
enum Fold {
    Done,
    /// Another process moved one of them.
    Elsewhere,
    /// The first that could not.
    Failed(&'static str),
}

/// Parks an event for one projection, and moves its checkpoint over it; `false` if somebody else moved it.
async fn set_aside(
    client: &mut Client,
    name: &str,
    at: i64,
    event: &RecordedEvent,
    why: &str,
) -> Result<bool, StoreError> {
    let tx = Transaction::begin(client).await?;
    tx.batch_execute("set local synchronous_commit = off").await?;
    if !checkpoint::advance(&tx, &[name], at, event.position).await? {
        return Ok(false);
    }
    checkpoint::park(&*tx, name, event.position, &event.stream_id, why, 1).await?;
    tx.commit().await?;
    Ok(true)
}

/// The streams that each of them has set aside.
async fn parked(
    client: &Client,
    group: &[&Arc<dyn Projection>],
) -> Result<HashMap<String, HashSet<String>>, StoreError> {
    let names: Vec<&str> = group.iter().map(|p| p.name()).collect();
    let sql = "select distinct name, stream_id from dead_letters where name = any($1)";
    let mut parked: HashMap<String, HashSet<String>> = HashMap::new();
    for row in client.query(&client.prepare_cached(sql).await?, &[&names]).await? {
        parked.entry(row.get(0)).or_default().insert(row.get(1));
    }
    Ok(parked)
}

async fn start_anew(tx: &Transaction<'_>, projection: &dyn Projection) -> Result<(), StoreError> {
    for table in projection.tables() {
        tx.batch_execute(&format!("drop table if exists views.\"{table}\" cascade")).await?;
    }
    tx.batch_execute(projection.ddl()).await?;
    tx.execute("delete from dead_letters where name = $1", &[&projection.name()]).await?;
    checkpoint::go_on(&**tx, &[projection.name()]).await?;
    checkpoint::begin_anew(&**tx, projection.name(), projection.version()).await
}
