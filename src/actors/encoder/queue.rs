//! The rows of `media_jobs`: put in, claimed with a lease, kept alive, finished, given back.

use crate::domain::shared::text::printable;
use crate::store::{Pool, StoreError};
use std::time::Duration;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

/// How long a worker may be silent before its row is given to another.
pub const LEASE_SECONDS: f64 = 20.0;
/// How often a row is tried before the work as a whole counts as failed.
pub const TRIES: i32 = 4;
/// How many workers may die over one row before it is taken for the cause of it.
pub const LOSSES: i32 = 25;

/// What a row asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum JobKind {
    /// Examine the original.
    Probe,
    /// Make what plays first; of a still, all sizes.
    Prepare,
    /// Make the segments that everything after it is made of.
    Mezzanine,
    /// Make one of the smaller H.264 rungs.
    Smaller,
    /// Find the quantiser of one AV1 rung.
    Quality,
    /// Encode one segment of one AV1 rung.
    Av1,
    /// Write the playlists of one AV1 rung.
    Package,
}

impl JobKind {
    /// Small goes first: what people wait for before what makes it better.
    fn priority(self) -> i32 {
        match self {
            Self::Probe => 10,
            Self::Package => 15,
            Self::Prepare => 20,
            Self::Mezzanine => 25,
            Self::Smaller => 30,
            Self::Quality => 45,
            Self::Av1 => 50,
        }
    }
}

/// A claimed row.
#[derive(Clone, Debug)]
pub struct MediaJob {
    /// Its id.
    pub id: Uuid,
    /// The work.
    pub media: Uuid,
    /// Who uploaded it.
    pub account: Uuid,
    /// Round of processing.
    pub generation: u32,
    /// What to do.
    pub kind: JobKind,
    /// For which rung; 0 if none.
    pub rung: u32,
    /// For which segment; 0 if none.
    pub segment: u32,
    /// Which try this is, from 1.
    pub attempts: i32,
    /// How many workers died over it.
    pub losses: i32,
}

/// A row to put in.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The work.
    pub media: Uuid,
    /// Who uploaded it.
    pub account: Uuid,
    /// Round of processing.
    pub generation: u32,
    /// What to do.
    pub kind: JobKind,
    /// For which rung.
    pub rung: u32,
    /// For which segment.
    pub segment: u32,
    /// How many frames it has, if that is known.
    pub frames: u64,
}

/// Puts a row in unless it is there.
///
/// # Errors
/// If the database cannot be written.
pub async fn enqueue<C: GenericClient>(client: &C, job: &NewJob) -> Result<(), StoreError> {
    let kind: &str = job.kind.into();
    client
        .execute(
            "insert into public.media_jobs (id, media, account, generation, kind, rung, segment, priority, frames)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict (media, generation, kind, rung, segment) do nothing",
            &[
                &Uuid::now_v7(),
                &job.media,
                &job.account,
                &signed(job.generation),
                &kind,
                &signed(job.rung),
                &signed(job.segment),
                &job.kind.priority(),
                &i64::try_from(job.frames).unwrap_or(i64::MAX),
            ],
        )
        .await?;
    Ok(())
}

/// Takes the next row: small kinds first, then whoever has least in work, then by age. Rows whose
/// worker has been silent too long count as waiting. What operators wish comes before all of that: works
/// taken first or last, and nothing that is paused. `long` admits encoding of AV1; `only` restricts to one
/// work, which is then worked off even if it is paused, because somebody waits for it.
///
/// # Errors
/// If the database cannot be written.
pub async fn claim(
    pool: &Pool,
    worker: Uuid,
    long: bool,
    only: Option<Uuid>,
) -> Result<Option<MediaJob>, StoreError> {
    let client = pool.get().await?;
    let row = client
        .query_opt(
            "with next as (
                 select j.id from public.media_jobs j
                 left join public.media_queue_wishes w on w.media = j.media
                 where ((j.state = 'queued' and j.not_before <= now())
                        or (j.state = 'running' and j.lease_until < now()))
                   and ($2 or j.kind not in ('quality', 'av1')) and ($3::uuid is null or j.media = $3)
                   and ($3 is not null or not (coalesce(w.paused, false) or exists (
                        select from public.media_queue_wishes q
                        where q.media = '00000000-0000-0000-0000-000000000000' and q.paused)))
                 order by coalesce(w.urgency, 0) desc, j.priority,
                          (select count(*) from public.media_jobs r
                           where r.account = j.account and r.state = 'running' and r.lease_until >= now()),
                          j.created_at, j.rung, j.segment
                 limit 1 for update of j skip locked)
             update public.media_jobs j
             set state = 'running', worker = $1, frames_done = 0, error = null, log = null,
                 attempts = j.attempts + case when j.state = 'running' then 0 else 1 end,
                 losses = j.losses + case when j.state = 'running' then 1 else 0 end,
                 lease_until = now() + make_interval(secs => $4), started_at = now(), progress_at = now()
             from next where j.id = next.id
             returning j.id, j.media, j.account, j.generation, j.kind, j.rung, j.segment, j.attempts, j.losses",
            &[&worker, &long, &only, &LEASE_SECONDS],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<MediaJob, StoreError> {
    let number = |i: usize| u32::try_from(row.get::<_, i32>(i)).unwrap_or(0);
    let kind: &str = row.get(4);
    Ok(MediaJob {
        id: row.get(0),
        media: row.get(1),
        account: row.get(2),
        generation: number(3),
        kind: kind.parse().map_err(|_| StoreError::Cluster(format!("unknown kind of media job {kind}")))?,
        rung: number(5),
        segment: number(6),
        attempts: row.get(7),
        losses: row.get(8),
    })
}

/// Renews the lease and notes the progress (frames done, and in all) and whether anything moved; `false` if the row is no longer this worker's.
///
/// # Errors
/// If the database cannot be written.
pub async fn beat(
    pool: &Pool,
    job: Uuid,
    worker: Uuid,
    (done, of): (u64, u64),
    moved: bool,
) -> Result<bool, StoreError> {
    let (done, of) = (i64::try_from(done).unwrap_or(i64::MAX), i64::try_from(of).unwrap_or(i64::MAX));
    let client = pool.get().await?;
    let kept = client
        .execute(
            "update public.media_jobs
             set lease_until = now() + make_interval(secs => $5),
                 progress_at = case when $6 or frames_done <> $3::bigint then now() else progress_at end,
                 frames_done = $3::bigint, frames = case when $4::bigint > 0 then $4::bigint else frames end
             where id = $1 and worker = $2 and state = 'running'",
            &[&job, &worker, &done, &of, &LEASE_SECONDS, &moved],
        )
        .await?;
    Ok(kept == 1)
}

/// Notes what the helper programs of a row say, for operators.
///
/// # Errors
/// If the database cannot be written.
pub async fn note_log(pool: &Pool, job: Uuid, worker: Uuid, log: &str) -> Result<(), StoreError> {
    pool.get()
        .await?
        .execute(
            "update public.media_jobs set log = $3 where id = $1 and worker = $2 and state = 'running'",
            &[&job, &worker, &printable(log).as_ref()],
        )
        .await?;
    Ok(())
}

/// What a finished row leaves.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// Bytes written.
    pub bytes: u64,
    /// Hash of what was written.
    pub sha256: Option<String>,
    /// Name and version of the encoder.
    pub encoder: Option<String>,
}

/// Marks a row done; `false` if it is no longer this worker's.
///
/// # Errors
/// If the database cannot be written.
pub async fn finish<C: GenericClient>(
    client: &C,
    job: Uuid,
    worker: Uuid,
    made: &Made,
) -> Result<bool, StoreError> {
    let changed = client
        .execute(
            "update public.media_jobs
             set state = 'done', finished_at = now(), frames_done = greatest(frames, frames_done), bytes = $3,
                 sha256 = $4, encoder = $5, error = null, detail = null, log = null, lease_until = null
             where id = $1 and worker = $2 and state = 'running'",
            &[&job, &worker, &i64::try_from(made.bytes).unwrap_or(i64::MAX), &made.sha256, &made.encoder],
        )
        .await?;
    Ok(changed == 1)
}

/// Puts a row back without counting the try, for `pause` from now (the worker ends, the disk is full).
///
/// # Errors
/// If the database cannot be written.
pub async fn release(
    pool: &Pool,
    job: Uuid,
    worker: Uuid,
    error: Option<&str>,
    pause: Duration,
) -> Result<(), StoreError> {
    pool.get()
        .await?
        .execute(
            "update public.media_jobs
             set state = 'queued', worker = null, lease_until = null, frames_done = 0,
                 attempts = attempts - 1, error = $3, log = null, not_before = now() + make_interval(secs => $4)
             where id = $1 and worker = $2 and state = 'running'",
            &[&job, &worker, &error, &pause.as_secs_f64()],
        )
        .await?;
    Ok(())
}

/// Most characters kept of what a failed try said.
const DETAIL: usize = 2000;

/// Notes a failed try, as a word and in the words of whatever failed: waits for the next one, or fails for
/// good when `again` is `None`.
///
/// # Errors
/// If the database cannot be written.
pub async fn fail(
    pool: &Pool,
    job: Uuid,
    worker: Uuid,
    (error, detail): (&str, &str),
    again: Option<Duration>,
) -> Result<(), StoreError> {
    let detail: String = printable(detail).chars().take(DETAIL).collect();
    let (state, seconds) = again.map_or(("failed", 0.0), |d| ("queued", d.as_secs_f64()));
    pool.get()
        .await?
        .execute(
            "update public.media_jobs
             set state = $3::text, worker = null, lease_until = null, error = $4, detail = $6,
                 not_before = now() + make_interval(secs => $5),
                 finished_at = case when $3::text = 'failed' then now() end
             where id = $1 and worker = $2 and state = 'running'",
            &[&job, &worker, &state, &error, &seconds, &detail],
        )
        .await?;
    Ok(())
}

/// Gives back the rows of workers that were silent for too long; gives how many. It counts as a loss,
/// not as a try.
///
/// # Errors
/// If the database cannot be written.
pub async fn take_from_the_dead(pool: &Pool) -> Result<u64, StoreError> {
    let changed = pool
        .get()
        .await?
        .execute(
            "update public.media_jobs
             set state = 'queued', worker = null, lease_until = null, error = 'worker_lost',
                 attempts = greatest(attempts - 1, 0), losses = losses + 1
             where state = 'running' and lease_until < now() - interval '10 seconds'",
            &[],
        )
        .await?;
    Ok(changed)
}

/// Gives back rows that renew their lease but showed no sign of life for `seconds`; gives how many. Their
/// worker notices that the row is no longer its own and stops.
///
/// # Errors
/// If the database cannot be written.
pub async fn take_from_the_stuck(pool: &Pool, seconds: f64) -> Result<u64, StoreError> {
    let changed = pool
        .get()
        .await?
        .execute(
            "update public.media_jobs
             set state = 'queued', worker = null, lease_until = null, error = 'stuck'
             where state = 'running' and progress_at < now() - make_interval(secs => $1)",
            &[&seconds],
        )
        .await?;
    Ok(changed)
}

/// Works among `media` (with their current rounds) for which nothing waits, runs or has failed: what
/// should have followed was lost. Their last rows are put back, or the first one put in.
///
/// # Errors
/// If the database cannot be written.
pub async fn revive(pool: &Pool, first: &NewJob) -> Result<bool, StoreError> {
    let client = pool.get().await?;
    let (media, generation) = (&first.media, &signed(first.generation));
    let open: i64 = client
        .query_one(
            "select count(*) from public.media_jobs
             where media = $1 and generation = $2 and state in ('queued', 'running', 'failed')",
            &[media, generation],
        )
        .await?
        .get(0);
    if open > 0 {
        return Ok(false);
    }
    let again = client
        .execute(
            "update public.media_jobs
             set state = 'queued', attempts = 0, error = null, finished_at = null, not_before = now()
             where media = $1 and generation = $2 and (state = 'cancelled' or kind in ('probe', 'prepare'))",
            &[media, generation],
        )
        .await?;
    if again == 0 {
        enqueue(&**client, first).await?;
    }
    Ok(true)
}

/// Takes the unfinished rows of a work out of the queue, those of the round `keep` excepted; workers
/// notice within a second.
///
/// # Errors
/// If the database cannot be written.
pub async fn cancel<C: GenericClient>(client: &C, media: Uuid, keep: Option<u32>) -> Result<u64, StoreError> {
    let changed = client
        .execute(
            "update public.media_jobs set state = 'cancelled', finished_at = now(), lease_until = null
             where media = $1 and generation is distinct from $2 and state in ('queued', 'running')",
            &[&media, &keep.map(signed)],
        )
        .await?;
    Ok(changed)
}

/// Puts the failed rows of a round back; `0` if there are none.
///
/// # Errors
/// If the database cannot be written.
pub async fn retry<C: GenericClient>(client: &C, media: Uuid, generation: u32) -> Result<u64, StoreError> {
    let changed = client
        .execute(
            "update public.media_jobs
             set state = 'queued', attempts = 0, error = null, finished_at = null, not_before = now()
             where media = $1 and generation = $2 and state in ('failed', 'cancelled')",
            &[&media, &signed(generation)],
        )
        .await?;
    Ok(changed)
}

/// Rows of a work that wait or are in work.
///
/// # Errors
/// If the database cannot be read.
pub async fn unfinished(pool: &Pool, media: Uuid) -> Result<i64, StoreError> {
    let row = pool
        .get()
        .await?
        .query_one(
            "select count(*) from public.media_jobs where media = $1 and state in ('queued', 'running')",
            &[&media],
        )
        .await?;
    Ok(row.get(0))
}

/// Segments of a rung that are not done yet, as seen inside the transaction of the one that is just
/// being finished; others that finish at the same time wait here.
///
/// # Errors
/// If the database cannot be read.
pub async fn open_segments<C: GenericClient>(client: &C, job: &MediaJob) -> Result<i64, StoreError> {
    let key = format!("{}/{}/{}", job.media, job.generation, job.rung);
    client.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", &[&key]).await?;
    let row = client
        .query_one(
            "select count(*) from public.media_jobs
             where media = $1 and generation = $2 and rung = $3 and kind = 'av1' and state <> 'done'",
            &[&job.media, &signed(job.generation), &signed(job.rung)],
        )
        .await?;
    Ok(row.get(0))
}

fn signed(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
