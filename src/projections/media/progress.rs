//! How far the processing of works is, from the rows of the encoder.

use crate::projections::{QueryError, Reader};
use uuid::Uuid;

/// How far the processing of a work is.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Progress {
    /// The work.
    pub media: Uuid,
    /// Share done of the step that people wait for now, 0 to 1.
    pub share: f64,
    /// What is being done: `probe`, `prepare`, `quality`, `av1`, `package`; empty when nothing is.
    pub step: String,
    /// Pieces done.
    pub done: i64,
    /// Pieces in all.
    pub of: i64,
    /// Whether a worker is at it.
    pub running: bool,
    /// Whether it waits for room on the disk.
    pub no_room: bool,
    /// Whether an operator has paused it, or the whole queue.
    pub paused: bool,
}

/// Progress of works, from the rows of the encoder.
///
/// # Errors
/// If the database cannot be read.
pub async fn progress(reader: &Reader, media: &[Uuid]) -> Result<Vec<Progress>, QueryError> {
    let rows = reader
        .client()
        .await?
        .query(
            "with latest as (
                 select media, max(generation) as generation from public.media_jobs where media = any($1) group by media),
             jobs as (
                 select j.* from public.media_jobs j join latest using (media, generation)
                 where j.state <> 'cancelled'),
             now_at as (
                 select distinct on (media) media, kind from jobs where state in ('queued', 'running')
                 order by media, priority)
             select j.media, n.kind, count(*) filter (where j.state = 'done'), count(*),
                    bool_or(j.state = 'running' and j.lease_until >= now()),
                    (sum(j.frames_done))::float8, (sum(greatest(j.frames, j.frames_done)))::float8,
                    bool_or(j.state = 'queued' and j.error = 'no_room'),
                    n.kind is not null and exists (select from public.media_queue_wishes w
                        where w.paused and w.media in (j.media, '00000000-0000-0000-0000-000000000000'))
             from jobs j left join now_at n using (media)
             where n.kind is null or j.kind = n.kind
                or (n.kind in ('smaller', 'quality', 'av1', 'package') and j.kind in ('smaller', 'quality', 'av1', 'package'))
             group by j.media, n.kind",
            &[&media],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|r| {
            let (done, of): (Option<f64>, Option<f64>) = (r.get(5), r.get(6));
            let (done, of) = (done.unwrap_or(0.0), of.unwrap_or(0.0));
            let step: Option<String> = r.get(1);
            Progress {
                media: r.get(0),
                share: match &step {
                    None => 1.0,
                    Some(_) if of > 0.0 => (done / of).clamp(0.0, 1.0),
                    Some(_) => 0.0,
                },
                step: step.unwrap_or_default(),
                done: r.get(2),
                of: r.get(3),
                running: r.get::<_, Option<bool>>(4).unwrap_or(false),
                no_room: r.get::<_, Option<bool>>(7).unwrap_or(false),
                paused: r.get(8),
            }
        })
        .collect())
}
