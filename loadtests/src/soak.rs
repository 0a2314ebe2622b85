//! Looks at the server while the crowd walks: does memory, do open files, does the lag of the projections
//! grow with time?

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::Client;

/// What is looked at: a name, the metric, and by how much it may grow over the whole time and still count
/// as flat, as a share of its mean and in its own unit (whichever is more).
const LOOKED_AT: [(&str, &str, f64, f64); 3] = [
    ("resident memory, MiB", "kinora_process_resident_bytes", 0.05, 8.0),
    ("open files", "kinora_process_open_files", 0.05, 8.0),
    ("projections behind, events", "kinora_projection_lag_events", 0.05, 10.0),
];

/// One look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Seconds since the beginning.
    at: f64,
    values: [f64; 3],
}

/// Looks every `every` until `until`; the first fifth of the time is for warming up and does not count.
pub async fn watch(metrics: SocketAddr, every: Duration, until: Instant) -> Vec<Sample> {
    let mut client = Client::new(metrics);
    let (begun, mut samples) = (Instant::now(), Vec::new());
    while Instant::now() < until {
        if let Some(answer) = client.get("metrics", "/metrics").await {
            let values = LOOKED_AT.map(|(_, metric, ..)| highest(&answer.text(), metric));
            samples.push(Sample { at: begun.elapsed().as_secs_f64(), values });
        }
        tokio::time::sleep_until(until.min(Instant::now() + every).into()).await;
    }
    samples
}

/// The highest value of a metric over all its labels; memory in MiB.
fn highest(text: &str, metric: &str) -> f64 {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        let of_it = rest.starts_with('{') || rest.starts_with(' ');
        of_it.then(|| rest.rsplit(' ').next()?.parse::<f64>().ok()).flatten()
    });
    let unit = if metric.ends_with("_bytes") { 1024.0 * 1024.0 } else { 1.0 };
    values.fold(0.0, f64::max) / unit
}

/// Growth by the least squares over the time that counts, and the mean of it.
fn growth(samples: &[Sample], which: usize) -> Option<(f64, f64)> {
    let last = samples.last()?.at;
    let counted: Vec<(f64, f64)> =
        samples.iter().filter(|s| s.at >= last / 5.0).map(|s| (s.at, s.values[which])).collect();
    let many = counted.len() as f64;
    if counted.len() < 3 {
        return None;
    }
    let (x, y) = counted.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / many, y + p.1 / many));
    let (above, below) =
        counted.iter().fold((0.0, 0.0), |(a, b), p| (a + (p.0 - x) * (p.1 - y), b + (p.0 - x) * (p.0 - x)));
    Some((above / below * (last - last / 5.0), y))
}

/// The verdict in words, and whether all is flat.
pub fn verdict(samples: &[Sample]) -> (String, bool) {
    let (mut text, mut flat) = (String::new(), true);
    for (which, (name, _, share, unit)) in LOOKED_AT.iter().enumerate() {
        let Some((grown, mean)) = growth(samples, which) else {
            return ("too few looks at the server; is its address of metrics right?\n".into(), false);
        };
        let still = grown <= (mean * share).max(*unit);
        flat &= still;
        let first = samples.first().map_or(0.0, |s| s.values[which]);
        let highest = samples.iter().map(|s| s.values[which]).fold(0.0, f64::max);
        let word = if still { "flat" } else { "GROWS" };
        let _ = writeln!(
            text,
            "{name:28} first {first:8.1}  mean {mean:8.1}  highest {highest:8.1}  grown by {grown:+8.2}  {word}"
        );
    }
    (text, flat)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(value: impl Fn(f64) -> f64) -> Vec<Sample> {
        (0..60).map(|i| f64::from(i) * 10.0).map(|at| Sample { at, values: [value(at); 3] }).collect()
    }

    #[test]
    fn the_highest_of_all_labels_counts() {
        let text = "# HELP kinora_projection_lag_events x\nkinora_projection_lag_events{projection=\"a\"} 3\n\
                    kinora_projection_lag_events{projection=\"b\"} 12\nkinora_process_resident_bytes 2097152\n";
        assert_eq!(highest(text, "kinora_projection_lag_events"), 12.0);
        assert_eq!(highest(text, "kinora_process_resident_bytes"), 2.0);
        assert_eq!(highest(text, "kinora_process_open_files"), 0.0);
    }

    #[test]
    fn what_swings_is_flat_and_what_climbs_is_not() {
        assert!(verdict(&samples(|at| 500.0 + 20.0 * (at / 30.0).sin())).1);
        assert!(!verdict(&samples(|at| 500.0 + at / 10.0)).1);
        // A start that climbs and then rests is a start.
        assert!(verdict(&samples(|at| 500.0 + at.min(100.0))).1);
        assert!(!verdict(&[]).1);
    }
}
