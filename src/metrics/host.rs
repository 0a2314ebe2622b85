//! Reads the machine's own numbers from `/proc`, so that one scrape tells whether Kinora or its
//! host is short of something.

use std::fs;
use std::path::Path;

use super::Metrics;

/// Takes one sample of the machine and of the disk under `data`. What cannot be read (another
/// system, a restricted `/proc`) is left as it was.
pub fn sample_host(metrics: &Metrics, data: &Path) {
    cpu(metrics);
    memory(metrics);
    disk(metrics, data);
    process(metrics);
}

/// `/proc/stat` counts in hundredths of a second on every Linux port.
const TICKS: f64 = 100.0;

fn cpu(metrics: &Metrics) {
    let Ok(stat) = fs::read_to_string("/proc/stat") else { return };
    let mut cpus = 0;
    for line in stat.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("cpu") => {
                let values: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
                // user includes nice; system includes the time in interrupts.
                let at = |index: usize| values.get(index).copied().unwrap_or(0.0) / TICKS;
                for (mode, seconds) in [
                    ("user", at(0) + at(1)),
                    ("system", at(2) + at(5) + at(6)),
                    ("idle", at(3)),
                    ("iowait", at(4)),
                    ("steal", at(7)),
                ] {
                    raise(&metrics.host.cpu_seconds.with_label_values(&[mode]), seconds);
                }
            }
            Some(name) if name.starts_with("cpu") => cpus += 1,
            _ => {}
        }
    }
    metrics.host.cpus.set(cpus);
    if let Ok(load) = fs::read_to_string("/proc/loadavg")
        && let Some(Ok(one)) = load.split_whitespace().next().map(str::parse)
    {
        metrics.host.load.set(one);
    }
}

fn memory(metrics: &Metrics) {
    let Ok(info) = fs::read_to_string("/proc/meminfo") else { return };
    for line in info.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(Ok(kibibytes))) = (words.next(), words.next().map(str::parse::<i64>)) else {
            continue;
        };
        match name {
            "MemTotal:" => metrics.host.memory_total.set(kibibytes * 1024),
            "MemAvailable:" => metrics.host.memory_available.set(kibibytes * 1024),
            _ => {}
        }
    }
}

fn disk(metrics: &Metrics, data: &Path) {
    if let Ok(space) = nix::sys::statvfs::statvfs(data) {
        let unit = i128::from(space.fragment_size());
        let bytes = |blocks: u64| i64::try_from(unit * i128::from(blocks)).unwrap_or(i64::MAX);
        metrics.host.disk_total.set(bytes(space.blocks()));
        metrics.host.disk_free.set(bytes(space.blocks_available()));
    }
}

fn process(metrics: &Metrics) {
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        for line in status.lines() {
            let mut words = line.split_whitespace();
            let (Some(name), Some(Ok(value))) = (words.next(), words.next().map(str::parse::<i64>)) else {
                continue;
            };
            match name {
                "VmRSS:" => metrics.host.process_resident.set(value * 1024),
                "Threads:" => metrics.host.process_threads.set(value),
                _ => {}
            }
        }
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        metrics.host.process_files.set(i64::try_from(files.count()).unwrap_or(i64::MAX));
    }
    // Fields 14 and 15 of `stat`, counted after the name in parentheses, which may hold spaces.
    if let Ok(stat) = fs::read_to_string("/proc/self/stat")
        && let Some((_, rest)) = stat.rsplit_once(')')
    {
        let ticks: f64 =
            rest.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
        raise(&metrics.host.process_cpu, ticks / TICKS);
    }
}

/// A counter read elsewhere: moved up to the new reading, never down.
fn raise(counter: &prometheus::Counter, reading: f64) {
    let more = reading - counter.get();
    if more > 0.0 {
        counter.inc_by(more);
    }
}
