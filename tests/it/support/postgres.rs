//! The private cluster of a test run.

use kinora::store::cluster::Cluster;
use kinora::store::pool::{Database, connect};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::OnceCell;

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let folder = std::env::temp_dir().join(format!("kinora-it-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("folder");
            clean_up_at_the_end(&folder);
            Cluster::start_or_join(&folder).await.expect("cluster")
        })
        .await
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

/// An empty database of its own.
pub async fn new_database() -> String {
    let name = format!("t{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let cluster = cluster().await;
    let mut config = cluster.database("postgres").owner;
    config.user("postgres");
    let superuser = connect(&config).await.expect("superuser");
    cluster.make_database(&superuser, &name).await.expect("database");
    name
}

/// How to reach it.
pub async fn database(name: &str) -> Database {
    cluster().await.database(name)
}
