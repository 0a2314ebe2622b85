//! Events a second through Kinora's projector beside what others do, and how long an aggregate takes to
//! load; on one private PostgreSQL with fsync on, in one run.
//!
//! `cargo bench --profile dist -p kinora-benches --bench replay -- [--events 1000000] [--slow 20000]`
//!
//! Figures and goals: `docs/measurements.md`.

#![allow(clippy::print_stdout, reason = "a program for the terminal")]

#[path = "../append/work.rs"]
#[allow(dead_code, reason = "of the other bench")]
mod work;

mod ours;
mod peers;

use clap::Parser;
use kinora::actors::projector::Projector;
use kinora::clock::Clock;
use kinora::metrics::Metrics;
use kinora::store::cluster::Cluster;
use kinora::store::pool::connect;
use kinora::store::repository::EventRepository;
use kinora::store::{Journal, migrate};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};
use tokio_postgres::Client;
use uuid::Uuid;

/// Anything that ends the run.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
struct Args {
    /// Events in the log.
    #[arg(long, default_value_t = 20_000)]
    events: i64,
    /// Events for those who take one at a time.
    #[arg(long, default_value_t = 5_000)]
    slow: i64,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Lengths of the streams that are loaded.
const LENGTHS: [i64; 4] = [10, 100, 1_000, 10_000];

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Trouble> {
    let args = Args::parse();
    let folder = tempfile::Builder::new().prefix("kinora-bench").tempdir()?;
    // PostgreSQL's own user passes through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    let cluster = Cluster::start_or_join(folder.path()).await?;
    let outcome = compare(&args, &cluster).await;
    cluster.leave()?;
    outcome
}

async fn compare(args: &Args, cluster: &Cluster) -> Result<(), Trouble> {
    let superuser_of = |name: &str| {
        let mut config = cluster.database(name).owner;
        config.user("postgres");
        config
    };
    let superuser = connect(&superuser_of("postgres")).await?;
    for name in ["ours", "pges"] {
        cluster.make_database(&superuser, name).await?;
    }
    let version: String = superuser.query_one("show server_version", &[]).await?.get(0);
    println!("PostgreSQL {version}, fsync on, {} processors", std::thread::available_parallelism()?);
    let database = cluster.database("ours");
    migrate::run(&mut connect(&database.owner).await?).await?;
    let begun = Instant::now();
    let total = fill(&connect(&superuser_of("ours")).await?, args.events).await?;
    let pges =
        peers::PostgresEs::fill(cluster.socket_folder(), "pges", args.slow, &work::payload(), &LENGTHS)
            .await?;
    println!(
        "{total} events of {} bytes and 20 or more a stream, made in {:.1} s",
        work::payload().len(),
        begun.elapsed().as_secs_f64()
    );
    let size: i64 = connect(&superuser_of("ours"))
        .await?
        .query_one("select pg_total_relation_size('events')", &[])
        .await?
        .get(0);
    println!("an event takes {} bytes on the disk, its indexes included", size / total);
    println!("\n{:44} {:>10} {:>11} {:>22}", "", "events", "events/s", "memory, MiB: tenth, top");

    let pool = database.pool(4)?;
    let counting = ours::projector(&database, &pool, ours::Counting).await?;
    fold("counting, pages", &counting, total, total).await?;
    let paged = ours::Diaries { name: "diaries", in_pages: true };
    let paged = ours::projector(&database, &pool, paged).await?;
    let batched = fold("upserting, a page a statement", &paged, total, total).await?;
    let rebuilt = rebuild(&paged, total).await?;
    let each = ours::Diaries { name: "diaries", in_pages: false };
    let each = ours::projector(&database, &pool, each).await?;
    fold("upserting, an event a statement, in pages", &each, args.slow, total).await?;
    let mut own = connect(&superuser_of("ours")).await?;
    let durable = args.slow as f64 / peers::one_each(&mut own, args.slow, true).await?.as_secs_f64();
    line("one transaction an event", args.slow, durable, None);
    let loose = args.slow as f64 / peers::one_each(&mut own, args.slow, false).await?.as_secs_f64();
    line("the same, not waiting for the disk", args.slow, loose, None);
    let theirs = args.slow as f64 / pges.replay().await?.as_secs_f64();
    line("QueryReplay, GenericQuery, postgres-es", args.slow, theirs, None);

    println!();
    goal("upserting by pages × one transaction an event", batched / durable, 12.0);
    println!("  (× the one that does not wait for the disk: {:.1})", batched / loose);
    goal("upserting by pages × QueryReplay", batched / theirs, 25.0);
    goal("rebuild × upserting by pages", rebuilt / batched, 8.0);
    load(&database, &pges).await
}

/// The log: `events` on streams of twenty, interleaved, and one stream of each length.
async fn fill(superuser: &Client, events: i64) -> Result<i64, Trouble> {
    let streams = (events / 20).max(1);
    let row = |p: &str, s: &str, v: &str| {
        format!(
            "insert into events (position, stream_id, version, type, command_id, ix, recorded_at, effective_at, payload, metadata, hash)
             select {p}, 'diary-' || {s}, {v}, 'EntryWritten', gen_random_uuid(), 0, now(), now(),
                    replace('{}', '\"number\":1', '\"number\":' || ({v}))::json, '{}', sha256(({p})::text::bytea)",
            work::payload(),
            work::metadata_json()
        )
    };
    let of = format!("lpad(to_hex(p % {streams}), 32, '0')::uuid");
    let sql = row("p + 1", &of, &format!("p / {streams} + 1"));
    superuser.batch_execute(&format!("{sql} from generate_series(0::bigint, {events} - 1) p")).await?;
    let mut total = events;
    for length in LENGTHS {
        let sql = row(&format!("{total} + n"), &format!("'{}'", long(length)), "n");
        superuser.batch_execute(&format!("{sql} from generate_series(1, {length}) n")).await?;
        total += length;
    }
    superuser.batch_execute(&format!("update log_head set position = {total}")).await?;
    superuser.batch_execute("vacuum analyze events").await?;
    Ok(total)
}

/// The stream of that length.
fn long(length: i64) -> Uuid {
    Uuid::from_u128((0xffff << 64) | u128::try_from(length).unwrap_or_default())
}

/// Resident memory of this process in MiB.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or_default() / 256.0
}

fn line(name: &str, events: i64, rate: f64, memory: Option<(f64, f64)>) {
    let memory = memory.map_or(String::new(), |(tenth, top)| format!("{tenth:.1}, {top:.1}"));
    println!("  {name:42} {events:10} {rate:11.0} {memory:>22}");
}

fn goal(name: &str, ratio: f64, at_least: f64) {
    let word = if ratio >= at_least { "met" } else { "MISSED" };
    println!("  goal {at_least:4.0}: {name} {ratio:.1}, {word}");
}

/// Steps of the projector until `many` events are folded; events a second.
async fn fold(name: &str, projector: &Projector, many: i64, total: i64) -> Result<f64, Trouble> {
    let (begun, mut folded, mut tenth, mut top) = (Instant::now(), 0, 0.0, 0.0_f64);
    while folded < many && projector.step().await? {
        folded = *projector.projected.borrow();
        let now = resident();
        top = top.max(now);
        if tenth == 0.0 && folded >= total / 10 {
            tenth = now;
        }
    }
    let rate = folded as f64 / begun.elapsed().as_secs_f64();
    line(name, folded, rate, (many == total).then_some((tenth, top)));
    Ok(rate)
}

/// The same table folded beside the live one and put in its place.
async fn rebuild(projector: &Projector, total: i64) -> Result<f64, Trouble> {
    let (begun, mut tenth, mut top) = (Instant::now(), 0.0, 0.0_f64);
    projector
        .rebuild_live("diaries", |at, head| {
            let now = resident();
            top = top.max(now);
            if tenth == 0.0 && at >= head / 10 {
                tenth = now;
            }
        })
        .await?;
    let rate = total as f64 / begun.elapsed().as_secs_f64();
    line("rebuild: folded in memory, COPY, swap", total, rate, Some((tenth, top)));
    Ok(rate)
}

/// How long an aggregate takes to load, in milliseconds.
async fn load(database: &kinora::store::pool::Database, pges: &peers::PostgresEs) -> Result<(), Trouble> {
    let (pool, metrics) = (database.pool(4)?, Metrics::shared()?);
    let journal = Journal::start(database.clone(), Clock::system(), metrics);
    let repository = EventRepository::<work::Diary>::new(pool, journal);
    println!(
        "\n{:12} {:>12} {:>14} {:>12}   milliseconds to load, median",
        "events", "Kinora", "with snapshot", "postgres-es"
    );
    for length in LENGTHS {
        let id = long(length);
        let mut columns = Vec::new();
        for snapshot in [false, true] {
            if snapshot {
                let loaded = repository.load(id).await?;
                repository.keep(id, &loaded.state, loaded.version).await;
            }
            let mut times = Vec::new();
            for _ in 0..15 {
                let begun = Instant::now();
                let loaded = repository.load(id).await?;
                times.push(begun.elapsed());
                if loaded.version != length || (loaded.kept_at > 0) != snapshot {
                    return Err("the stream is not what was written".into());
                }
            }
            columns.push(median(times));
        }
        let mut times = Vec::new();
        for _ in 0..15 {
            let begun = Instant::now();
            pges.load(length).await?;
            times.push(begun.elapsed());
        }
        println!("{length:12} {:12.2} {:14.2} {:12.2}", columns[0], columns[1], median(times));
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |t| t.as_secs_f64() * 1000.0)
}
