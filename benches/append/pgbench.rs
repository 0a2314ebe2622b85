//! `pgbench -M prepared` with rows of the same form and size.

use crate::contender::{Sample, Trouble};
use crate::work;
use kinora::store::address::Address;
use kinora::store::cluster::Cluster;
use kinora::store::pool::connect;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// A script and where to run it.
pub struct Pgbench {
    program: PathBuf,
    socket: PathBuf,
    script: PathBuf,
}

impl Pgbench {
    /// Makes the table and writes the script.
    pub async fn prepare(cluster: &Cluster, config: &Address, folder: &Path) -> Result<Self, Trouble> {
        let table = "create table events (position bigserial primary key, stream_id text not null, version bigint not null,
            type text not null, command_id uuid not null, recorded_at timestamptz not null default now(),
            payload json not null, metadata json not null, unique (stream_id, version))";
        connect(config).await?.batch_execute(table).await?;
        let script = folder.join("insert.sql");
        let sql = format!(
            "insert into events (stream_id, version, type, command_id, payload, metadata) values \
             ('diary-' || gen_random_uuid(), 1, '{}', gen_random_uuid(), '{}', '{}');\n",
            work::kind(),
            work::payload(),
            work::metadata_json()
        );
        std::fs::write(&script, sql)?;
        Ok(Self {
            program: cluster.programs().join("pgbench"),
            socket: cluster.socket_folder().to_owned(),
            script,
        })
    }

    /// At most 32 clients: more only wait for each other, and for a connection.
    pub async fn run(&self, writers: usize, length: Duration) -> Result<Sample, Trouble> {
        let clients = writers.min(32);
        let out = Command::new(&self.program)
            .args(["-n", "-M", "prepared", "-U", "postgres", "-j", "2"])
            .args(["-T", &length.as_secs().max(1).to_string(), "-c", &clients.to_string()])
            .arg("-f")
            .arg(&self.script)
            .arg("-h")
            .arg(&self.socket)
            .arg("pgbench")
            .output()
            .await?;
        let text = String::from_utf8_lossy(&out.stdout);
        let figure = |before: &str| {
            text.lines()
                .find_map(|l| l.strip_prefix(before))
                .and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok())
                .unwrap_or(f64::NAN)
        };
        Ok(Sample {
            rate: figure("tps = "),
            p50: figure("latency average = "),
            p99: f64::NAN,
            per_commit: 1.0,
        })
    }
}
