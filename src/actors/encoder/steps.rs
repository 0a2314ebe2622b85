//! What each kind of row does, and what follows from it.

use super::queue::{self, JobKind, Made, NewJob};
use super::run::{Bench, StepError};
use super::rungs::{self, Ready};
use super::{mezzanine, pieces, previews};
use crate::actors::bus::CommandError;
use crate::domain::media::{Captions, Failure, Media, MediaCommand, Processing, Publication, Rejection};
use crate::media::MediaTrouble;
use crate::media::av1::encoder_version;
use crate::media::normalise::Normalised;
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
    if told
        && matches!(
            bench.job.kind,
            JobKind::Prepare | JobKind::Mezzanine | JobKind::Smaller | JobKind::Package
        )
    {
        return finish(bench, &Made::default(), &[]).await;
    }
    match bench.job.kind {
        JobKind::Probe => probe(bench, &media).await,
        JobKind::Prepare => prepare(bench, &media).await,
        JobKind::Mezzanine => mezzanine(bench, &media).await,
        JobKind::Quality => find_quality(bench).await,
        JobKind::Av1 => encode(bench).await,
        JobKind::Smaller => rung(bench, rungs::smaller).await,
        JobKind::Package => rung(bench, rungs::package).await,
    }
}

/// The original as a file of this machine, fetched if it lies elsewhere.
async fn original(bench: &Bench, media: &Media) -> Result<PathBuf, MediaTrouble> {
    let damaged = || MediaTrouble::Failed(Failure::OriginalDamaged);
    let kept = media.source().original.ok_or_else(damaged)?;
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
    let ending = media.source().ending.to_owned();
    match bench.block(move |b| previews::examine(b, &path, &ending)).await {
        Ok((found, ..)) if !bench.cx.config.limits.kinds.contains(&found) => {
            bench.tell(MediaCommand::Reject { reason: Rejection::KindNotTaken { found }, at: now() }).await?;
            drop_original(bench, media).await?;
            finish(bench, &Made::default(), &[]).await
        }
        Ok((kind, facts, probed)) => {
            bench.tell(MediaCommand::Accept { kind, facts, at: now() }).await?;
            if !goes_on(bench).await? {
                drop_original(bench, media).await?;
                return finish(bench, &Made::default(), &[]).await;
            }
            if let Some(probed) = probed {
                bench.block(move |b| pieces::note_probed(b, &probed)).await?;
            }
            finish(bench, &Made::default(), &[next(bench, JobKind::Prepare)]).await
        }
        Err(StepError::Trouble(trouble)) => match refused(trouble) {
            Ok(reason) => {
                bench.tell(MediaCommand::Reject { reason, at: now() }).await?;
                drop_original(bench, media).await?;
                finish(bench, &Made::default(), &[]).await
            }
            Err(trouble) => Err(trouble.into()),
        },
        Err(other) => Err(other),
    }
}

/// Whether what went wrong with an examination is the file's fault. One that did not end in its time would not
/// end the next time either, and holds a slot until then.
fn refused(trouble: MediaTrouble) -> Result<Rejection, MediaTrouble> {
    match trouble {
        MediaTrouble::Rejected(reason) => Ok(reason),
        MediaTrouble::Failed(Failure::TookTooLong) => Ok(Rejection::ProbeExhausted),
        other => Err(other),
    }
}

/// Whether the work took what was found: a new file for a film has to be a film.
async fn goes_on(bench: &Bench) -> Result<bool, StepError> {
    let repository = EventRepository::<Media>::new(bench.cx.pool.clone(), bench.cx.journal.clone());
    let media = repository.load(bench.job.media).await?.state;
    Ok(media.generation == bench.job.generation && !matches!(media.processing, Processing::Rejected { .. }))
}

/// Nothing is kept of a refused file, unless another work or another file of this one holds the same content.
async fn drop_original(bench: &Bench, media: &Media) -> Result<(), StepError> {
    let Some(kept) = media.source().original else { return Ok(()) };
    let repository = EventRepository::<Media>::new(bench.cx.pool.clone(), bench.cx.journal.clone());
    let now = repository.load(bench.job.media).await?.state;
    let is_it = now.source().original == Some(kept) && matches!(now.processing, Processing::Rejected { .. });
    if now.holds(&kept.sha256) && !is_it {
        return Ok(());
    }
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
    let source = media.source();
    let Some(kind) = source.kind else {
        return Err(MediaTrouble::internal("nobody has said what it is").into());
    };
    if media.processing == Processing::Accepted {
        bench.tell(MediaCommand::StartProcessing { at: now() }).await?;
    }
    let path = original(bench, media).await?;
    let (facts, ending) = (source.facts.clone(), source.ending.to_owned());
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
    // A proposal: whoever edits the work has the last word, also when it is made anew.
    if !made.chapters.is_empty() && !media.playable() && media.chapters.is_empty() {
        let chapters = made.chapters.clone();
        match bench.tell(MediaCommand::SetChapters { chapters, at: now() }).await {
            Ok(()) | Err(StepError::Command(CommandError::Refused(_))) => {}
            Err(other) => return Err(other),
        }
    }
    let more = made.normalised.as_ref().filter(|n| !n.av1.is_empty());
    let mezzanine = |n: &Normalised| NewJob { frames: n.frames(), ..next(bench, JobKind::Mezzanine) };
    let follow: Vec<NewJob> = more.map(mezzanine).into_iter().collect();
    if follow.is_empty() {
        let made = Some(bench.block(pieces::note_files).await?);
        bench.tell(MediaCommand::FinishProcessing { made, at: now() }).await?;
        bench.block(pieces::clean_up).await?;
    }
    let bytes = pieces::delivered_bytes(bench);
    finish(bench, &Made { bytes, ..Made::default() }, &follow).await
}

/// What the smaller rungs and AV1 are made of, and their rows.
async fn mezzanine(bench: &Bench, media: &Media) -> Result<(), StepError> {
    let path = original(bench, media).await?;
    let repeats = media.source().facts.repeats;
    let made = bench.block(move |b| mezzanine::make(b, &path, repeats)).await?;
    let search = pieces::wants_search(&made);
    let normalised = made.normalised.ok_or_else(pieces::missing)?;
    let mut follow = vec![];
    for rung in &normalised.smaller {
        let frames = normalised.frames();
        follow.push(NewJob { rung: rung.lines, frames, ..next(bench, JobKind::Smaller) });
    }
    for rung in &normalised.av1 {
        if search {
            follow.push(NewJob { rung: rung.lines, ..next(bench, JobKind::Quality) });
        } else {
            follow.extend(segments(bench, &normalised.segments, rung.lines));
        }
    }
    finish(bench, &Made::default(), &follow).await
}

/// The rows of all segments of a rung.
fn segments(bench: &Bench, frames: &[u64], rung: u32) -> Vec<NewJob> {
    let row = |(number, frames): (usize, &u64)| {
        let segment = u32::try_from(number).unwrap_or(u32::MAX);
        NewJob { rung, segment, frames: *frames, ..next(bench, JobKind::Av1) }
    };
    frames.iter().enumerate().map(row).collect()
}

/// The quantiser first, then the segments that are coded with it.
async fn find_quality(bench: &Bench) -> Result<(), StepError> {
    bench.block(pieces::search).await?;
    let work = bench.tools.store.work(bench.job.media, bench.job.generation);
    let made = pieces::manifest(&work).and_then(|m| m.normalised);
    let made = made.ok_or_else(|| MediaTrouble::internal("the mezzanine is gone"))?;
    let made_with = Made { encoder: Some(encoder_version(pieces::coder(bench))), ..Made::default() };
    finish(bench, &made_with, &segments(bench, &made.segments, bench.job.rung)).await
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
    let made = Made { bytes, sha256: Some(sha256), encoder: Some(encoder_version(pieces::coder(bench))) };
    finish(bench, &made, &[]).await
}

/// A rung that comes after the first.
async fn rung(bench: &Bench, make: fn(&Bench) -> Result<Ready, MediaTrouble>) -> Result<(), StepError> {
    let now = || bench.cx.clock.now();
    let Ready { renditions, bytes, made } = bench.block(make).await?;
    for rendition in renditions {
        // Nothing happens for one that is told already.
        bench.tell(MediaCommand::RecordRendition { rendition, at: now() }).await?;
    }
    if made.is_some() {
        bench.tell(MediaCommand::FinishProcessing { made, at: now() }).await?;
        bench.block(pieces::clean_up).await?;
    }
    finish(bench, &Made { bytes, ..Made::default() }, &[]).await
}
