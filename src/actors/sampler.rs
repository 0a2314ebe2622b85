//! Takes the numbers that nobody counts as they happen: the machine, the database, how far readers
//! are, what the tables say. One loop in every process, between two scrapes.

use super::accounts::sessions;
use super::services::Services;
use super::supervisor::{Desk, LoopError};
use crate::domain::media::Place;
use crate::metrics::{Metrics, sample_host};
use crate::projections::{QueryError, figures, media as works, operator};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use uuid::Uuid;

const EVERY: Duration = Duration::from_secs(10);
/// Walking the data folder costs more than reading counters.
const STORAGE_EVERY: Duration = Duration::from_secs(300);

/// The working loop.
///
/// # Errors
/// None of its own: a sample that fails is tried again, and the numbers say so.
pub async fn run(cx: Services, desk: Desk) -> Result<(), LoopError> {
    let mut measured: Option<Instant> = None;
    let mut counted = Counted::default();
    while !desk.stopping() {
        sample_host(&cx.metrics, &cx.config.data);
        pool(&cx);
        let up = match tokio::time::timeout(EVERY, tables(&cx, &mut counted)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                desk.failed(&error.to_string());
                false
            }
            Err(_) => {
                desk.failed("the database does not answer");
                false
            }
        };
        cx.metrics.store.database_up.set(i64::from(up));
        if measured.is_none_or(|then| then.elapsed() > STORAGE_EVERY) {
            let (metrics, data) = (cx.metrics.clone(), cx.config.data.clone());
            tokio::task::spawn_blocking(move || storage(&metrics, &data)).await?;
            measured = Some(Instant::now());
        }
        if up {
            desk.succeeded();
        }
        desk.pause(EVERY).await;
    }
    Ok(())
}

fn pool(cx: &Services) {
    let status = cx.pool.status();
    let set = |state: &str, count: usize| {
        cx.metrics
            .store
            .database_connections
            .with_label_values(&[state])
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    };
    set("open", status.size);
    set("idle", status.available);
    set("waiting", status.waiting);
}

/// Sums that all processes add to, as they were last seen: a counter of this process grows by what came since.
#[derive(Default)]
struct Counted(BTreeMap<(String, String), i64>);

impl Counted {
    /// How much a sum has grown since the last look; nothing at the first one. A sum that shrinks is being made
    /// anew, and does not count a second time when it has grown again.
    fn growth(&mut self, what: &str, outcome: &str, sum: i64, first: bool) -> u64 {
        let seen = self.0.entry((what.to_owned(), outcome.to_owned())).or_insert(if first { sum } else { 0 });
        let growth = u64::try_from(sum - *seen).unwrap_or(0);
        *seen = sum.max(*seen);
        growth
    }
}

/// A reader that is further behind is being made anew: its sums are not whole.
const CLOSE_SECONDS: f64 = 300.0;

async fn tables(cx: &Services, counted: &mut Counted) -> Result<(), QueryError> {
    let metrics = &cx.metrics;
    let mut whole = true;
    let held = works::bytes_in(&cx.reader, Place::S3, Uuid::nil()).await?;
    metrics.media.storage.with_label_values(&["bucket"]).set(i64::try_from(held).unwrap_or(i64::MAX));
    metrics.runtime.sessions.set(sessions::count(cx).await?);
    metrics.store.position.set(operator::head(&cx.reader).await?);
    for row in operator::readers(&cx.reader).await? {
        let name = [row.name.as_str()];
        metrics.projections.parked.with_label_values(&name).set(row.parked);
        whole &= row.name != "operator" || row.seconds < CLOSE_SECONDS;
        if row.kind == "projection" {
            metrics.projections.position.with_label_values(&name).set(row.position);
            metrics.projections.lag_events.with_label_values(&name).set(row.behind);
            metrics.projections.lag_seconds.with_label_values(&name).set(row.seconds);
        } else {
            metrics.projections.workflow_lag_events.with_label_values(&name).set(row.behind);
        }
    }
    metrics.projections.stopped.reset();
    for name in operator::stopped(&cx.reader).await?.into_iter().flat_map(|s| s.names) {
        metrics.projections.stopped.with_label_values(&[&name]).set(1);
    }
    let media = &metrics.media;
    for state in ["queued", "running", "done", "failed", "cancelled"] {
        media.jobs.with_label_values(&[state]).set(0);
    }
    for state in ["queued", "running"] {
        media.oldest_job.with_label_values(&[state]).set(0.0);
    }
    for queue in operator::media_queue(&cx.reader).await? {
        media.jobs.with_label_values(&[&queue.state]).set(queue.count);
        if matches!(queue.state.as_str(), "queued" | "running") {
            media.oldest_job.with_label_values(&[&queue.state]).set(queue.oldest_seconds);
        }
    }
    let verified = operator::last_verification(&cx.reader).await?;
    if let Some(last) = verified.as_ref().filter(|last| last.ok) {
        metrics.store.verified_position.set(last.position);
        metrics.store.verified_at.set(last.at.timestamp());
    }
    if whole {
        let first = counted.0.is_empty();
        let sums = verified.map_or((0, 0), |last| (last.good, last.bad));
        for (outcome, sum) in [("good", sums.0), ("bad", sums.1)] {
            let growth = counted.growth("the log", outcome, sum, first);
            metrics.store.verifications.with_label_values(&[outcome]).inc_by(growth);
        }
        for (job, outcome, sum) in operator::totals(&cx.reader).await? {
            let growth = counted.growth(&format!("job {job}"), &outcome, sum, first);
            metrics.runtime.runs.with_label_values(&[&job, &outcome]).inc_by(growth);
        }
    }
    for (job, at) in operator::last_successes(&cx.reader).await? {
        metrics.runtime.run_last_success.with_label_values(&[&job]).set(at.timestamp());
    }
    figures::sample(&cx.reader, cx.clock.now(), metrics).await
}

/// Bytes by area of the data folder.
fn storage(metrics: &Metrics, data: &Path) {
    let mut other = 0;
    let mut areas = [("media", 0), ("uploads", 0), ("mail", 0), ("database", 0)];
    for entry in std::fs::read_dir(data).into_iter().flatten().flatten() {
        let bytes = size(entry.path());
        let name = entry.file_name();
        let area = if name == "postgres" { "database".into() } else { name.to_string_lossy().into_owned() };
        match areas.iter_mut().find(|(known, _)| *known == area) {
            Some((_, sum)) => *sum += bytes,
            None => other += bytes,
        }
    }
    for (area, bytes) in areas.into_iter().chain([("other", other)]) {
        metrics.media.storage.with_label_values(&[area]).set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

/// Bytes of a file or of everything under a folder; links are not followed, what vanishes or may
/// not be read counts nothing.
fn size(path: PathBuf) -> u64 {
    let mut sum = 0;
    let mut waiting = vec![path];
    while let Some(path) = waiting.pop() {
        let Ok(about) = std::fs::symlink_metadata(&path) else { continue };
        if about.is_dir() {
            waiting
                .extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        } else {
            sum += about.len();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_grows_by_what_any_process_did_since_this_one_started() {
        let mut counted = Counted::default();
        assert_eq!(counted.growth("job stats", "failed", 7, true), 0, "before this process");
        assert_eq!(counted.growth("job stats", "failed", 9, false), 2);
        assert_eq!(counted.growth("job stats", "failed", 9, false), 0);
        assert_eq!(counted.growth("job backup", "failed", 1, false), 1, "the first failure there ever was");
        assert_eq!(counted.growth("job stats", "failed", 3, false), 0, "made anew");
        assert_eq!(counted.growth("job stats", "failed", 10, false), 1, "and not counted twice");
    }

    #[test]
    fn bytes_are_counted_by_area() {
        let data = tempfile::TempDir::new().expect("a folder");
        let put = |name: &str, bytes: usize| {
            let path = data.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, vec![0_u8; bytes]).expect("written");
        };
        put("media/a/b.mp4", 1000);
        put("media/c.jpg", 24);
        put("postgres/base/1", 8192);
        put("secrets/session.key", 32);
        let metrics = Metrics::new(&prometheus::Registry::new()).expect("metrics");
        storage(&metrics, data.path());
        let of = |area: &str| metrics.media.storage.with_label_values(&[area]).get();
        assert_eq!((of("media"), of("database"), of("other"), of("uploads")), (1024, 8192, 32, 0));
    }
}
