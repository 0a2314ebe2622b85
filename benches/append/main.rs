//! Appends a second of Kinora's journal beside what others do, on one private PostgreSQL with fsync
//! on, interleaved in one run.
//!
//! `cargo bench --profile dist -p kinora-benches --bench append -- [--writers 1,16,256,1024] [--rounds 3] [--seconds 3]`
//!
//! Printed for each number of writers: the median round of each contender, its ratio to
//! `postgres-es`, and whether the goals in `docs/measurements.md` are met.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod contender;
mod ours;
mod over_http;
mod peers;
mod pgbench;
mod work;

use clap::Parser;
use contender::{Contender, Sample, Trouble, median, run};
use kinora::store::cluster::Cluster;
use kinora::store::pool::connect;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

#[derive(Parser)]
struct Args {
    /// Concurrent writers, each on streams of its own.
    #[arg(long, value_delimiter = ',', default_value = "1,16,256,1024")]
    writers: Vec<usize>,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of one run.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Only contenders whose names contain this.
    #[arg(long, default_value = "")]
    only: String,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Trouble> {
    let args = Args::parse();
    let folder = tempfile::Builder::new().prefix("kinora-bench").tempdir()?;
    // PostgreSQL's own user passes through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let cluster = Cluster::start_or_join(folder.path()).await?;
    let outcome = compare(&args, &cluster, folder.path()).await;
    cluster.leave()?;
    outcome
}

async fn compare(args: &Args, cluster: &Cluster, folder: &std::path::Path) -> Result<(), Trouble> {
    let superuser_of = |name: &str| {
        let mut config = cluster.database(name).owner;
        config.user("postgres");
        config
    };
    let superuser = connect(&superuser_of("postgres")).await?;
    for name in ["ours", "pges", "unsafe_order", "safe_order", "pgbench"] {
        cluster.make_database(&superuser, name).await?;
    }
    let version: String = superuser.query_one("show server_version", &[]).await?.get(0);
    println!("PostgreSQL {version}, fsync on, {} processors", std::thread::available_parallelism()?);
    let ours = Arc::new(ours::Ours::open(cluster.database("ours"), &folder.join("keys")).await?);
    let theirs = Arc::new(peers::PostgresEs::open(cluster.socket_folder(), "pges").await?);
    let contenders: Vec<Arc<dyn Contender>> = vec![
        Arc::new(ours::Bare(Arc::clone(&ours))),
        Arc::new(ours::WholePath(Arc::clone(&ours))),
        Arc::clone(&theirs) as Arc<dyn Contender>,
        Arc::new(over_http::OverHttp::ours(Arc::clone(&ours)).await?),
        Arc::new(over_http::OverHttp::theirs(theirs).await?),
        Arc::new(peers::OneEach::unsafe_order(&superuser_of("unsafe_order")).await?),
        Arc::new(peers::OneEach::safe_order(&superuser_of("safe_order")).await?),
        Arc::new(ours::HotAggregate::new(Arc::clone(&ours))),
        Arc::new(ours::OneAtATime::new(Arc::clone(&ours))),
    ];
    let length = Duration::from_secs_f64(args.seconds);
    let bench = pgbench::Pgbench::prepare(cluster, &superuser_of("pgbench"), folder).await?;
    // The files of the write-ahead log are made once and used again from then on, as on any server that has been
    // at work for a while.
    for contender in contenders.iter().filter(|c| c.name().contains(&args.only)) {
        run(contender, 64, Duration::from_secs(1)).await?;
    }
    for &writers in &args.writers {
        let mut rounds: BTreeMap<usize, Vec<Sample>> = BTreeMap::new();
        for _ in 0..args.rounds {
            for (i, contender) in contenders.iter().enumerate() {
                // A hot aggregate takes no more callers than may wait for one.
                let fits = !contender.name().contains("one aggregate") || (2..=256).contains(&writers);
                if fits && contender.name().contains(&args.only) {
                    // Nobody pays for the checkpoint of what another wrote.
                    superuser.batch_execute("checkpoint").await?;
                    rounds.entry(i).or_default().push(run(contender, writers, length).await?);
                }
            }
            if "pgbench".contains(&args.only) {
                superuser.batch_execute("checkpoint").await?;
                rounds.entry(contenders.len()).or_default().push(bench.run(writers, length).await?);
            }
        }
        let results: Vec<(&str, Sample)> = rounds
            .into_iter()
            .map(|(i, s)| (contenders.get(i).map_or("pgbench -M prepared", |c| c.name()), median(s)))
            .collect();
        report(writers, &results);
    }
    Ok(())
}

fn report(writers: usize, results: &[(&str, Sample)]) {
    let of = |name: &str| results.iter().find(|(n, _)| *n == name).map(|(_, s)| *s);
    let base = of("postgres-es execute").unwrap_or_default();
    println!("\n{writers} writers");
    println!(
        "  {:36} {:>10} {:>9} {:>9} {:>13} {:>14}",
        "", "appends/s", "p50 ms", "p99 ms", "events/commit", "x postgres-es"
    );
    for (name, s) in results {
        let ratio = if base.rate > 0.0 { s.rate / base.rate } else { 0.0 };
        println!(
            "  {name:36} {:10.0} {:9.2} {:9.2} {:13.1} {ratio:14.2}",
            s.rate, s.p50, s.p99, s.per_commit
        );
    }
    for (a, b, goal, at) in GOALS {
        if at.contains(&writers)
            && let (Some(a_is), Some(b_is)) = (of(a), of(b))
        {
            let ratio = a_is.rate / b_is.rate;
            let word = if ratio >= *goal { "met" } else { "MISSED" };
            println!("  goal {goal:5.2} × {b}: {a} {ratio:.2}, {word}");
        }
    }
    if writers == 256
        && let Some(journal) = of("kinora journal")
        && base.p99 > 0.0
    {
        let share = journal.p99 / base.p99;
        println!(
            "  goal p99 ≤ 15 % of postgres-es: {:.1} %, {}",
            share * 100.0,
            if share <= 0.15 { "met" } else { "MISSED" }
        );
    }
}

/// (ours, theirs, how many times at least, at which numbers of writers)
type Goal = (&'static str, &'static str, f64, &'static [usize]);
const GOALS: &[Goal] = &[
    ("kinora journal", "postgres-es execute", 12.0, &[256, 1024]),
    ("kinora journal", "one transaction each, unsafe order", 2.5, &[256, 1024]),
    ("kinora journal", "one transaction each, safe order", 10.0, &[256, 1024]),
    ("kinora journal", "one transaction each, unsafe order", 0.9, &[16]),
    ("kinora journal", "one transaction each, safe order", 1.0, &[1]),
    ("kinora journal", "one transaction each, unsafe order", 0.75, &[1]),
    ("kinora bus, one aggregate", "one aggregate, one at a time", 10.0, &[256]),
    ("kinora bus", "kinora journal", 0.7, &[256]),
    ("kinora bus over HTTP", "postgres-es over HTTP", 1.0, &[1]),
    ("kinora bus over HTTP", "postgres-es over HTTP", 6.0, &[256]),
];
