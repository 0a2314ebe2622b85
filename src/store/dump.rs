//! The database as a file and back, by PostgreSQL's own `pg_dump` and `pg_restore`.
//!
//! Only the schema `public` is dumped: the log, the sealed values, and what belongs to them. The tables
//! of projections (schema `views`) are made anew from the log.

use super::StoreError;
use super::address::Address;
use super::pool::{Database, connect};
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio_postgres::config::Host;

/// PostgreSQL's programs and the database they work on.
#[derive(Clone, Debug)]
pub struct Dumper {
    /// Where the programs lie; none: they are looked for on the path.
    pub programs: Option<PathBuf>,
    /// The database.
    pub database: Database,
}

impl Dumper {
    /// A program with the way to the database in its environment: a password is then in no list of
    /// processes.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.as_ref().map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
        let mut command = Command::new(path);
        command.env_remove("PGPASSFILE").env("LC_ALL", "C.UTF-8");
        for (name, value) in environment(&self.database.owner) {
            command.env(name, value);
        }
        command
    }

    /// Writes the dump to `to`.
    ///
    /// # Errors
    /// With the program's own words.
    pub fn dump(&self, to: &Path) -> Result<(), StoreError> {
        let mut command = self.program("pg_dump");
        command.args(["--format=custom", "--schema=public", "--no-owner", "--file"]).arg(to);
        run(command, "pg_dump").map(drop)
    }

    /// What a dump holds, as `pg_restore --list` says: also a check that it is whole.
    ///
    /// # Errors
    /// With the program's own words.
    pub fn contents(&self, dump: &Path) -> Result<String, StoreError> {
        let mut command = self.program("pg_restore");
        command.arg("--list").arg(dump);
        run(command, "pg_restore")
    }

    /// Brings a dump into the database, which must not hold one yet.
    ///
    /// # Errors
    /// With the program's own words, or if the database is not empty.
    pub async fn restore(&self, dump: &Path) -> Result<(), StoreError> {
        let client = connect(&self.database.owner).await?;
        let there: bool =
            client.query_one("select to_regclass('public.events') is not null", &[]).await?.get(0);
        if there {
            return Err(StoreError::Cluster(
                "the database already holds a log: restore into an empty data folder (--data) or database"
                    .into(),
            ));
        }
        // The schema itself and its extensions are there and belong to somebody else.
        let list = self.contents(dump)?;
        let wanted: String = list
            .lines()
            .filter(|l| {
                !l.contains(" SCHEMA - public ")
                    && !l.contains(" - EXTENSION ")
                    && !l.contains("ACL - SCHEMA public")
            })
            .fold(String::new(), |all, line| all + line + "\n");
        let scratch = tempfile::NamedTempFile::new().map_err(|e| StoreError::file("making a list", e))?;
        std::fs::write(scratch.path(), wanted).map_err(|e| StoreError::file("writing a list", e))?;
        client.batch_execute("create schema if not exists views").await?;
        let database = self.database.owner.get_dbname().unwrap_or("kinora").to_owned();
        let mut command = self.program("pg_restore");
        command
            .args([
                "--no-owner",
                "--exit-on-error",
                "--single-transaction",
                "--dbname",
                &database,
                "--use-list",
            ])
            .arg(scratch.path())
            .arg(dump);
        tokio::task::spawn_blocking(move || run(command, "pg_restore"))
            .await
            .map_err(|e| StoreError::Cluster(e.to_string()))??;
        // Projections start anew; whoever held a lease is gone.
        client
            .batch_execute(
                "delete from public.checkpoints where kind = 'projection';
                 delete from public.leases;
                 do $$ begin
                     if exists (select from pg_roles where rolname = 'kinora_app') then
                         grant usage on schema public to kinora_app;
                         grant all on schema views to kinora_app;
                     end if;
                 end $$",
            )
            .await?;
        Ok(())
    }
}

fn environment(config: &Address) -> Vec<(&'static str, String)> {
    let mut all = vec![("PGSSLMODE", config.protection().as_ref().to_owned())];
    if let Some(authority) = config.authority() {
        all.push(("PGSSLROOTCERT", authority.display().to_string()));
    }
    match config.get_hosts().first() {
        Some(Host::Tcp(host)) => all.push(("PGHOST", host.clone())),
        Some(Host::Unix(path)) => all.push(("PGHOST", path.display().to_string())),
        None => {}
    }
    if let Some(number) = config.get_hostaddrs().first() {
        all.push(("PGHOSTADDR", number.to_string()));
    }
    if let Some(port) = config.get_ports().first() {
        all.push(("PGPORT", port.to_string()));
    }
    if let Some(user) = config.get_user() {
        all.push(("PGUSER", user.to_owned()));
    }
    if let Some(name) = config.get_dbname() {
        all.push(("PGDATABASE", name.to_owned()));
    }
    if let Some(password) = config.get_password() {
        all.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned()));
    }
    all
}

fn run(mut command: Command, name: &str) -> Result<String, StoreError> {
    let output = command.output().map_err(|e| StoreError::file(format!("running {name}"), e))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(StoreError::Cluster(format!("{name} failed: {}", words.trim())))
}
