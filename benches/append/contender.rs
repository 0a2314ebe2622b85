//! What is compared, and how it is timed.

use crate::work::Pen;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Anything that ends a run.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Somebody who can append.
pub trait Contender: Send + Sync {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// One durable append at the pen's place.
    fn append<'a>(&'a self, pen: &'a mut Pen) -> BoxFuture<'a, Result<(), Trouble>>;
    /// Transactions so far, if it counts them.
    fn commits(&self) -> Option<f64> {
        None
    }
}

/// What one run gave.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Appends a second.
    pub rate: f64,
    /// Median latency in milliseconds.
    pub p50: f64,
    /// 99th percentile in milliseconds.
    pub p99: f64,
    /// Events per commit.
    pub per_commit: f64,
}

/// `writers` tasks append for `length`, each on streams of its own.
pub async fn run(
    contender: &Arc<dyn Contender>,
    writers: usize,
    length: Duration,
) -> Result<Sample, Trouble> {
    let commits = contender.commits();
    let started = Instant::now();
    let end = started + length;
    let tasks: Vec<_> = (0..writers)
        .map(|_| {
            let contender = Arc::clone(contender);
            tokio::spawn(async move {
                let mut pen = Pen::new();
                let mut times = Vec::new();
                while Instant::now() < end {
                    let begun = Instant::now();
                    contender.append(&mut pen).await?;
                    times.push(begun.elapsed());
                    pen.written();
                }
                Ok::<_, Trouble>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |q: f64| {
        let index = ((times.len() as f64 - 1.0).max(0.0) * q) as usize;
        times.get(index).map_or(0.0, |t| t.as_secs_f64() * 1000.0)
    };
    let per_commit = match (commits, contender.commits()) {
        (Some(before), Some(after)) if after > before => times.len() as f64 / (after - before),
        _ => 1.0,
    };
    Ok(Sample { rate: times.len() as f64 / elapsed, p50: at(0.5), p99: at(0.99), per_commit })
}

/// The middle one of several runs, by rate.
pub fn median(mut samples: Vec<Sample>) -> Sample {
    samples.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}
