//! Takes the numbers that nobody counts as they happen: the machine, the database, how far readers
//! are, what the tables say. One loop in every process, between two scrapes.

use super::services::Services;
use super::supervisor::{Desk, LoopError};
use crate::metrics::{Metrics, sample_host};
use crate::projections::{QueryError, figures, operator};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(10);
/// Walking the data folder costs more than reading counters.
const STORAGE_EVERY: Duration = Duration::from_secs(300);

/// The working loop.
///
/// # Errors
/// None of its own: a sample that fails is tried again, and the numbers say so.
pub async fn run(cx: Services, desk: Desk) -> Result<(), LoopError> {
    let mut measured: Option<Instant> = None;
    while !desk.stopping() {
        sample_host(&cx.metrics, &cx.config.data);
        pool(&cx);
        let up = match tables(&cx).await {
            Ok(()) => true,
            Err(error) => {
                desk.failed(&error.to_string());
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

async fn tables(cx: &Services) -> Result<(), QueryError> {
    let metrics = &cx.metrics;
    metrics.store.position.set(operator::head(&cx.reader).await?);
    for row in operator::readers(&cx.reader).await? {
        let name = [row.name.as_str()];
        metrics.projections.parked.with_label_values(&name).set(row.parked);
        if row.kind == "projection" {
            metrics.projections.position.with_label_values(&name).set(row.position);
            metrics.projections.lag_events.with_label_values(&name).set(row.behind);
            metrics.projections.lag_seconds.with_label_values(&name).set(row.seconds);
        } else {
            metrics.projections.workflow_lag_events.with_label_values(&name).set(row.behind);
        }
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
    if let Some(last) = operator::last_verification(&cx.reader).await?.filter(|last| last.ok) {
        metrics.store.verified_position.set(last.position);
        metrics.store.verified_at.set(last.at.timestamp());
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
