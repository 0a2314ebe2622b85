//! One row from claim to end: runs the step on a thread that may block, keeps the lease meanwhile,
//! and decides what a failure means.

use super::queue::{self, JobKind, MediaJob, TRIES};
use super::settings::Tools;
use super::steps;
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::{Services, supervisor::LoopError};
use crate::domain::media::{Failure, Media, MediaCommand, MediaError, Step};
use crate::media::sandbox::Cancel;
use crate::media::{MediaTrouble, niceness, signs};
use crate::store::{Metadata, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
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
    /// It showed no sign of life and did not even hear that it should stop.
    Hung,
}

/// How long a step that was asked to stop may take over it.
const GRACE: Duration = Duration::from_secs(20);

/// Frames done and frames in all, told from the thread that works, and which thread that is (0: none).
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<(AtomicU64, AtomicU64, AtomicU32)>);

impl Progress {
    /// Tells.
    pub fn set(&self, done: u64, of: u64) {
        self.0.0.store(done, Ordering::Relaxed);
        self.0.1.store(of, Ordering::Relaxed);
    }

    fn thread(&self) -> u32 {
        self.0.2.load(Ordering::Relaxed)
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
    /// Nothing moved for so many seconds.
    #[error("no sign of life for {0} seconds")]
    Silent(u64),
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
    /// Of a round that is over it is not heard.
    pub async fn tell(&self, command: MediaCommand) -> Result<(), StepError> {
        let command = MediaCommand::Report { round: self.job.generation, of: Box::new(command) };
        let id = self.cx.clock.new_id();
        let meta = Metadata::system("encoder", self.job.media, self.cx.clock.now());
        let sent = self.cx.bus.dispatch::<Media>(Envelope::new(id, self.job.media, command, meta)).await;
        sent.map(|_| ()).map_err(StepError::Command)
    }

    /// Runs blocking work on a thread of its own, which stands back for the pages as helper programs do. It
    /// ends with the work: a thread of a pool could not take that back.
    pub async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, MediaTrouble> + Send + 'static,
    ) -> Result<T, StepError> {
        let bench = self.clone();
        let (done, ended) = tokio::sync::oneshot::channel();
        let begun = move || {
            niceness::stand_back(bench.cx.config.media.niceness);
            bench.progress.0.2.store(signs::this_thread().unwrap_or(0), Ordering::Relaxed);
            let outcome = work(&bench);
            bench.progress.0.2.store(0, Ordering::Relaxed);
            // Nobody waits for it any more when the worker ends.
            let _ = done.send(outcome);
        };
        std::thread::Builder::new().name("media-step".into()).spawn(begun)?;
        match ended.await {
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
    let ended = {
        let step = std::pin::pin!(steps::execute(&bench));
        let lease = std::pin::pin!(keep_lease(&bench));
        // The step is not dropped when the lease is lost: it is asked to stop and waited for, but not for ever.
        match futures_util::future::select(step, lease).await {
            futures_util::future::Either::Left((result, _)) => Some(result),
            futures_util::future::Either::Right((lost, step)) => {
                bench.cancel.cancel();
                let stopped = tokio::time::timeout(GRACE, step).await.ok();
                match (lost, stopped) {
                    (Lost::Silent(seconds), Some(Err(_))) => Some(Err(StepError::Silent(seconds))),
                    (Lost::Silent(seconds), None) => {
                        settle_failure(&bench, StepError::Silent(seconds)).await?;
                        None
                    }
                    (_, stopped) => stopped,
                }
            }
        }
    };
    let outcome = match ended {
        None => {
            tracing::error!(media = %job.media, kind, "a step hangs and does not hear that it should stop");
            Outcome::Hung
        }
        Some(Ok(())) => Outcome::Done,
        Some(Err(error)) => settle(&bench, error).await?,
    };
    count(&bench, outcome, started.elapsed());
    Ok(outcome)
}

async fn settle(bench: &Bench, error: StepError) -> Result<Outcome, LoopError> {
    match error {
        // Whoever stops the worker stops its helper programs with it, and those may be the first to say so.
        StepError::Trouble(trouble)
            if matches!(trouble, MediaTrouble::Cancelled) || bench.cancel.is_cancelled() =>
        {
            queue::release(&bench.cx.pool, bench.job.id, bench.worker, None, Duration::ZERO).await?;
            Ok(Outcome::Released)
        }
        error => settle_failure(bench, error).await,
    }
}

fn count(bench: &Bench, outcome: Outcome, took: Duration) {
    let (cx, job) = (&bench.cx, &bench.job);
    let kind: &'static str = job.kind.into();
    if outcome == Outcome::Done
        && let Some(codec) = match job.kind {
            JobKind::Prepare | JobKind::Smaller => Some("h264"),
            JobKind::Av1 => Some("av1"),
            _ => None,
        }
    {
        cx.metrics.media.frames.with_label_values(&[codec]).inc_by(bench.progress.get().0);
        cx.metrics.media.seconds.with_label_values(&[codec]).inc_by(took.as_secs_f64());
    }
    let word = match outcome {
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Released => "released",
        Outcome::Hung => "hung",
    };
    cx.metrics.media.finished.with_label_values(&[kind, word]).inc();
    tracing::info!(media = %job.media, kind, job.rung, job.segment, outcome = word, seconds = took.as_secs_f64(), "media job");
}

/// Why a row is no longer worked on.
enum Lost {
    /// Somebody took it away.
    Taken,
    /// Nothing moved for so many seconds.
    Silent(u64),
}

/// Since when nothing has moved.
struct Silence {
    life: Option<u64>,
    since: Instant,
}

impl Silence {
    /// For how long there was no sign of life. `None` is no silence: then no thread works, but the
    /// database or the store of files, which have limits of time of their own.
    fn hear(&mut self, life: Option<u64>, now: Instant) -> Duration {
        if life.is_none() || life != self.life {
            (self.life, self.since) = (life, now);
        }
        now.saturating_duration_since(self.since)
    }
}

/// Everything that only grows while something moves: frames, processor time of helper programs and of the thread.
fn life(bench: &Bench) -> Option<u64> {
    let thread = Some(bench.progress.thread()).filter(|t| *t > 0)?;
    let ticks = signs::thread_time(thread)?;
    Some(bench.progress.get().0.wrapping_add(bench.cancel.beats()).wrapping_add(ticks))
}

/// Renews the lease every second; returns when the row is no longer ours, or nothing moves any more.
async fn keep_lease(bench: &Bench) -> Lost {
    let patience = Duration::from_secs(bench.cx.config.media.stuck_seconds.max(2));
    let mut silence = Silence { life: None, since: Instant::now() };
    let mut shown = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (done, of) = bench.progress.get();
        let silent = silence.hear(life(bench), Instant::now());
        if silent >= patience {
            return Lost::Silent(silent.as_secs());
        }
        let moved = silent.is_zero();
        match queue::beat(&bench.cx.pool, bench.job.id, bench.worker, (done, of), moved).await {
            Ok(true) => {}
            Ok(false) => return Lost::Taken,
            // The database may come back before the lease ends.
            Err(error) => tracing::warn!(%error, "a media job's lease could not be renewed"),
        }
        let said = bench.cancel.said().changes();
        if said != shown {
            shown = said;
            note_log(bench).await;
        }
    }
}

/// Keeps what the helper programs said. Nothing depends on it: the work goes on when it cannot be written.
async fn note_log(bench: &Bench) {
    let Some(log) = bench.cancel.said().text() else { return };
    if let Err(error) = queue::note_log(&bench.cx.pool, bench.job.id, bench.worker, &log).await {
        tracing::warn!(%error, "the log of a media job's programs could not be kept");
    }
}

async fn settle_failure(bench: &Bench, error: StepError) -> Result<Outcome, LoopError> {
    let reason = match error {
        StepError::Trouble(MediaTrouble::Failed(reason)) => reason,
        StepError::Trouble(other) => Failure::Internal { detail: other.to_string() },
        StepError::Silent(seconds) => {
            tracing::error!(media = %bench.job.media, seconds, "a media job showed no sign of life and was stopped");
            bench.cx.metrics.media.stuck.inc();
            Failure::WorkerLost { attempts: u32::try_from(bench.job.attempts).unwrap_or(1) }
        }
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
    note_log(bench).await;
    let code: &'static str = (&reason).into();
    if bench.job.attempts < tries(bench.job.kind, &reason) {
        let pause = Duration::from_secs(2_u64.pow(u32::try_from(bench.job.attempts).unwrap_or(1)));
        queue::fail(&bench.cx.pool, bench.job.id, bench.worker, (code, &reason.to_string()), Some(pause))
            .await?;
        return Ok(Outcome::Failed);
    }
    give_up(bench, reason).await?;
    Ok(Outcome::Failed)
}

/// How often a row is tried that fails for that reason.
fn tries(kind: JobKind, reason: &Failure) -> i32 {
    match (kind, reason) {
        // The same file would take as long again, and hold a slot for as long.
        (JobKind::Probe | JobKind::Prepare | JobKind::Mezzanine, Failure::TookTooLong) => 1,
        // Content that the decoder gives up on is not better the fourth time.
        (_, Failure::DecoderGaveUp { .. }) => 2,
        _ => TRIES,
    }
}

/// The last try failed: the work is marked failed, with the reason.
pub(super) async fn give_up(bench: &Bench, reason: Failure) -> Result<(), LoopError> {
    let step = match bench.job.kind {
        JobKind::Probe => Step::Probe,
        JobKind::Prepare | JobKind::Mezzanine => Step::Normalise,
        JobKind::Smaller | JobKind::Quality | JobKind::Av1 => Step::Encode,
        JobKind::Package => Step::Package,
    };
    let code: &'static str = (&reason).into();
    let words = reason.to_string();
    let at = bench.cx.clock.now();
    bench.tell(MediaCommand::Fail { step, reason, at }).await?;
    queue::fail(&bench.cx.pool, bench.job.id, bench.worker, (code, &words), None).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_in_its_time_is_not_tried_again_and_what_may_pass_is() {
        assert_eq!(tries(JobKind::Probe, &Failure::TookTooLong), 1);
        assert_eq!(tries(JobKind::Prepare, &Failure::TookTooLong), 1);
        // Of our own mezzanine, on a busy machine.
        assert_eq!(tries(JobKind::Av1, &Failure::TookTooLong), TRIES);
        assert_eq!(tries(JobKind::Prepare, &Failure::DecoderGaveUp { detail: String::new() }), 2);
        for passing in [Failure::NoRoom, Failure::Internal { detail: String::new() }] {
            assert_eq!(tries(JobKind::Prepare, &passing), TRIES);
        }
    }

    #[test]
    fn only_what_stands_still_while_a_thread_works_is_silent() {
        let begin = Instant::now();
        let after = |seconds| begin + Duration::from_secs(seconds);
        let mut silence = Silence { life: None, since: begin };
        assert_eq!(silence.hear(None, after(500)), Duration::ZERO, "no thread works");
        assert_eq!(silence.hear(Some(7), after(501)), Duration::ZERO);
        assert_eq!(silence.hear(Some(7), after(540)), Duration::from_secs(39));
        assert_eq!(silence.hear(Some(8), after(541)), Duration::ZERO, "it moved");
        assert_eq!(silence.hear(Some(8), after(602)), Duration::from_secs(61));
    }
}
