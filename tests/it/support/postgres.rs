//! The private cluster of a test run.

use kinora::config::{Config, Mode};
use kinora::startup::Instance;
use kinora::store::cluster::Cluster;
use kinora::store::pool::{Database, connect};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_postgres::error::SqlState;

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Where the run's files lie: in memory if there is enough, because most of what a new database costs is a thousand
/// files on a disk.
fn folder() -> PathBuf {
    const ENOUGH: u64 = 4 << 30;
    let memory = Path::new("/dev/shm");
    match nix::sys::statvfs::statvfs(memory) {
        Ok(left) if left.blocks_available() * left.fragment_size() >= ENOUGH => memory.to_owned(),
        _ => std::env::temp_dir(),
    }
}

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let folder = folder().join(format!("kinora-it-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("folder");
            clean_up_at_the_end(&folder);
            let cluster = Cluster::start_or_join(&folder).await.expect("cluster");
            // What a test kills is a process; a power cut, against which the disk is waited for, cannot be tested here.
            let superuser = superuser(&cluster).await;
            for setting in ["fsync", "full_page_writes", "wal_compression"] {
                superuser.batch_execute(&format!("alter system set {setting} = off")).await.expect("setting");
            }
            superuser.batch_execute("select pg_reload_conf()").await.expect("reload");
            cluster
        })
        .await
}

async fn superuser(cluster: &Cluster) -> tokio_postgres::Client {
    let mut config = cluster.database("postgres").owner;
    config.user("postgres");
    connect(&config).await.expect("superuser")
}

/// What all databases of a run are copies of: one in which an instance was opened once, so that not each test has to
/// apply all migrations and make all tables.
const MODEL: &str = "model";
static MADE: OnceCell<()> = OnceCell::const_new();

async fn make_model(cluster: &Cluster) {
    cluster.make_database(&superuser(cluster).await, MODEL).await.expect("database");
    let data = tempfile::tempdir().expect("data folder");
    let config = Config { mode: Mode::Demo, data: data.path().to_owned(), ..Config::default() };
    kinora::store::known::know::<super::diary::DiaryEvent>();
    let opened = Instance::open_on(config, cluster.database(MODEL), None, true).await;
    opened.expect("instance opens").close().await.expect("close");
}

/// A child that waits for our end (its standard input closes), then stops the server and removes
/// the folder: tests have no last moment of their own.
#[expect(clippy::zombie_processes, reason = "it outlives us on purpose")]
fn clean_up_at_the_end(folder: &Path) {
    let script = format!(
        "cat >/dev/null; pid=$(head -1 '{0}/postgres/postmaster.pid' 2>/dev/null); [ -n \"$pid\" ] && kill -QUIT \"$pid\"; \
         for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 \"$pid\" 2>/dev/null || break; sleep 0.3; done; rm -rf '{0}'",
        folder.display()
    );
    let child = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.expect("sh");
    let mut pipe = child.stdin.take().expect("pipe");
    let _ = pipe.flush();
    // Kept open until this process ends.
    std::mem::forget(pipe);
}

/// A database of its own without events.
pub async fn new_database() -> String {
    let name = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let cluster = cluster().await;
    MADE.get_or_init(|| make_model(cluster)).await;
    let superuser = superuser(cluster).await;
    let make = format!("create database {name} owner kinora_owner template {MODEL}");
    for _ in 0..100 {
        match superuser.batch_execute(&make).await {
            Ok(()) => break,
            // The connections of the instance that made it are about to end.
            Err(e) if e.code() == Some(&SqlState::OBJECT_IN_USE) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(e) => panic!("{e}: {:?}", e.as_db_error()),
        }
    }
    superuser.batch_execute(&format!("grant create on database {name} to kinora_app")).await.expect("grant");
    name
}

/// How to reach it.
pub async fn database(name: &str) -> Database {
    cluster().await.database(name)
}
