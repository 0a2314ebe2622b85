//! The working actor: some slots for long work, one kept free for what people wait for.

use super::queue::{self, LOSSES, MediaJob};
use super::run::{Bench, Outcome, Progress, give_up, run_job};
use super::settings::Tools;
use crate::actors::Services;
use crate::actors::supervisor::{Desk, LoopError};
use crate::domain::media::Failure;
use crate::media::sandbox::Cancel;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long an idle slot waits before it looks again.
const IDLE: Duration = Duration::from_millis(400);

/// How long a slot waits when the store cannot be reached.
const STORE_PAUSE: Duration = Duration::from_secs(2);

/// Encodes until the process ends.
///
/// # Errors
/// If the database fails; the supervisor starts it again.
pub async fn work(cx: Services, desk: Desk) -> Result<(), LoopError> {
    let tools = Tools::new(&cx);
    let slots = slots(cx.config.media.workers);
    tracing::info!(
        slots,
        confinement = tools.sandbox.confinement().words(),
        processor = ?rav1e_level(),
        "the encoder is ready"
    );
    let cancel = Cancel::default();
    // However this ends, nothing goes on encoding unseen.
    let _stop_all = CancelOnDrop(cancel.clone());
    let mut running = JoinSet::new();
    for slot in 0..=slots {
        let (cx, tools, desk, cancel) = (cx.clone(), tools.clone(), desk.clone(), cancel.clone());
        // Slot 0 never takes the long encoding of AV1: a new upload does not wait behind an old one.
        running.spawn(async move { run_slot(cx, tools, desk, cancel, slot > 0).await });
    }
    let stop = async {
        desk.stopped().await;
        cancel.cancel();
    };
    let all = async {
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(LoopError::from("a slot panicked")),
            }
        }
        Ok(())
    };
    let (all, stop) = (std::pin::pin!(all), std::pin::pin!(stop));
    match futures_util::future::select(all, stop).await {
        futures_util::future::Either::Left((ended, _)) => ended,
        futures_util::future::Either::Right(((), all)) => all.await,
    }
}

struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// A database that is away for a moment costs a slot its row at most, never the rows of the others: the
/// lease ends by itself, and the row is claimed again.
async fn run_slot(
    cx: Services,
    tools: Tools,
    desk: Desk,
    cancel: Cancel,
    long: bool,
) -> Result<(), LoopError> {
    while !desk.stopping() {
        let taken = match queue::claim(&cx.pool, cx.process, long, None).await {
            Ok(Some(job)) => take(&cx, &tools, job, cx.process, &cancel).await,
            Ok(None) => {
                desk.pause(IDLE).await;
                continue;
            }
            Err(error) => Err(error.into()),
        };
        match taken {
            // What hangs keeps its thread; the supervisor begins anew with all the others.
            Ok(Outcome::Hung) => return Err(LoopError::from("a step of the encoder hangs")),
            Ok(_) => desk.succeeded(),
            Err(error) => {
                tracing::warn!(%error, "a slot of the encoder could not reach the store; it tries again");
                desk.pause(STORE_PAUSE).await;
            }
        }
    }
    Ok(())
}

/// Works off all rows of one work here and now, beside whatever workers there are, and returns when
/// none is left. For `processing = "eager"` and for the command line.
///
/// # Errors
/// If the database fails.
pub async fn drain(cx: &Services, tools: &Tools, media: Uuid) -> Result<(), LoopError> {
    // An id of its own: this process may run a worker too.
    let worker = Uuid::now_v7();
    let mut running: JoinSet<Result<(), LoopError>> = JoinSet::new();
    for _ in 0..slots(cx.config.media.workers) {
        let (cx, tools) = (cx.clone(), tools.clone());
        running.spawn(async move {
            loop {
                match queue::claim(&cx.pool, worker, true, Some(media)).await? {
                    Some(job) => {
                        take(&cx, &tools, job, worker, &Cancel::default()).await?;
                    }
                    None if queue::unfinished(&cx.pool, media).await? == 0 => return Ok(()),
                    None => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(|_| LoopError::from("a slot panicked"))??;
    }
    Ok(())
}

async fn take(
    cx: &Services,
    tools: &Tools,
    job: MediaJob,
    worker: Uuid,
    cancel: &Cancel,
) -> Result<Outcome, LoopError> {
    // A wish of its own for one row, which also hears the wish of the whole worker.
    let cancel = cancel.child();
    if job.losses > LOSSES {
        let attempts = u32::try_from(job.losses).unwrap_or(0);
        let (cx, tools) = (cx.clone(), tools.clone());
        let bench = Bench { cx, tools, job, cancel, progress: Progress::default(), worker };
        give_up(&bench, Failure::WorkerLost { attempts }).await?;
        return Ok(Outcome::Failed);
    }
    run_job(cx, tools, job, worker, cancel).await
}

fn slots(configured: usize) -> usize {
    if configured > 0 {
        return configured;
    }
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Which instructions rav1e uses; without AVX2 it is several times slower.
fn rav1e_level() -> String {
    format!("{:?}", kinora_av1_engine::rav1e::config::CpuFeatureLevel::default())
}
