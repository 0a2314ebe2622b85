//! Kills the writing process, a backend in the middle of a commit, or the whole server, again and
//! again under load: what was acknowledged stands in the log once and in order, and a projection that was
//! folded meanwhile equals one that is folded anew.
//!
//! `KINORA_CRASH_ROUNDS=300 KINORA_CRASH_SEED=1 cargo test --test it -- crash:: --nocapture` for a
//! long run; the figures of one are in `docs/measurements.md`.

use crate::support::diary::{Diary, DiaryEvent, write_as};
use async_trait::async_trait;
use kinora::actors::projector::Projector;
use kinora::actors::{Bus, Room};
use kinora::clock::Clock;
use kinora::metrics::Metrics;
use kinora::projections::{Projection, ProjectionError};
use kinora::store::address::Address;
use kinora::store::cluster::Cluster;
use kinora::store::keys::KeyStore;
use kinora::store::masters::Masters;
use kinora::store::pool::{Database, connect};
use kinora::store::{Audit, Journal, RecordedEvent, Transaction, Vault, known, migrate};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use uuid::Uuid;

const WRITERS: usize = 24;
/// Writers that share one diary.
const CROWD: usize = 8;

/// Which diary a writer writes to.
fn diary(seed: u64, writer: usize) -> Uuid {
    let name = if writer < CROWD { "shared".to_owned() } else { writer.to_string() };
    Uuid::new_v5(&Uuid::from_u128(seed.into()), name.as_bytes())
}

/// The id of a writer's command: the same after a crash.
fn command(seed: u64, writer: usize, n: u64) -> Uuid {
    Uuid::new_v5(&Uuid::from_u128(seed.into()), format!("{writer} {n}").as_bytes())
}

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

/// The process that is killed: not a test by itself. It tells every acknowledgement on its standard
/// output, and begins where the one before it had its last.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the child of the test below"]
async fn child_that_writes() {
    let (Some(socket), Some(seed)) = (variable::<PathBuf>("CRASH_SOCKET"), variable("CRASH_SEED")) else {
        return;
    };
    let next: Vec<u64> = variable::<String>("CRASH_NEXT")
        .unwrap_or_default()
        .split(',')
        .map(|n| n.parse().expect("a number"))
        .collect();
    let database = Database::on_socket(&socket, "crash");
    let metrics = Metrics::shared().expect("metrics");
    let journal = Journal::start(database.clone(), Clock::system(), metrics.clone());
    let keys = tempfile::tempdir().expect("folder");
    let vault = Vault::new(KeyStore::open(keys.path(), Masters::fixed([7; 32].into())).expect("key store"));
    let folding = tokio::spawn(fold(projector(&database, journal.clone(), metrics.clone())));
    let bus = Bus::new(database.pool_by_key(4).expect("pool"), journal, vault, metrics, Room::of(1024));
    let tasks: Vec<_> = next
        .into_iter()
        .enumerate()
        .map(|(writer, first)| {
            let bus = bus.clone();
            tokio::spawn(async move {
                let stream = diary(seed, writer);
                let mut n = first;
                loop {
                    // Whatever goes wrong, the same command is given again.
                    match bus.dispatch::<Diary>(write_as(command(seed, writer, n), stream)).await {
                        Ok(r) => {
                            println!("ack {writer} {n} {} {}", r.position, r.version);
                            n += 1;
                        }
                        Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                }
            })
        })
        .collect();
    futures_util::future::join_all(tasks).await;
    folding.abort();
}

/// A row for each diary that no event may meet twice, in another order, or not at all.
struct Seals;

#[async_trait]
impl Projection for Seals {
    fn name(&self) -> &'static str {
        "seals"
    }
    fn version(&self) -> i32 {
        1
    }
    fn tables(&self) -> &'static [&'static str] {
        &["seals"]
    }
    fn ddl(&self) -> &'static str {
        "create table if not exists seals (stream text primary key, entries bigint not null, seal text not null)"
    }
    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let (mark, stream) = (format!("{} {}", event.position, event.command_id), &event.stream_id);
        tx.execute(
            "insert into seals (stream, entries, seal) values ($1, 1, md5($2))
             on conflict (stream) do update set entries = seals.entries + 1, seal = md5(seals.seal || $2)",
            &[stream, &mark],
        )
        .await?;
        Ok(())
    }
}

fn projector(database: &Database, journal: Journal, metrics: Arc<Metrics>) -> Projector {
    known::know::<DiaryEvent>();
    Projector {
        projections: Arc::new(vec![Arc::new(Seals)]),
        pool: database.pool(2).expect("pool"),
        journal,
        metrics,
        process: Uuid::now_v7(),
        projected: Arc::new(watch::Sender::new(0)),
    }
}

/// Folds what comes, whatever happens to the connection.
async fn fold(projector: Projector) {
    let pause = || tokio::time::sleep(Duration::from_millis(5));
    while projector.prepare().await.is_err() {
        pause().await;
    }
    loop {
        if !matches!(projector.step().await, Ok(true)) {
            pause().await;
        }
    }
}

/// What the children said: writer, number → position, version.
type Acknowledged = HashMap<(usize, u64), (i64, i64)>;

struct Load {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Load {
    fn start(socket: &Path, seed: u64, next: &[u64]) -> Self {
        let next: Vec<String> = next.iter().map(u64::to_string).collect();
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["crash::child_that_writes", "--exact", "--ignored", "--nocapture"])
            .env("CRASH_SOCKET", socket)
            .env("CRASH_SEED", seed.to_string())
            .env("CRASH_NEXT", next.join(","))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("child");
        let out = child.stdout.take().expect("piped");
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Self { child, lines }
    }

    /// Takes down what was acknowledged for `length`, or until the child's end.
    fn listen(&self, length: Duration, all: &mut Acknowledged, next: &mut [u64]) -> usize {
        let (until, mut heard) = (Instant::now() + length, 0);
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            // The harness writes its own words before ours.
            let Some(start) = line.find("ack ") else { continue };
            let figures: Vec<i64> = line[start + 4..].split(' ').filter_map(|f| f.parse().ok()).collect();
            // A line that was cut by the kill is no acknowledgement.
            let [writer, n, position, version] = figures[..] else { continue };
            let (writer, n) = (usize::try_from(writer).expect("small"), u64::try_from(n).expect("small"));
            all.insert((writer, n), (position, version));
            next[writer] = next[writer].max(n + 1);
            heard += 1;
        }
        heard
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills a backend of the application as a fault of memory would: the server throws its shared memory
/// away, and with it what was not flushed.
async fn kill_backend(superuser: &Address, random: &mut StdRng) {
    let Ok(client) = connect(superuser).await else { return };
    let sql =
        "select pid from pg_stat_activity where usename = 'kinora_app' and datname = 'crash' order by pid";
    let Ok(rows) = client.query(sql, &[]).await else { return };
    if !rows.is_empty() {
        let pid: i32 = rows[random.random_range(0..rows.len())].get(0);
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

fn kill_server(folder: &Path) {
    let file = std::fs::read_to_string(folder.join("postgres/postmaster.pid")).unwrap_or_default();
    if let Some(pid) = file.lines().next().and_then(|l| l.parse().ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_every_kill() {
    let rounds: u32 = variable("KINORA_CRASH_ROUNDS").unwrap_or(6);
    let seed: u64 = variable("KINORA_CRASH_SEED").unwrap_or(7);
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("open");
    let cluster = Cluster::start_or_join(folder.path()).await.expect("cluster");
    let mut superuser = cluster.database("postgres").owner;
    superuser.user("postgres");
    cluster.make_database(&connect(&superuser).await.expect("superuser"), "crash").await.expect("database");
    let database = cluster.database("crash");
    migrate::run(&mut connect(&database.owner).await.expect("owner")).await.expect("migrated");

    let (mut all, mut next) = (Acknowledged::new(), vec![0_u64; WRITERS]);
    let (mut longest, mut kills) = (Duration::ZERO, [0_u32; 4]);
    let mut load = Load::start(cluster.socket_folder(), seed, &next);
    for round in 0..rounds {
        load.listen(Duration::from_millis(random.random_range(150..600)), &mut all, &mut next);
        let what = if rounds < 8 { round % 4 } else { random.random_range(0..4) };
        kills[what as usize] += 1;
        if what != 1 && what != 2 {
            load.child.kill().expect("killed");
            load.listen(Duration::from_secs(5), &mut all, &mut next);
        }
        if what == 1 {
            kill_backend(&superuser, &mut random).await;
        }
        if what >= 2 {
            kill_server(folder.path());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let since = Instant::now();
        while let Err(error) = connect(&superuser).await {
            let revived = cluster.revive();
            tokio::time::sleep(Duration::from_millis(20)).await;
            let log = std::fs::read_to_string(folder.path().join("postgres/server.log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(8).collect();
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "round {round} ({what}): the server did not come back: {error}; {revived:?}; {tail:#?}"
            );
        }
        let back = since.elapsed();
        if what != 1 && what != 2 {
            load = Load::start(cluster.socket_folder(), seed, &next);
        }
        while load.listen(Duration::from_millis(20), &mut all, &mut next) == 0 {
            assert!(since.elapsed() < Duration::from_secs(30), "round {round} ({what}): no more answers");
        }
        longest = longest.max(since.elapsed());
        println!(
            "round {round}: {} until the next answer after {:.2} s (server {:.2} s)",
            ["process", "backend", "server", "process and server"][what as usize],
            since.elapsed().as_secs_f64(),
            back.as_secs_f64()
        );
    }
    load.listen(Duration::from_millis(300), &mut all, &mut next);
    drop(load);

    // The server may still be getting over the last kill.
    let since = Instant::now();
    let client = loop {
        match connect(&superuser_of(&cluster)).await {
            Ok(client) => break client,
            Err(error) => assert!(since.elapsed() < Duration::from_secs(30), "superuser: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let rows = client
        .query(
            "select command_id, position, stream_id, version, (payload->>'number')::bigint from events order by position",
            &[],
        )
        .await
        .expect("read");
    let mut found: HashMap<Uuid, (i64, String, i64)> = HashMap::new();
    let mut versions: HashMap<String, i64> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        let (id, position, stream, version): (Uuid, i64, String, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        assert_eq!(position, i64::try_from(i).expect("small") + 1, "no holes");
        let last = versions.entry(stream.clone()).or_insert(0);
        assert_eq!(version, *last + 1, "{stream}");
        assert_eq!(row.get::<_, i64>(4), version, "decided on what stands before it");
        *last = version;
        assert!(found.insert(id, (position, stream, version)).is_none(), "{id} stands there twice");
    }
    for ((writer, n), (position, version)) in &all {
        let stands = found.get(&command(seed, *writer, *n));
        let expected = (*position, format!("diary-{}", diary(seed, *writer)), *version);
        assert_eq!(stands, Some(&expected), "writer {writer}, command {n}");
    }
    let metrics = Metrics::shared().expect("metrics");
    let journal = Journal::start(database.clone(), Clock::system(), metrics.clone());
    let projector = projector(&database, journal, metrics);
    projector.prepare().await.expect("prepared");
    while projector.step().await.expect("folded") {}
    let compared = projector.verify().await.expect("compared");
    assert!(compared.ok && compared.events == i64::try_from(rows.len()).expect("small"), "{compared:?}");
    let audit = Audit::new(database.pool(2).expect("pool"), &[1; 32], &folder.path().join("audit"));
    let verified = audit.verify(false, &[], |_, _| {}).await.expect("verify");
    assert!(verified.ok, "{verified:?}");
    println!(
        "seed {seed}: {rounds} kills (process {}, backend {}, server {}, process and server {}), {} acknowledged, {} in the log, 0 lost, 0 twice; longest until the next answer {:.1} s",
        kills[0],
        kills[1],
        kills[2],
        kills[3],
        all.len(),
        rows.len(),
        longest.as_secs_f64()
    );
    cluster.leave().expect("stopped");
}

fn superuser_of(cluster: &Cluster) -> Address {
    let mut config = cluster.database("crash").owner;
    config.user("postgres");
    config
}
