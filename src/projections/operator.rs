//! What operators look at: scheduled runs, readers of the log and how far they are, events that
//! were set aside.

use super::sorting::{Sort, SortColumn};
use super::{Projection, ProjectionError, QueryError, Reader};
use crate::domain::clock::RunEvent;
pub use crate::store::audit::LastVerification;
pub use crate::store::{RecordedEvent, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The list of scheduled runs. It keeps the newest runs of each job; the log keeps all.
pub struct Operator;

/// Runs kept for each job.
const KEPT: i64 = 200;

#[async_trait]
impl Projection for Operator {
    fn name(&self) -> &'static str {
        "operator"
    }

    fn version(&self) -> i32 {
        2
    }

    fn tables(&self) -> &'static [&'static str] {
        &["operator_runs", "operator_totals"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists operator_runs (
            run uuid primary key,
            job text not null,
            slot timestamptz not null,
            state text not null,
            requested_at timestamptz not null,
            ended_at timestamptz,
            changed bigint,
            duration_ms bigint,
            counts jsonb,
            error text
        );
        create index if not exists operator_runs_by_job on operator_runs (job, slot desc);
        create index if not exists operator_runs_by_time on operator_runs (requested_at desc);
        create table if not exists operator_totals (
            job text not null,
            outcome text not null,
            runs bigint not null,
            primary key (job, outcome)
        );"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(run) = event.decode::<RunEvent>()? else { return Ok(()) };
        let id = event.stream_uuid();
        match run {
            RunEvent::RunRequested { job, slot } => {
                tx.execute(
                    "insert into operator_runs (run, job, slot, state, requested_at) values ($1, $2, $3, 'requested', $4)
                     on conflict (run) do update set state = 'requested', requested_at = $4, ended_at = null, error = null",
                    &[&id, &job, &slot, &event.recorded_at],
                )
                .await?;
                tx.execute(
                    "delete from operator_runs where job = $1 and state <> 'requested' and slot <
                       (select slot from operator_runs where job = $1 order by slot desc offset $2 limit 1)",
                    &[&job, &KEPT],
                )
                .await?;
            }
            RunEvent::RunCompleted { counts, changed, duration_ms } => {
                let counts = serde_json::to_value(counts)?;
                tx.execute(
                    "update operator_runs set state = 'completed', ended_at = $2, changed = $3, duration_ms = $4, counts = $5, error = null
                     where run = $1",
                    &[&id, &event.recorded_at, &changed, &duration_ms, &counts],
                )
                .await?;
                count(tx, id, "completed").await?;
            }
            RunEvent::RunFailed { error, duration_ms } => {
                tx.execute(
                    "update operator_runs set state = 'failed', ended_at = $2, duration_ms = $3, error = $4 where run = $1",
                    &[&id, &event.recorded_at, &duration_ms, &error],
                )
                .await?;
                count(tx, id, "failed").await?;
            }
        }
        Ok(())
    }
}

async fn count(tx: &Transaction<'_>, run: Uuid, outcome: &str) -> Result<(), ProjectionError> {
    tx.execute(
        "insert into operator_totals (job, outcome, runs)
         select job, $2, 1 from operator_runs where run = $1
         on conflict (job, outcome) do update set runs = operator_totals.runs + 1",
        &[&run, &outcome],
    )
    .await?;
    Ok(())
}

/// One scheduled run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RunRow {
    /// Its id, also the correlation of everything it caused.
    pub run: Uuid,
    /// Job.
    pub job: String,
    /// Slot.
    pub slot: DateTime<Utc>,
    /// `requested`, `completed` or `failed`.
    pub state: String,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// Events it caused.
    pub changed: Option<i64>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// What it did, in the job's own words.
    pub counts: BTreeMap<String, i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A projection or workflow and how far it has come.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ReaderRow {
    /// Name.
    pub name: String,
    /// `projection` or `workflow`.
    pub kind: String,
    /// Version of its code and tables.
    pub version: i32,
    /// The last event it has digested.
    pub position: i64,
    /// Events it has not digested.
    pub behind: i64,
    /// Age of the oldest event it has not digested, in seconds; 0 when it has all.
    pub seconds: f64,
    /// When it last moved.
    pub updated_at: DateTime<Utc>,
    /// Events it could not digest.
    pub parked: i64,
}

/// An event that a reader could not digest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeadLetter {
    /// The projection or workflow.
    pub name: String,
    /// The event.
    pub position: i64,
    /// Its stream.
    pub stream: String,
    /// Its type.
    pub kind: String,
    /// Why.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was set aside.
    pub parked_at: DateTime<Utc>,
}

fn run_row(row: &tokio_postgres::Row) -> RunRow {
    let counts: Option<serde_json::Value> = row.get(7);
    RunRow {
        run: row.get(0),
        job: row.get(1),
        slot: row.get(2),
        state: row.get(3),
        requested_at: row.get(4),
        changed: row.get(5),
        duration_ms: row.get(6),
        counts: counts.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default(),
        error: row.get(8),
    }
}

const RUN: &str = "run, job, slot, state, requested_at, changed, duration_ms, counts, error";

/// The newest runs, of one job or of all.
///
/// # Errors
/// If the database cannot be read.
pub async fn runs(reader: &Reader, job: Option<&str>, limit: i64) -> Result<Vec<RunRow>, QueryError> {
    let sql = format!(
        "select {RUN} from operator_runs where $1::text is null or job = $1 order by requested_at desc, run limit $2"
    );
    Ok(reader.client().await?.query(&sql, &[&job, &limit]).await?.iter().map(run_row).collect())
}

/// What the list of runs can be sorted by.
pub const SORTS: &[SortColumn] = &[
    ("job", &["job"]),
    ("slot", &["slot"]),
    ("result", &["state"]),
    ("changed", &["changed"]),
    ("took", &["duration_ms"]),
];

/// A page of the runs that are kept, of one job or of all, in the wished order or newest first; and how many there are.
///
/// # Errors
/// If the database cannot be read.
pub async fn list_runs(
    reader: &Reader,
    job: Option<&str>,
    sort: Option<Sort>,
    offset: i64,
    limit: i64,
) -> Result<(Vec<RunRow>, i64), QueryError> {
    let client = reader.client().await?;
    let count = "select count(*) from operator_runs where $1::text is null or job = $1";
    let total = client.query_one(count, &[&job]).await?.get(0);
    let sql = format!(
        "select {RUN} from operator_runs where $1::text is null or job = $1 order by {} offset $2 limit $3",
        Sort::order(sort, "requested_at desc, run")
    );
    let rows = client.query(&sql, &[&job, &offset, &limit]).await?;
    Ok((rows.iter().map(run_row).collect(), total))
}

/// The newest run of each job.
///
/// # Errors
/// If the database cannot be read.
pub async fn last_runs(reader: &Reader) -> Result<BTreeMap<String, RunRow>, QueryError> {
    let sql = format!("select distinct on (job) {RUN} from operator_runs order by job, slot desc");
    let rows = reader.client().await?.query(&sql, &[]).await?;
    Ok(rows.iter().map(run_row).map(|row| (row.job.clone(), row)).collect())
}

/// When each job last completed.
///
/// # Errors
/// If the database cannot be read.
pub async fn last_successes(reader: &Reader) -> Result<BTreeMap<String, DateTime<Utc>>, QueryError> {
    let sql = "select job, max(ended_at) from operator_runs where state = 'completed' group by job";
    let rows = reader.client().await?.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// How many runs of each job ended in each way (`completed`, `failed`), whoever ran them.
///
/// # Errors
/// If the database cannot be read.
pub async fn totals(reader: &Reader) -> Result<Vec<(String, String, i64)>, QueryError> {
    let sql = "select job, outcome, runs from operator_totals";
    let rows = reader.client().await?.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// The position of the newest event.
///
/// # Errors
/// If the database cannot be read.
pub async fn head(reader: &Reader) -> Result<i64, QueryError> {
    let row = reader
        .client()
        .await?
        .query_one("select position from public.log_head where log_id = 1", &[])
        .await?;
    Ok(row.get(0))
}

/// All readers of the log.
///
/// # Errors
/// If the database cannot be read.
pub async fn readers(reader: &Reader) -> Result<Vec<ReaderRow>, QueryError> {
    let sql =
        "select c.name, c.kind, c.version, c.position, greatest(h.position - c.position, 0), c.updated_at,
            coalesce(extract(epoch from clock_timestamp() - e.recorded_at), 0)::float8,
            (select count(*) from public.dead_letters d where d.name = c.name)
        from public.checkpoints c
        join public.log_head h on h.log_id = 1
        left join public.events e on e.log_id = 1 and e.position = c.position + 1
        order by c.kind, c.name";
    let rows = reader.client().await?.query(sql, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| ReaderRow {
            name: row.get(0),
            kind: row.get(1),
            version: row.get(2),
            position: row.get(3),
            behind: row.get(4),
            updated_at: row.get(5),
            seconds: row.get::<_, f64>(6).max(0.0),
            parked: row.get(7),
        })
        .collect())
}

/// Events that were set aside, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn dead_letters(reader: &Reader, limit: i64) -> Result<Vec<DeadLetter>, QueryError> {
    let sql = "select d.name, d.position, d.stream_id, coalesce(e.type, ''), d.error, d.attempts, d.parked_at
        from public.dead_letters d
        left join public.events e on e.log_id = 1 and e.position = d.position
        order by d.parked_at desc, d.name limit $1";
    let rows = reader.client().await?.query(sql, &[&limit]).await?;
    Ok(rows
        .iter()
        .map(|row| DeadLetter {
            name: row.get(0),
            position: row.get(1),
            stream: row.get(2),
            kind: row.get(3),
            error: row.get(4),
            attempts: row.get(5),
            parked_at: row.get(6),
        })
        .collect())
}

/// Readers that stand in front of an event which their version does not know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Stopped {
    /// The projections and workflows.
    pub names: Vec<String>,
    /// The event.
    pub position: i64,
    /// What it is and what to do.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Where readers have stopped, the first event first.
///
/// # Errors
/// If the database cannot be read.
pub async fn stopped(reader: &Reader) -> Result<Vec<Stopped>, QueryError> {
    let sql = "select array_agg(name order by name), position, reason, min(since)
        from public.stopped_readers group by position, reason order by position";
    let rows = reader.client().await?.query(sql, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| Stopped { names: row.get(0), position: row.get(1), reason: row.get(2), since: row.get(3) })
        .collect())
}

/// Which events of the log are asked for.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// Of this stream.
    pub stream: Option<String>,
    /// Of streams of this kind.
    pub category: Option<String>,
    /// Of this type.
    pub kind: Option<String>,
    /// Only of streams of these kinds; none: of all.
    pub within: Option<Vec<String>>,
}

/// Events after `position`, at most `limit`, that pass the filter.
///
/// # Errors
/// If the database cannot be read.
pub async fn log(
    reader: &Reader,
    filter: &LogFilter,
    position: i64,
    limit: i64,
) -> Result<Vec<RecordedEvent>, QueryError> {
    let client = reader.client().await?;
    // The kind of a stream is what stands before the first hyphen of its name.
    let kinds: Option<Vec<String>> = match (&filter.category, &filter.within) {
        (Some(one), Some(all)) => Some(all.iter().filter(|k| *k == one).cloned().collect()),
        (Some(one), None) => Some(vec![one.clone()]),
        (None, within) => within.clone(),
    };
    crate::store::log::filtered(&**client, position, limit, &filter.stream, &filter.kind, &kinds).await
}

/// One state of the encoder's queue.
#[derive(Clone, Debug)]
pub struct QueueState {
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// Rows of the last seven days.
    pub count: i64,
    /// Age of the oldest of them, in seconds.
    pub oldest_seconds: f64,
}

/// The encoder's queue by state: rows made in the last seven days, and all that are not done.
///
/// # Errors
/// If the database cannot be read.
pub async fn media_queue(reader: &Reader) -> Result<Vec<QueueState>, QueryError> {
    let sql = "select state, count(*), extract(epoch from now() - min(created_at))::float8
        from public.media_jobs
        where state in ('queued', 'running') or created_at > now() - interval '7 days' group by state";
    let rows = reader.client().await?.query(sql, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| QueueState { state: row.get(0), count: row.get(1), oldest_seconds: row.get(2) })
        .collect())
}

/// What the last verification of the log found; `None` before the first.
///
/// # Errors
/// If the database cannot be read.
pub async fn last_verification(reader: &Reader) -> Result<Option<LastVerification>, QueryError> {
    crate::store::audit::last_verification(&**reader.client().await?).await
}

/// Position and time of the newest signed checkpoint.
///
/// # Errors
/// If the database cannot be read.
pub async fn last_checkpoint(reader: &Reader) -> Result<Option<(i64, DateTime<Utc>)>, QueryError> {
    let sql = "select position, signed_at from public.log_checkpoints where log_id = 1 order by position desc limit 1";
    Ok(reader.client().await?.query_opt(sql, &[]).await?.map(|row| (row.get(0), row.get(1))))
}

/// Pieces of media that have waited for ten minutes while no worker has anything in work; 0 while somebody works, and
/// while operators have stopped the queue.
///
/// # Errors
/// If the database cannot be read.
pub async fn unattended(reader: &Reader) -> Result<i64, QueryError> {
    let sql = "select count(*) from public.media_jobs j
               where j.state = 'queued' and greatest(j.created_at, j.not_before) < now() - interval '10 minutes'
                 and not exists (select from public.media_jobs r where r.state = 'running' and r.lease_until >= now())
                 and not exists (select from public.media_queue_wishes w
                                 where w.paused and w.media in (j.media, '00000000-0000-0000-0000-000000000000'))";
    Ok(reader.client().await?.query_one(sql, &[]).await?.get(0))
}
