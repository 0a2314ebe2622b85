//! The encoder's queue as operators see it, read from its rows: no projection of its own.

use super::sorting::{Sort, SortColumn};
use super::{QueryError, Reader};
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

/// One piece of work.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Piece {
    /// The work.
    pub media: Uuid,
    /// Its title; empty for one that is gone.
    pub title: String,
    /// Its address; empty for one that is gone.
    pub slug: String,
    /// Round of processing.
    pub generation: i32,
    /// `probe`, `prepare`, `quality`, `av1` or `package`.
    pub kind: String,
    /// Rung; 0 if none.
    pub rung: i32,
    /// Segment.
    pub segment: i32,
    /// `queued`, `running`, `failed` or `cancelled`.
    pub state: String,
    /// The worker that has it, by the last eight digits of its id (the first ones are a time).
    pub worker: Option<String>,
    /// Which try it is.
    pub attempts: i32,
    /// Seconds since it was put in.
    pub age: f64,
    /// Seconds for which it has been in work.
    pub working: Option<f64>,
    /// Seconds without a sign of progress.
    pub silent: Option<f64>,
    /// Frames done.
    pub done: i64,
    /// Frames in all; 0 when not known.
    pub of: i64,
    /// The last error, as a word.
    pub error: Option<String>,
    /// What the helper program or the step said last.
    pub detail: Option<String>,
    /// Whether this work is paused.
    pub paused: bool,
    /// 1: before all others, -1: after all others.
    pub urgency: i16,
    /// The end of what the helper programs of this try said; kept while it runs, and when it fails.
    pub log: Option<String>,
    /// Whether its work is out: only then everybody who may watch can look at its page.
    pub published: bool,
}

impl Piece {
    /// Frames a second so far; `None` before the first.
    #[must_use]
    pub fn speed(&self) -> Option<f64> {
        let working = self.working.filter(|s| *s > 0.0 && self.state == "running")?;
        (self.done > 0).then(|| self.done as f64 / working)
    }
}

fn piece(row: &Row) -> Piece {
    Piece {
        media: row.get(0),
        title: row.get(1),
        slug: row.get(2),
        generation: row.get(3),
        kind: row.get(4),
        rung: row.get(5),
        segment: row.get(6),
        state: row.get(7),
        worker: row.get::<_, Option<Uuid>>(8).map(|id| id.simple().to_string().chars().skip(24).collect()),
        attempts: row.get(9),
        age: row.get(10),
        working: row.get(11),
        silent: row.get(12),
        done: row.get(13),
        of: row.get(14),
        error: row.get(15),
        detail: row.get(16),
        paused: row.get(17),
        urgency: row.get(18),
        log: row.get(19),
        published: row.get(20),
    }
}

/// What is in work, has failed, or waits, in the order in which it is taken; of what failed or was given up
/// only the newest round. At most `limit`.
///
/// # Errors
/// If the database cannot be read.
pub async fn pieces(reader: &Reader, limit: i64) -> Result<Vec<Piece>, QueryError> {
    sorted(reader, None, limit).await
}

/// What the list of pieces can be sorted by.
pub const SORTS: &[SortColumn] = &[
    ("work", &["lower(w.title)"]),
    ("piece", &["j.kind", "j.rung", "j.segment"]),
    ("state", &["j.state"]),
    ("progress", &["j.frames_done::float8 / nullif(j.frames, 0)"]),
    ("age", &["now() - j.created_at"]),
    ("try", &["j.attempts"]),
];

/// As [`pieces`], in the wished order.
///
/// # Errors
/// If the database cannot be read.
pub async fn sorted(reader: &Reader, sort: Option<Sort>, limit: i64) -> Result<Vec<Piece>, QueryError> {
    let order = Sort::order(
        sort,
        "case j.state when 'running' then 0 when 'failed' then 1 when 'queued' then 2 else 3 end,
            coalesce(q.urgency, 0) desc, j.priority, j.created_at, j.rung, j.segment, j.media",
    );
    let sql = format!(
        "select j.media, coalesce(w.title, ''), coalesce(w.slug, ''), j.generation, j.kind, j.rung, j.segment,
            j.state, j.worker, j.attempts,
            extract(epoch from now() - j.created_at)::float8,
            extract(epoch from now() - j.started_at)::float8,
            case when j.state = 'running' then extract(epoch from now() - j.progress_at)::float8 end,
            j.frames_done, j.frames, j.error, j.detail, coalesce(q.paused, false), coalesce(q.urgency, 0::smallint), j.log,
            coalesce(w.publication = 'published', false)
        from public.media_jobs j
        left join media_works w using (media)
        left join public.media_queue_wishes q using (media)
        where coalesce(w.publication, '') not in ('removed', 'erased') and (j.state in ('queued', 'running')
            or (j.state in ('failed', 'cancelled') and j.created_at > now() - interval '30 days'
                and j.generation = (select max(l.generation) from public.media_jobs l where l.media = j.media)))
        order by {order} limit $1"
    );
    Ok(reader.client().await?.query(&sql, &[&limit]).await?.iter().map(piece).collect())
}

/// Whether pieces wait that anybody might take, and nobody does: then no encoder runs. One that does looks several
/// times a second.
///
/// # Errors
/// If the database cannot be read.
pub async fn unattended(reader: &Reader) -> Result<bool, QueryError> {
    let sql =
        "select not exists (select from public.media_jobs where state = 'running' and lease_until >= now())
        and exists (select from public.media_jobs j
            left join public.media_queue_wishes w on w.media = j.media
            where j.state = 'queued' and greatest(j.created_at, j.not_before) < now() - interval '15 seconds'
              and not coalesce(w.paused, false)
              and not exists (select from public.media_queue_wishes q where q.media = $1 and q.paused))";
    Ok(reader.client().await?.query_one(sql, &[&Uuid::nil()]).await?.get(0))
}

/// Whether the whole queue is paused.
///
/// # Errors
/// If the database cannot be read.
pub async fn paused(reader: &Reader) -> Result<bool, QueryError> {
    let sql = "select coalesce((select paused from public.media_queue_wishes where media = $1), false)";
    Ok(reader.client().await?.query_one(sql, &[&Uuid::nil()]).await?.get(0))
}

/// Something an operator did to the queue.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Deed {
    /// When.
    pub at: DateTime<Utc>,
    /// The account; `None` for the command line.
    pub by: Option<Uuid>,
    /// `pause`, `resume`, `first`, `usual`, `last`, `cancel` or `retry`.
    pub act: String,
    /// To which work; `None` for all.
    pub media: Option<Uuid>,
    /// Its title; empty for all, and for one that is gone.
    pub title: String,
}

/// What operators did, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn deeds(reader: &Reader, limit: i64) -> Result<Vec<Deed>, QueryError> {
    let sql = "select a.at, a.by, a.act, a.media, coalesce(w.title, '')
        from public.media_queue_acts a left join media_works w using (media) order by a.at desc, a.id limit $1";
    let rows = reader.client().await?.query(sql, &[&limit]).await?;
    Ok(rows
        .iter()
        .map(|r| Deed { at: r.get(0), by: r.get(1), act: r.get(2), media: r.get(3), title: r.get(4) })
        .collect())
}
