//! What each kind of row does, and what follows from it.

use super::queue::{self, JobKind, Made, NewJob};
use super::run::{Bench, StepError};
use super::{pieces, previews};
use crate::actors::bus::CommandError;
use crate::domain::media::{Captions, Failure, Media, MediaCommand, Processing, Publication};
use crate::media::MediaTrouble;
use crate::media::av1::encoder_version;
use crate::projections::media as works;
use crate::store::repository::EventRepository;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Works a row off and marks it done, together with the rows that follow from it.
pub async fn execute(bench: &Bench) -> Result<(), StepError> {
    let repository = EventRepository::<Media>::new(bench.cx.pool.clone(), bench.cx.journal.clone());
    let media = repository.load(bench.job.media).await?.state;
    let gone = matches!(media.publication, Publication::Removed { .. });
    if gone || media.generation != bench.job.generation {
        let client = bench.cx.pool.get().await.map_err(crate::store::StoreError::from)?;
        queue::cancel(&**client, bench.job.media, Some(media.generation).filter(|_| !gone)).await?;
        return Err(MediaTrouble::Cancelled.into());
    }
    // The row was done and its worker died before it could say so: the mezzanine is gone already.
    let told = media.processing == Processing::Ready && media.playable_generation == bench.job.generation;
    if told && matches!(bench.job.kind, JobKind::Prepare | JobKind::Package) {
        return finish(bench, &Made::default(), &[]).await;
    }
    match bench.job.kind {
        JobKind::Probe => probe(bench, &media).await,
        JobKind::Prepare => prepare(bench, &media).await,
        JobKind::Av1 => encode(bench).await,
        JobKind::Package => package(bench).await,
    }
}

/// The original as a file of this machine, fetched if it lies elsewhere.
async fn original(bench: &Bench, media: &Media) -> Result<PathBuf, MediaTrouble> {
    let damaged = || MediaTrouble::Failed(Failure::OriginalDamaged);
    let kept = media.original.as_ref().ok_or_else(damaged)?;
    let path = match bench.tools.files.fetch_original(&kept.sha256).await {
        Err(e)
            if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::InvalidData) =>
        {
            return Err(damaged());
        }
        fetched => fetched?,
    };
    let length = std::fs::metadata(&path).map(|m| m.len()).map_err(|_| damaged())?;
    if length == kept.bytes { Ok(path) } else { Err(damaged()) }
}

fn next(bench: &Bench, kind: JobKind) -> NewJob {
    let job = &bench.job;
    let (media, account, generation) = (job.media, job.account, job.generation);
    NewJob { media, account, generation, kind, rung: 0, segment: 0, frames: 0 }
}

/// Marks the row done together with what follows. A row that was taken away meanwhile is nobody's
/// any more: then nothing is written.
async fn finish(bench: &Bench, made: &Made, follow: &[NewJob]) -> Result<(), StepError> {
    let mut client = bench.cx.pool.get().await.map_err(crate::store::StoreError::from)?;
    let tx = client.transaction().await?;
    if !queue::finish(&*tx, bench.job.id, bench.worker, made).await? {
        return Err(MediaTrouble::Cancelled.into());
    }
    for job in follow {
        queue::enqueue(&*tx, job).await?;
    }
    if bench.job.kind == JobKind::Av1 && queue::open_segments(&*tx, &bench.job).await? == 0 {
        queue::enqueue(&*tx, &NewJob { rung: bench.job.rung, ..next(bench, JobKind::Package) }).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn probe(bench: &Bench, media: &Media) -> Result<(), StepError> {
    let now = || bench.cx.clock.now();
    bench.tell(MediaCommand::StartProbe { at: now() }).await?;
    let path = original(bench, media).await?;
    let ending = media.ending.clone();
    match bench.block(move |b| previews::examine(b, &path, &ending)).await {
        Ok((kind, facts)) => {
            bench.tell(MediaCommand::Accept { kind, facts, at: now() }).await?;
            finish(bench, &Made::default(), &[next(bench, JobKind::Prepare)]).await
        }
        Err(StepError::Trouble(MediaTrouble::Rejected(reason))) => {
            bench.tell(MediaCommand::Reject { reason, at: now() }).await?;
            drop_original(bench, media).await?;
            finish(bench, &Made::default(), &[]).await
        }
        Err(other) => Err(other),
    }
}

/// Nothing is kept of a refused file, unless another work holds the same content.
async fn drop_original(bench: &Bench, media: &Media) -> Result<(), StepError> {
    let Some(kept) = &media.original else { return Ok(()) };
    if works::others_with_original(&bench.cx.reader, bench.job.media, &kept.sha256).await? > 0 {
        return Ok(());
    }
    // What cannot be removed now belongs to nothing, and is found as that.
    if let Err(error) = bench.tools.files.remove_original(&kept.sha256).await {
        tracing::warn!(media = %bench.job.media, %error, "a refused original could not be removed");
    }
    Ok(())
}

async fn prepare(bench: &Bench, media: &Media) -> Result<(), StepError> {
    let now = || bench.cx.clock.now();
    let Some(kind) = media.kind else {
        return Err(MediaTrouble::internal("nobody has said what it is").into());
    };
    if media.processing == Processing::Accepted {
        bench.tell(MediaCommand::StartProcessing { at: now() }).await?;
    }
    let path = original(bench, media).await?;
    let (facts, ending) = (media.facts.clone(), media.ending.clone());
    let made = match bench.block(move |b| pieces::prepare(b, (kind, &facts, &ending), &path)).await {
        // What was accepted by its head turned out not to be readable further in.
        Err(StepError::Trouble(MediaTrouble::Rejected(reason))) => {
            let detail = reason.to_string();
            return Err(MediaTrouble::Failed(Failure::DecoderGaveUp { detail }).into());
        }
        other => other?,
    };
    let (duration_ms, frames) = made.normalised.as_ref().map_or((0, 0), |n| (n.duration_ms, n.frames()));
    let (renditions, poster) = (made.renditions.clone(), made.poster.clone());
    let (overview, at) = (made.overview.clone(), now());
    let playable = MediaCommand::RecordPlayable { renditions, poster, duration_ms, frames, overview, at };
    bench.tell(playable).await?;
    for captions in made.captions.clone() {
        add_captions(bench, captions).await?;
    }
    let mut follow = vec![];
    if let Some(normalised) = &made.normalised {
        for rung in &normalised.av1 {
            for (number, frames) in normalised.segments.iter().enumerate() {
                let segment = u32::try_from(number).unwrap_or(u32::MAX);
                follow.push(NewJob {
                    rung: rung.lines,
                    segment,
                    frames: *frames,
                    ..next(bench, JobKind::Av1)
                });
            }
        }
    }
    if follow.is_empty() {
        bench.tell(MediaCommand::FinishProcessing { at: now() }).await?;
        bench.block(pieces::clean_up).await?;
    }
    let bytes = pieces::delivered_bytes(bench);
    finish(bench, &Made { bytes, ..Made::default() }, &follow).await
}

/// Captions from inside the film, unless somebody has added some of that language and kind already.
async fn add_captions(bench: &Bench, captions: Captions) -> Result<(), StepError> {
    let repository = EventRepository::<Media>::new(bench.cx.pool.clone(), bench.cx.journal.clone());
    let known = repository.load(bench.job.media).await?.state.captions;
    if known.iter().any(|c| c.track() == captions.track()) {
        return Ok(());
    }
    match bench.tell(MediaCommand::AddCaptions { captions, at: bench.cx.clock.now() }).await {
        // More than a work may have: the film is as good without.
        Err(StepError::Command(CommandError::Refused(_))) => Ok(()),
        told => told,
    }
}

async fn encode(bench: &Bench) -> Result<(), StepError> {
    let (bytes, sha256) = bench.block(pieces::encode).await?;
    let made = Made { bytes, sha256: Some(sha256), encoder: Some(encoder_version()) };
    finish(bench, &made, &[]).await
}

async fn package(bench: &Bench) -> Result<(), StepError> {
    let now = || bench.cx.clock.now();
    let (rendition, last) = bench.block(pieces::package).await?;
    let bytes = rendition.bytes;
    bench.tell(MediaCommand::RecordRendition { rendition, at: now() }).await?;
    if last {
        bench.tell(MediaCommand::FinishProcessing { at: now() }).await?;
        bench.block(pieces::clean_up).await?;
    }
    finish(bench, &Made { bytes, ..Made::default() }, &[]).await
}
