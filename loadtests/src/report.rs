//! Sums up the visits.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use crate::client::Visit;

/// All visits, by kind of page.
#[derive(Default)]
pub struct Report {
    pages: BTreeMap<&'static str, Vec<Duration>>,
    failures: BTreeMap<(&'static str, String), u64>,
    /// How long the crowd walked.
    pub took: Duration,
}

impl Report {
    pub fn add(&mut self, visits: Vec<Visit>) {
        for visit in visits {
            self.pages.entry(visit.page).or_default().push(visit.took);
            if let Some(reason) = visit.failure {
                *self.failures.entry((visit.page, reason)).or_default() += 1;
            }
        }
    }

    pub fn errors(&self) -> u64 {
        self.failures.values().sum()
    }

    /// The time below which 95 of 100 requests of all kinds lie, in milliseconds.
    pub fn p95_ms(&self) -> f64 {
        let mut all: Vec<Duration> = self.pages.values().flatten().copied().collect();
        all.sort_unstable();
        quantile(&all, 0.95).as_secs_f64() * 1000.0
    }

    fn rows(&self) -> Vec<(&str, usize, f64, [f64; 3], u64)> {
        let everything: Vec<Duration> = self.pages.values().flatten().copied().collect();
        let mut rows = vec![self.row("all", everything, self.errors())];
        for (page, times) in &self.pages {
            let errors = self.failures.iter().filter(|((of, _), _)| of == page).map(|(_, count)| count).sum();
            rows.push(self.row(page, times.clone(), errors));
        }
        rows
    }

    fn row<'a>(
        &self,
        page: &'a str,
        mut times: Vec<Duration>,
        errors: u64,
    ) -> (&'a str, usize, f64, [f64; 3], u64) {
        times.sort_unstable();
        let rate = times.len() as f64 / self.took.as_secs_f64().max(0.001);
        let at = |share: f64| quantile(&times, share).as_secs_f64() * 1000.0;
        (page, times.len(), rate, [at(0.5), at(0.95), at(0.99)], errors)
    }

    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<26} {:>8} {:>8} {:>9} {:>9} {:>9} {:>7}\n",
            "page", "requests", "req/s", "p50 ms", "p95 ms", "p99 ms", "errors"
        );
        for (page, count, rate, [p50, p95, p99], errors) in self.rows() {
            let _ = writeln!(
                text,
                "{page:<26} {count:>8} {rate:>8.1} {p50:>9.1} {p95:>9.1} {p99:>9.1} {errors:>7}"
            );
        }
        for ((page, reason), count) in &self.failures {
            let _ = writeln!(text, "error: {page}: {reason} ({count} times)");
        }
        let _ = writeln!(text, "{:.1} seconds", self.took.as_secs_f64());
        text
    }

    pub fn json(&self) -> String {
        let pages: Vec<_> = self
            .rows()
            .into_iter()
            .map(|(page, requests, rate, [p50, p95, p99], errors)| {
                serde_json::json!({"page": page, "requests": requests, "per_second": rate,
                    "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "errors": errors})
            })
            .collect();
        format!("{}\n", serde_json::json!({"seconds": self.took.as_secs_f64(), "pages": pages}))
    }
}

/// The value below which `share` of the sorted times lie.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 0.5), Duration::from_millis(50));
        assert_eq!(quantile(&times, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }

    #[test]
    fn the_table_counts_requests_and_errors() {
        let mut report = Report { took: Duration::from_secs(2), ..Report::default() };
        let visit = |failure: Option<&str>| Visit {
            page: "home",
            took: Duration::from_millis(10),
            failure: failure.map(str::to_owned),
        };
        report.add(vec![visit(None), visit(None), visit(None), visit(Some("status 503"))]);
        let table = report.table();
        assert!(table.contains("home                              4      2.0"), "{table}");
        assert!(table.contains("error: home: status 503 (1 times)"));
        assert_eq!(report.errors(), 1);
    }
}
