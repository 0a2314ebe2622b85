//! Whether encoding slows pages: the same crowd walks twice, the second time while two films are made.

use std::net::SocketAddr;
use std::path::Path;

use crate::client::{Client, hidden};
use crate::report::Report;
use crate::scenario::{Logins, sign_in};

/// How much slower the slowest twentieth of the pages may become.
const MOST: f64 = 2.0;

/// What is compared.
pub struct Fair {
    idle_ms: f64,
    /// Pieces of work that were open at the end; `None` if the server does not tell.
    open: Option<f64>,
}

impl Fair {
    /// Takes the walk before, and sends the film twice, as works of the demo's creator.
    ///
    /// # Errors
    /// If the film cannot be read or is not taken.
    pub async fn begin(
        idle: Report,
        film: &Path,
        address: SocketAddr,
        logins: &Logins,
    ) -> Result<Self, String> {
        if idle.errors() > 0 {
            return Err(format!("the walk before had errors:\n{}", idle.table()));
        }
        let bytes = std::fs::read(film).map_err(|e| format!("{}: {e}", film.display()))?;
        let mut client = Client::new(address);
        sign_in(&mut client, logins, "creator").await?;
        for title in ["Fair one", "Fair two"] {
            let page =
                client.get("uploads", "/studio/uploads").await.ok_or("the page of uploads did not come")?;
            let csrf =
                hidden(&page.text(), "/uploads/", "_csrf").ok_or("the form of uploads was not found")?;
            let sent = client.upload("upload", "/uploads/", (&csrf, title), &bytes).await;
            let answer = sent.ok_or("the film was not taken")?;
            if !answer.status.is_redirection() {
                return Err(format!("the film was not taken: {}", answer.status));
            }
        }
        Ok(Self { idle_ms: idle.p95_ms(), open: None })
    }

    /// Looks how much is left to encode.
    pub async fn end(&mut self, metrics: SocketAddr) {
        let mut client = Client::new(metrics);
        let Some(answer) = client.get("metrics", "/metrics").await else { return };
        self.open = open_jobs(&answer.text());
    }

    /// The comparison in words, and whether it is fair.
    pub fn verdict(&self, busy: &Report) -> (String, bool) {
        let (idle, busy) = (self.idle_ms, busy.p95_ms());
        let times = busy / idle.max(0.001);
        let left = match self.open {
            Some(open) if open > 0.0 => "to the end of the walk",
            Some(_) => "but not to the end of the walk: take a longer film",
            None => "how long the server does not tell",
        };
        let words = format!(
            "p95 {idle:.1} ms before, {busy:.1} ms while two films were encoded ({left}): {times:.2} times, at most {MOST} are wanted\n"
        );
        (words, times <= MOST)
    }
}

/// Pieces of encoding that wait or are worked on, from the server's metrics.
fn open_jobs(metrics: &str) -> Option<f64> {
    let mut found = None;
    for line in metrics.lines().filter(|l| l.starts_with("kinora_media_jobs{")) {
        let value: f64 = line.rsplit(' ').next()?.parse().ok()?;
        if line.contains("queued") || line.contains("running") {
            found = Some(found.unwrap_or(0.0) + value);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Visit;
    use std::time::Duration;

    fn walked(ms: u64) -> Report {
        let mut report = Report::default();
        report.add(vec![Visit { page: "home", took: Duration::from_millis(ms), failure: None }]);
        report
    }

    #[test]
    fn twice_as_slow_is_still_fair() {
        let fair = Fair { idle_ms: 10.0, open: Some(3.0) };
        let (words, good) = fair.verdict(&walked(20));
        assert!(good && words.contains("2.00 times") && words.contains("to the end"), "{words}");
        assert!(!fair.verdict(&walked(21)).1);
        let short = Fair { idle_ms: 10.0, open: Some(0.0) };
        assert!(short.verdict(&walked(10)).0.contains("take a longer film"));
    }

    #[test]
    fn open_pieces_are_those_that_wait_or_are_worked_on() {
        let text = "# HELP x\nkinora_media_jobs{state=\"queued\"} 3\nkinora_media_jobs{state=\"running\"} 2\nkinora_media_jobs{state=\"failed\"} 9\n";
        assert_eq!(open_jobs(text), Some(5.0));
        assert_eq!(open_jobs("up 1\n"), None);
    }
}
