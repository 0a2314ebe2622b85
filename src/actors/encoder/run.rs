//! One row from claim to end: runs the step on a thread that may block, keeps the lease meanwhile,
//! and decides what a failure means.

use super::queue::{self, JobKind, MediaJob, TRIES};
use super::settings::Tools;
use super::steps;
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::{Services, supervisor::LoopError};
use crate::domain::media::{Failure, Media, MediaCommand, MediaError, Step};
use crate::media::MediaTrouble;
use crate::media::sandbox::Cancel;
use crate::store::{Metadata, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a row waits when the disk is full.
const NO_ROOM_PAUSE: Duration = Duration::from_secs(60);

/// How a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Finished.
    Done,
    /// Failed; it is tried again or the work is marked failed.
    Failed,
    /// Given back or taken away.
    Released,
}

/// Frames done and frames in all, told from the thread that works.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicU64)>);

impl Progress {
    /// Tells.
    pub fn set(&self, done: u64, of: u64) {
        self.0.0.store(done, Ordering::Relaxed);
        self.0.1.store(of, Ordering::Relaxed);
    }

    fn get(&self) -> (u64, u64) {
        (self.0.0.load(Ordering::Relaxed), self.0.1.load(Ordering::Relaxed))
    }
}

/// What a step works with.
#[derive(Clone)]
pub struct Bench {
    /// The instance.
    pub cx: Services,
    /// Tools.
    pub tools: Tools,
    /// The row.
    pub job: MediaJob,
    /// Set when the step should stop.
    pub cancel: Cancel,
    /// Where it tells how far it is.
    pub progress: Progress,
    /// The worker that holds the lease.
    pub worker: Uuid,
}

/// Why a step did not finish.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The media room says so.
    #[error(transparent)]
    Trouble(#[from] MediaTrouble),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The command was not taken.
    #[error("{0}")]
    Command(CommandError<MediaError>),
}

impl From<std::io::Error> for StepError {
    fn from(e: std::io::Error) -> Self {
        Self::Trouble(e.into())
    }
}

impl From<tokio_postgres::Error> for StepError {
    fn from(e: tokio_postgres::Error) -> Self {
        Self::Store(e.into())
    }
}

impl Bench {
    /// Sends a command. The aggregate drops what it has heard before, so a row that is done twice says
    /// it once; an id of its own, because after a retry the same failure is news again.
    pub async fn tell(&self, command: MediaCommand) -> Result<(), StepError> {
        let id = self.cx.clock.new_id();
        let meta = Metadata::system("encoder", self.job.media, self.cx.clock.now());
        let sent = self.cx.bus.dispatch::<Media>(Envelope::new(id, self.job.media, command, meta)).await;
        sent.map(|_| ()).map_err(StepError::Command)
    }

    /// Runs blocking work on a thread of its own.
    pub async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, MediaTrouble> + Send + 'static,
    ) -> Result<T, StepError> {
        let bench = self.clone();
        match tokio::task::spawn_blocking(move || work(&bench)).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(MediaTrouble::internal("a step panicked").into()),
        }
    }
}

/// Works one claimed row off.
///
/// # Errors
/// If the database cannot be written; the lease then ends by itself.
pub async fn run_job(
    cx: &Services,
    tools: &Tools,
    job: MediaJob,
    worker: Uuid,
    cancel: Cancel,
) -> Result<Outcome, LoopError> {
    let kind: &'static str = job.kind.into();
    let bench = Bench {
        cx: cx.clone(),
        tools: tools.clone(),
        job: job.clone(),
        cancel: cancel.clone(),
        progress: Progress::default(),
        worker,
    };
    let started = Instant::now();
    let result = {
        let step = std::pin::pin!(steps::execute(&bench));
        let lease = std::pin::pin!(keep_lease(&bench));
        // The step is not dropped when the lease is lost: it is asked to stop and waited for.
        match futures_util::future::select(step, lease).await {
            futures_util::future::Either::Left((result, _)) => result,
            futures_util::future::Either::Right(((), step)) => {
                bench.cancel.cancel();
                step.await
            }
        }
    };
    let outcome = match result {
        Ok(()) => Outcome::Done,
        Err(StepError::Trouble(MediaTrouble::Cancelled)) => {
            queue::release(&cx.pool, job.id, worker, None, Duration::ZERO).await?;
            Outcome::Released
        }
        Err(error) => settle_failure(&bench, error).await?,
    };
    if outcome == Outcome::Done
        && let Some(codec) = match job.kind {
            JobKind::Prepare => Some("h264"),
            JobKind::Av1 => Some("av1"),
            _ => None,
        }
    {
        cx.metrics.media.frames.with_label_values(&[codec]).inc_by(bench.progress.get().0);
        cx.metrics.media.seconds.with_label_values(&[codec]).inc_by(started.elapsed().as_secs_f64());
    }
    let word = match outcome {
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Released => "released",
    };
    cx.metrics.media.finished.with_label_values(&[kind, word]).inc();
    tracing::info!(media = %job.media, kind, job.rung, job.segment, outcome = word, seconds = started.elapsed().as_secs_f64(), "media job");
    Ok(outcome)
}

/// Renews the lease every second; returns when the row is no longer ours.
async fn keep_lease(bench: &Bench) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (done, of) = bench.progress.get();
        match queue::beat(&bench.cx.pool, bench.job.id, bench.worker, done, of).await {
            Ok(true) => {}
            Ok(false) => return,
            // The database may come back before the lease ends.
            Err(error) => tracing::warn!(%error, "a media job's lease could not be renewed"),
        }
    }
}

async fn settle_failure(bench: &Bench, error: StepError) -> Result<Outcome, LoopError> {
    let reason = match error {
        StepError::Trouble(MediaTrouble::Failed(reason)) => reason,
        StepError::Trouble(other) => Failure::Internal { detail: other.to_string() },
        StepError::Store(error) => return Err(error.into()),
        StepError::Command(CommandError::Refused(refused)) => {
            Failure::Internal { detail: refused.to_string() }
        }
        StepError::Command(error) => return Err(error.to_string().into()),
    };
    if matches!(reason, Failure::NoRoom) {
        // Says nothing about the file: it waits until there is room, however often that takes.
        let code: &'static str = (&reason).into();
        tracing::warn!(media = %bench.job.media, "a media job waits for room on the disk");
        queue::release(&bench.cx.pool, bench.job.id, bench.worker, Some(code), NO_ROOM_PAUSE).await?;
        return Ok(Outcome::Released);
    }
    tracing::warn!(media = %bench.job.media, attempt = bench.job.attempts, %reason, "a media job failed");
    let code: &'static str = (&reason).into();
    // Content that the decoder gives up on is not better the fourth time.
    let most = if matches!(reason, Failure::DecoderGaveUp { .. }) { 2 } else { TRIES };
    if bench.job.attempts < most {
        let pause = Duration::from_secs(2_u64.pow(u32::try_from(bench.job.attempts).unwrap_or(1)));
        queue::fail(&bench.cx.pool, bench.job.id, bench.worker, code, Some(pause)).await?;
        return Ok(Outcome::Failed);
    }
    give_up(bench, reason).await?;
    Ok(Outcome::Failed)
}

/// The last try failed: the work is marked failed, with the reason.
pub(super) async fn give_up(bench: &Bench, reason: Failure) -> Result<(), LoopError> {
    let step = match bench.job.kind {
        JobKind::Probe => Step::Probe,
        JobKind::Prepare => Step::Normalise,
        JobKind::Av1 => Step::Encode,
        JobKind::Package => Step::Package,
    };
    let code: &'static str = (&reason).into();
    let at = bench.cx.clock.now();
    bench.tell(MediaCommand::Fail { step, reason, at }).await?;
    queue::fail(&bench.cx.pool, bench.job.id, bench.worker, code, None).await?;
    Ok(())
}
