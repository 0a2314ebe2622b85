//! Runs one workflow: follows the log from its checkpoint, one process at a time by lease.

use super::services::Services;
use super::supervisor::{Desk, LoopError};
use super::workflows::{Workflow, WorkflowError};
use crate::store::checkpoint;
use crate::store::followed::{Followed, Page};
use crate::store::{Client, RecordedEvent, StoreError, log};
use futures_util::future::{BoxFuture, Either};
use futures_util::{FutureExt, StreamExt, stream};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often an event is tried before it is parked.
pub const TRIES: u32 = 5;
/// How long what says nothing about the event is tried without counting.
const PATIENCE: Duration = Duration::from_mins(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
const PAGE: i64 = 200;
const POLL: Duration = Duration::from_millis(500);
const LEASE_SECONDS: f64 = 15.0;

/// Gives every workflow a checkpoint, so that nobody takes a missing one for a finished one: where the log ends now,
/// or at its beginning (see [`Workflow::begins_at_the_first`]). One of a workflow that this build does not know stays: another
/// build may be at work beside it, and would begin anew without it.
///
/// # Errors
/// If the database refuses.
pub async fn prepare(workflows: &[Arc<dyn Workflow>], cx: &Services) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    for workflow in workflows {
        client
            .execute(
                "insert into checkpoints (name, kind, position)
                 select $1, 'workflow', case when $2 then 0 else position end from log_head where log_id = 1
                 on conflict (name) do nothing",
                &[&workflow.name(), &workflow.begins_at_the_first()],
            )
            .await?;
    }
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
    let followed = Followed::of(workflow.follows());
    let mut leased: Option<Instant> = None;
    let mut begun = false;
    // Where it stands, as long as nobody else can have moved it.
    let mut place: Option<i64> = None;
    while !desk.stopping() {
        let told = *head.borrow_and_update();
        if leased.is_none_or(|t| t.elapsed() > Duration::from_secs(4)) {
            let client = cx.pool.get().await?;
            if !checkpoint::lease(&**client, &lease, cx.process, LEASE_SECONDS).await? {
                (leased, place) = (None, None);
                desk.standby();
                drop(client);
                desk.pause(Duration::from_secs(1)).await;
                continue;
            }
            if !begun {
                // It says so again if it must.
                checkpoint::go_on(&**client, &[name]).await?;
                begun = true;
            }
            leased = Some(Instant::now());
        }
        let (from, page) = {
            let client = cx.pool.get().await?;
            let from = match place {
                Some(from) => from,
                None => checkpoint::position(&client, name).await?.ok_or_else(|| {
                    StoreError::Cluster(format!("the workflow {name} has no checkpoint; restart Kinora"))
                })?,
            };
            let until = durable(&client, &cx, from, told).await?;
            (from, followed.page(&client, from, until, PAGE).await?)
        };
        cx.metrics.projections.workflow_lag_events.with_label_values(&[name]).set((told - from).max(0));
        if let Some(unknown) = &page.unknown {
            let reason = unknown.to_string();
            let client = cx.pool.get().await?;
            if checkpoint::stop(&**client, name, unknown.position, &reason).await? {
                tracing::error!(workflow = name, reason, "a workflow has stopped");
            }
            desk.failed(&reason);
        }
        if page.to == from {
            place = None;
            tokio::select! {
                _ = head.changed() => {}
                () = desk.pause(POLL) => {}
            }
            continue;
        }
        let at = if page.events.is_empty() {
            page.to
        } else {
            renew_while(&cx, &lease, react_to_all(workflow.as_ref(), &page, &cx, &desk)).await?
        };
        // A power cut may take that back: reactions bear repetition.
        let moved = at != from && checkpoint::step(&cx.pool.get().await?, name, from, at).await?;
        place = moved.then_some(at);
        desk.succeeded();
    }
    Ok(())
}

/// Up to where the log is durable: a mail or a charge must not follow from an event that a power cut takes back.
/// What the journal tells of is; what is only seen is made so.
async fn durable(client: &Client, cx: &Services, from: i64, told: i64) -> Result<i64, StoreError> {
    if told > from {
        return Ok(told);
    }
    let seen = log::head(&***client).await?;
    if seen > from {
        log::settle(&***client).await?;
        cx.journal.announce(seen);
    }
    Ok(seen)
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
/// Gives the position up to which all is done.
async fn react_to_all(
    workflow: &dyn Workflow,
    page: &Page,
    cx: &Services,
    desk: &Desk,
) -> Result<i64, StoreError> {
    let at_once = workflow.at_once().max(1);
    let mut streams: Vec<Vec<&RecordedEvent>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for event in &page.events {
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
    Ok(undone.map_or(page.to, |first| first - 1))
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
    let (mut tries, mut pause, begun) = (0, FIRST_PAUSE, Instant::now());
    loop {
        // A fault of the program is a reaction that failed: it must not stop the reactions to other events.
        let handled = AssertUnwindSafe(workflow.handle(event, cx)).catch_unwind().await;
        let panicked = || Err(WorkflowError::Failed("a fault of the program (a panic, see its log)".into()));
        let Err(error) = handled.unwrap_or_else(|_| panicked()) else { return Ok(true) };
        // Not of this event's making, nor ours to get over: the stream is for the version that wrote on it.
        if let Some(unknown) = error.newer() {
            let reason = unknown.to_string();
            let client = cx.pool.get().await?;
            if checkpoint::stop(&**client, name, unknown.position, &reason).await? {
                tracing::error!(workflow = name, at = event.position, reason, "a workflow has stopped");
            }
            drop(client);
            desk.failed(&reason);
            desk.pause(LONGEST_PAUSE).await;
            return Ok(false);
        }
        // Where Kinora is busy or the database away, nothing is wrong with the event; but one that never works does
        // not hold up all others for ever.
        if !error.is_passing() || begun.elapsed() > PATIENCE {
            tries += 1;
        }
        tracing::warn!(workflow = name, position = event.position, tries, %error, "a workflow failed");
        cx.metrics.projections.workflow_retries.with_label_values(&[name]).inc();
        desk.failed(&error.to_string());
        if tries == TRIES {
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
        pause = (pause * 4).min(LONGEST_PAUSE);
    }
}
