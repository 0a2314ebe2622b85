//! A bounded crowd on loopback: visitors who look around, members who sign in and watch, staff at
//! their desks. Prints requests a second, durations and errors for every kind of page.
//!
//! It refuses any address that is not this machine, and it stops by itself.

mod client;
mod fair;
mod report;
mod scenario;
mod soak;

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::task::JoinSet;
use url::Url;

use crate::report::Report;
use crate::scenario::{Logins, Part, walk};
use crate::soak::Sample;

/// Sends a bounded crowd to a Kinora on this machine.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Address of the site; only loopback is accepted.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Url,
    /// The file with the demo people's passwords.
    #[arg(long, default_value = "data/demo-logins.json")]
    logins: PathBuf,
    /// How long the crowd walks, in seconds (1 to 600).
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// People who are not signed in (up to 500).
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(0..=500))]
    visitors: u64,
    /// People who sign in and watch (up to 500).
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u64).range(0..=500))]
    members: u64,
    /// People at the billing and operator desks (up to 100).
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(0..=100))]
    staff: u64,
    /// Pause between two pages of one person, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pause_ms: u64,
    /// Walk for so many minutes instead (1 to 240), and look at the server's memory, open files and lag
    /// meanwhile.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=240))]
    soak: Option<u64>,
    /// Walk twice for `--seconds`: first as it is, then while two works of this film are encoded, and compare.
    #[arg(long, value_name = "FILM", conflicts_with = "soak")]
    fair: Option<PathBuf>,
    /// Pages a second of the whole crowd, about; instead of the pause.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=5000))]
    rate: Option<u64>,
    /// Where the server's metrics are, for the soak.
    #[arg(long, default_value = "http://127.0.0.1:9187")]
    metrics: Url,
    /// Seconds between two looks of the soak.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    every: u64,
    /// Print one JSON object instead of the table.
    #[arg(long)]
    json: bool,
}

fn address(url: &Url) -> Result<SocketAddr, String> {
    if url.scheme() != "http" {
        return Err("the address must begin with http://".into());
    }
    let host = url.host_str().ok_or("the address has no host")?.trim_matches(['[', ']']);
    let port = url.port_or_known_default().ok_or("the address has no port")?;
    (host, port)
        .to_socket_addrs()
        .map_err(|e| format!("{host}: {e}"))?
        .find(|address| address.ip().is_loopback())
        .ok_or_else(|| format!("{host} is not this machine; the crowd only ever visits loopback"))
}

fn main() -> std::process::ExitCode {
    let options = Options::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| e.to_string())
        .and_then(|runtime| runtime.block_on(run(&options)));
    match outcome {
        Ok((report, found)) => {
            print!("{}", if options.json { report.json() } else { report.table() });
            let (words, good) = match found {
                Found::Walked => (String::new(), true),
                Found::Soaked(samples) => soak::verdict(&samples),
                Found::Compared(fair) => fair.verdict(&report),
            };
            print!("{words}");
            if report.errors() == 0 && good { 0.into() } else { 1.into() }
        }
        Err(reason) => {
            eprintln!("{reason}");
            2.into()
        }
    }
}

/// What was found beside the report of the (last) walk.
enum Found {
    Walked,
    Soaked(Vec<Sample>),
    Compared(fair::Fair),
}

async fn run(options: &Options) -> Result<(Report, Found), String> {
    let (metrics, address) = (address(&options.metrics)?, address(&options.url)?);
    let logins = Arc::new(Logins::read(&options.logins).map_err(|e| {
        format!(
            "{}: {e}; start Kinora with --demo, or name its demo-logins.json with --logins",
            options.logins.display()
        )
    })?);
    let started = Instant::now();
    if let Some(film) = &options.fair {
        let idle = crowd(options, address, &logins, started + Duration::from_secs(options.seconds)).await?;
        let mut fair = fair::Fair::begin(idle, film, address, &logins).await?;
        let until = Instant::now() + Duration::from_secs(options.seconds);
        let busy = crowd(options, address, &logins, until).await?;
        fair.end(metrics).await;
        return Ok((busy, Found::Compared(fair)));
    }
    let until = started + Duration::from_secs(options.soak.map_or(options.seconds, |minutes| minutes * 60));
    let watched =
        options.soak.map(|_| tokio::spawn(soak::watch(metrics, Duration::from_secs(options.every), until)));
    let report = crowd(options, address, &logins, until).await?;
    match watched {
        Some(task) => {
            let samples = task.await.map_err(|e| format!("the look at the server broke down: {e}"))?;
            Ok((report, Found::Soaked(samples)))
        }
        None => Ok((report, Found::Walked)),
    }
}

/// Lets the crowd walk until a time.
async fn crowd(
    options: &Options,
    address: SocketAddr,
    logins: &Arc<Logins>,
    until: Instant,
) -> Result<Report, String> {
    let started = Instant::now();
    let people = options.visitors + options.members + options.staff;
    let pause = match options.rate {
        Some(rate) => Duration::from_millis(people * 1000 / rate),
        None => Duration::from_millis(options.pause_ms),
    };
    let mut crowd = JoinSet::new();
    let parts =
        [(Part::Visitor, options.visitors), (Part::Member, options.members), (Part::Staff, options.staff)];
    for (part, count) in parts {
        for number in 0..count {
            let logins = Arc::clone(logins);
            crowd.spawn(async move { walk(part, number, address, &logins, until, pause).await });
        }
    }
    let mut report = Report::default();
    while let Some(person) = crowd.join_next().await {
        match person {
            Ok(seen) => report.add(seen),
            Err(e) => return Err(format!("one of the crowd broke down: {e}")),
        }
    }
    report.took = started.elapsed();
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_visited() {
        let ask = |text: &str| address(&Url::parse(text).expect("an address"));
        assert!(ask("http://127.0.0.1:8080").is_ok());
        assert!(ask("http://[::1]:8080").is_ok());
        assert!(ask("http://192.0.2.7").is_err_and(|e| e.contains("loopback")));
        assert!(ask("https://127.0.0.1").is_err());
    }
}
