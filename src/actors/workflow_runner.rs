//! Runs one workflow: follows the log from its checkpoint, one process at a time by lease.

use super::services::Services;
use super::supervisor::{Desk, LoopError};
use super::workflows::Workflow;
use crate::store::checkpoint::{self, Kind};
use crate::store::{RecordedEvent, StoreError, known, log};
use futures_util::future::{BoxFuture, Either};
use futures_util::{FutureExt, StreamExt, stream};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often an event is tried before it is parked.
pub const TRIES: u32 = 5;
const PAGE: i64 = 200;
const POLL: Duration = Duration::from_millis(500);
const LEASE_SECONDS: f64 = 15.0;

/// Gives every workflow a checkpoint, so that nobody takes a missing one for a finished one. A new
/// workflow starts at the beginning of the log.
///
/// # Errors
/// If the database refuses.
pub async fn prepare(workflows: &[Arc<dyn Workflow>], cx: &Services) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    for workflow in workflows {
        client
            .execute(
                "insert into checkpoints (name, kind, position) values ($1, 'workflow', 0) on conflict (name) do nothing",
                &[&workflow.name()],
            )
            .await?;
    }
    let names: Vec<&str> = workflows.iter().map(|w| w.name()).collect();
    checkpoint::go_on(&**client, &names).await?;
    client.execute("delete from checkpoints where kind = 'workflow' and name <> all($1)", &[&names]).await?;
    Ok(())
}

/// The working loop of `workflow`.
///
/// # Errors
/// If the database fails; the supervisor starts the loop again.
pub async fn run(workflow: Arc<dyn Workflow>, cx: Services, desk: Desk) -> Result<(), LoopError> {
    let mut head = cx.journal.head();
    let name = workflow.name();
    let lease = format!("workflow {name}");
    let mut leased: Option<Instant> = None;
    while !desk.stopping() {
        head.borrow_and_update();
        if leased.is_none_or(|t| t.elapsed() > Duration::from_secs(4)) {
            let client = cx.pool.get().await?;
            if !checkpoint::lease(&**client, &lease, cx.process, LEASE_SECONDS).await? {
                leased = None;
                desk.standby();
                drop(client);
                desk.pause(Duration::from_secs(1)).await;
                continue;
            }
            leased = Some(Instant::now());
        }
        let (from, events) = {
            let client = cx.pool.get().await?;
            let all = checkpoint::all(&**client, Kind::Workflow).await?;
            let from = all.get(name).map_or(0, |c| c.position);
            let mut events = log::after(&**client, from, None, PAGE).await?;
            if let Some(unknown) = known::readable(&mut events) {
                let reason = unknown.to_string();
                if checkpoint::stop(&**client, name, unknown.position, &reason).await? {
                    tracing::error!(workflow = name, reason, "a workflow has stopped");
                }
                desk.failed(&reason);
            }
            if !events.is_empty() {
                // A mail or a charge must not follow from an event that a power cut takes back.
                log::settle(&**client).await?;
            }
            (from, events)
        };
        let metrics = &cx.metrics.projections;
        metrics
            .workflow_lag_events
            .with_label_values(&[name])
            .set(i64::try_from(events.len()).unwrap_or_default());
        if events.is_empty() {
            tokio::select! {
                _ = head.changed() => {}
                () = desk.pause(POLL) => {}
            }
            continue;
        }
        let work = react_to_all(workflow.as_ref(), &events, &cx, &desk);
        let at = renew_while(&cx, &lease, work).await?.unwrap_or(from);
        let mut client = cx.pool.get().await?;
        let tx = client.transaction().await?;
        if at != from && checkpoint::advance(&tx, &[name], from, at).await? {
            tx.commit().await?;
        }
        desk.succeeded();
    }
    Ok(())
}

/// Keeps the lease while a reaction takes its time.
async fn renew_while<T>(cx: &Services, lease: &str, work: impl Future<Output = T>) -> T {
    let renew = async {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            if let Ok(client) = cx.pool.get().await {
                let _ = checkpoint::lease(&**client, lease, cx.process, LEASE_SECONDS).await;
            }
        }
    };
    match futures_util::future::select(std::pin::pin!(work), std::pin::pin!(renew)).await {
        Either::Left((done, _)) => done,
        Either::Right((never, _)) => never,
    }
}

/// Reacts to the events of a page: those of one stream in their order, different streams side by side.
/// Gives the position up to which all is done, if anything is.
async fn react_to_all(
    workflow: &dyn Workflow,
    events: &[RecordedEvent],
    cx: &Services,
    desk: &Desk,
) -> Result<Option<i64>, StoreError> {
    let at_once = workflow.at_once().max(1);
    let mut streams: Vec<Vec<&RecordedEvent>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for event in events {
        // Who reacts to one event at a time does so in the order of the log.
        let name = if at_once == 1 { "" } else { event.stream_id.as_str() };
        let lane = *known.entry(name).or_insert_with(|| {
            streams.push(Vec::new());
            streams.len() - 1
        });
        streams[lane].push(event);
    }
    // Boxed by name, or the compiler cannot see that the whole may move between threads.
    let lanes: Vec<BoxFuture<'_, _>> =
        streams.into_iter().map(|events| lane(workflow, events, cx, desk).boxed()).collect();
    let ends: Vec<Result<Option<i64>, StoreError>> =
        stream::iter(lanes).buffer_unordered(at_once).collect().await;
    let mut undone = None;
    for end in ends {
        if let Some(position) = end? {
            undone = Some(undone.map_or(position, |first: i64| first.min(position)));
        }
    }
    // What was done behind the first that was not is done again: reactions bear repetition.
    Ok(events.iter().map(|e| e.position).take_while(|p| undone.is_none_or(|first| *p < first)).last())
}

/// Reacts to the events of one stream; gives the first that was not done, if the process ends meanwhile.
async fn lane(
    workflow: &dyn Workflow,
    events: Vec<&RecordedEvent>,
    cx: &Services,
    desk: &Desk,
) -> Result<Option<i64>, StoreError> {
    for event in events {
        if desk.stopping() || !react(workflow, event, cx, desk).await? {
            return Ok(Some(event.position));
        }
    }
    Ok(None)
}

/// Tries until it works or the event is parked; `false` if the process ends meanwhile.
async fn react(
    workflow: &dyn Workflow,
    event: &RecordedEvent,
    cx: &Services,
    desk: &Desk,
) -> Result<bool, StoreError> {
    let name = workflow.name();
    let mut pause = Duration::from_millis(100);
    for attempt in 1..=TRIES {
        let Err(error) = workflow.handle(event, cx).await else { return Ok(true) };
        tracing::warn!(workflow = name, position = event.position, attempt, %error, "a workflow failed");
        cx.metrics.projections.workflow_retries.with_label_values(&[name]).inc();
        desk.failed(&error.to_string());
        if attempt == TRIES {
            let client = cx.pool.get().await?;
            let attempts = i32::try_from(TRIES).unwrap_or(i32::MAX);
            checkpoint::park(&**client, name, event.position, &event.stream_id, &error.to_string(), attempts)
                .await?;
            cx.metrics.projections.parked.with_label_values(&[name]).inc();
            return Ok(true);
        }
        desk.pause(pause).await;
        if desk.stopping() {
            return Ok(false);
        }
        pause *= 4;
    }
    Ok(true)
}
