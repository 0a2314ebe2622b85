//! Scheduled jobs: each runs once per slot, whoever asks for it.

pub mod backup;
pub mod checkpoint_log;
mod clear_sessions;
mod clock_tick;
mod destroy_archives;
mod dispute_lookups;
mod exchange_rates;
mod fulfil_orders;
mod keep_works;
mod lapse_requests;
mod payment_lookups;
pub mod process_deletion_requests;
pub mod progress;
mod publish_scheduled;
mod reconcile_storage;
mod send_digests;
mod stats;
pub mod tick_failures;
mod vat_checks;
mod watchdog;

use super::services::Services;
use crate::actors::bus::{CommandError, Envelope};
use crate::domain::clock::{self, RunCommand, RunError, RunState, Schedule, run_id};
use crate::domain::shared::derive_id;
use crate::store::checkpoint;
use crate::store::{Metadata, StoreError};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What a job did, in its own words.
pub type Counts = BTreeMap<String, i64>;

/// Work that comes round by the clock.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// Name, as in `kinora run NAME`.
    fn name(&self) -> &'static str;
    /// When it is due.
    fn schedule(&self) -> Schedule;
    /// Does the work for `run`. Must bear being cut off and done again.
    ///
    /// # Errors
    /// The run is then recorded as failed, and may be asked for again.
    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError>;
}

/// One run of a job.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its id, also the correlation of everything it causes.
    pub id: Uuid,
    /// Which job.
    pub job: &'static str,
    /// The time for which it runs.
    pub at: DateTime<Utc>,
}

impl Run {
    /// Metadata for a command of this run.
    #[must_use]
    pub fn meta(&self) -> Metadata {
        let mut meta = Metadata::system(self.job, self.id, self.at);
        meta.causation = Some(self.id);
        meta
    }

    /// Id for the command of this run to one aggregate.
    #[must_use]
    pub fn command_id(&self, purpose: &str) -> Uuid {
        derive_id(&self.id.to_string(), purpose)
    }
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else, in words for operators without personal data.
    #[error("{0}")]
    Failed(String),
}

impl From<tokio_postgres::Error> for JobError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

/// All jobs of Kinora.
#[must_use]
pub fn all() -> Vec<Arc<dyn Job>> {
    vec![
        Arc::new(stats::Stats),
        Arc::new(clear_sessions::ClearSessions),
        Arc::new(process_deletion_requests::ProcessDeletionRequests),
        Arc::new(watchdog::Watchdog),
        Arc::new(checkpoint_log::CheckpointLog),
        Arc::new(backup::Backup),
        Arc::new(publish_scheduled::PublishScheduled),
        Arc::new(reconcile_storage::ReconcileStorage),
        Arc::new(destroy_archives::DestroyArchives),
        Arc::new(keep_works::KeepWorks),
        Arc::new(send_digests::SendDigests),
        // Billing.
        Arc::new(clock_tick::ClockTick),
        Arc::new(payment_lookups::PaymentLookups),
        Arc::new(dispute_lookups::DisputeLookups),
        Arc::new(vat_checks::VatChecks),
        Arc::new(exchange_rates::ExchangeRates),
        Arc::new(lapse_requests::LapseRequests),
        Arc::new(fulfil_orders::FulfilOrders),
    ]
}

/// How a request for a run ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Job.
    pub job: String,
    /// Slot.
    pub slot: DateTime<Utc>,
    /// `completed`, `already-run` or `failed`.
    pub status: &'static str,
    /// Events written about the business.
    pub changed: i64,
    /// What the job did.
    pub counts: Counts,
    /// How long it took.
    pub duration_ms: i64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How long `--wait` lets charges and mails take.
const SETTLE: Duration = Duration::from_secs(120);
const UNSETTLED: &str = "what followed from the run was not finished in two minutes; run it again";

/// Runs `job` for `slot` unless that slot has run. With `wait` it returns after everything that
/// followed (charges, mails) is done, and counts it.
///
/// # Errors
/// If the store fails; an error of the job itself is in the report.
pub async fn run(
    job: &dyn Job,
    slot: DateTime<Utc>,
    requested_by: Metadata,
    wait: bool,
    cx: &Services,
) -> Result<Report, JobError> {
    let id = run_id(job.name(), slot);
    let report = |status, changed, counts, started: Instant, error: Option<String>| Report {
        job: job.name().to_owned(),
        slot,
        status,
        changed,
        counts,
        duration_ms: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        error,
    };
    let started = Instant::now();
    let lease = format!("run {id}");
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    // One at a time: a second process that wants the same slot waits for the first one's result, and
    // takes over if that dies.
    while !checkpoint::lease(&**client, &lease, cx.process, 30.0).await? {
        if started.elapsed() > SETTLE {
            let error = "another process is still at work on this slot; ask again later".to_owned();
            return Ok(report("failed", 0, Counts::new(), started, Some(error)));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    if cx.run_state(id).await? == RunState::Completed {
        let _ = client.execute("delete from leases where name = $1", &[&lease]).await;
        drop(client);
        cx.metrics.runtime.runs.with_label_values(&[job.name(), "already_run"]).inc();
        // Somebody else's run: what followed from it may still be under way.
        if wait && !cx.settle(SETTLE).await? {
            return Ok(report("failed", 0, Counts::new(), started, Some(UNSETTLED.to_owned())));
        }
        return Ok(report("already-run", 0, Counts::new(), started, None));
    }
    let request = RunCommand::Request { job: job.name().to_owned(), slot };
    send(cx, Uuid::now_v7(), id, request, requested_by).await?;
    drop(client);
    let run = Run { id, job: job.name(), at: slot };
    // A job that panics has failed: it must neither take others with it nor be begun anew at every start.
    let guarded = AssertUnwindSafe(job.run(&run, cx)).catch_unwind().map(|ended| {
        let panicked = |_| Err(JobError::Failed("a fault of the program (a panic, see its log)".into()));
        ended.unwrap_or_else(panicked)
    });
    let outcome = tokio::select! {
        outcome = guarded => outcome,
        () = keep_lease(cx, &lease) => Err(JobError::Failed("the lease was lost".into())),
    };
    let outcome = match outcome {
        Ok(_) if wait && !cx.settle(SETTLE).await? => Err(JobError::Failed(UNSETTLED.into())),
        outcome => outcome,
    };
    let changed = cx.changed_by(id).await?;
    let elapsed = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    let (command, done) = match outcome {
        Ok(counts) => (
            RunCommand::Complete { counts: counts.clone(), changed, duration_ms: elapsed },
            report("completed", changed, counts, started, None),
        ),
        Err(error) => {
            let error = error.to_string();
            tracing::error!(job = job.name(), error, "a scheduled run failed");
            (
                RunCommand::Fail { error: error.clone(), duration_ms: elapsed },
                report("failed", changed, Counts::new(), started, Some(error)),
            )
        }
    };
    send(cx, Uuid::now_v7(), id, command, run.meta()).await?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    client.execute("delete from leases where name = $1 and owner = $2", &[&lease, &cx.process]).await?;
    drop(client);
    progress::forget(cx, id).await?;
    let metrics = &cx.metrics.runtime;
    // How the runs ended is read back from the log (the sampler): timers run them in processes of their own.
    metrics.run_duration.with_label_values(&[job.name()]).observe(started.elapsed().as_secs_f64());
    if done.status == "completed" {
        metrics.run_last_success.with_label_values(&[job.name()]).set(Utc::now().timestamp());
    }
    Ok(done)
}

async fn send(
    cx: &Services,
    id: Uuid,
    run: Uuid,
    command: RunCommand,
    meta: Metadata,
) -> Result<(), JobError> {
    let sent = cx.bus.dispatch::<clock::Run>(Envelope::new(id, run, command, meta)).await;
    sent.map(|_| ()).map_err(|e: CommandError<RunError>| JobError::Failed(e.to_string()))
}

async fn keep_lease(cx: &Services, lease: &str) {
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        if let Ok(client) = cx.pool.get().await
            && let Ok(false) = checkpoint::lease(&**client, lease, cx.process, 30.0).await
        {
            return;
        }
    }
}
