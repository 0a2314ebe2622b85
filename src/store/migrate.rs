//! Schema migrations: forward only, one runner at a time, each file once and never changed.

use super::error::StoreError;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use tokio_postgres::Client;

static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");
/// Any fixed number: the advisory lock that keeps a second runner waiting.
const LOCK: i64 = 0x6b69_6e6f_7261;

/// One file of `migrations/`.
pub struct Migration {
    /// The file's name, such as `0001_event_store.sql`.
    pub name: String,
    sql: &'static str,
    digest: String,
}

/// All migrations in order.
///
/// # Errors
/// If a file is not text.
pub fn all() -> Result<Vec<Migration>, StoreError> {
    let mut found = Vec::new();
    for file in MIGRATIONS.files() {
        let name = file.path().to_string_lossy().into_owned();
        let text = file.contents_utf8();
        let sql = text.ok_or_else(|| StoreError::Migration(format!("{name} is not UTF-8 text")))?;
        found.push(Migration { name, sql, digest: hex::encode(Sha256::digest(sql)) });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The migrations that are still to be applied.
///
/// # Errors
/// If an applied migration was changed afterwards, or the database holds one that this version does
/// not know (then a newer Kinora was here).
pub async fn pending(client: &Client) -> Result<Vec<Migration>, StoreError> {
    client
        .batch_execute(
            "set client_min_messages = warning;
             create table if not exists public.schema_migrations (
                 name text primary key, digest text not null, applied_at timestamptz not null default now())",
        )
        .await?;
    let applied = client.query("select name, digest from public.schema_migrations", &[]).await?;
    let mut known = all()?;
    for row in applied {
        let (name, digest): (String, String) = (row.get(0), row.get(1));
        match known.iter().position(|m| m.name == name) {
            None => {
                return Err(StoreError::Migration(format!(
                    "the database has {name}, which this version does not know: it was used by a newer Kinora. Start that version."
                )));
            }
            Some(i) if known[i].digest != digest => {
                return Err(StoreError::Migration(format!("{name} was changed after it had been applied")));
            }
            Some(i) => {
                known.remove(i);
            }
        }
    }
    Ok(known)
}

/// Applies what is pending, each file in its own transaction; returns the names.
///
/// # Errors
/// As [`pending`], or if a statement fails; what was applied before stays applied.
pub async fn run(client: &mut Client) -> Result<Vec<String>, StoreError> {
    // An index over a long log, or waiting for another process that makes one, takes as long as it takes.
    client.batch_execute("set statement_timeout = 0").await?;
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    let result = run_locked(client).await;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    client.batch_execute("reset statement_timeout").await?;
    result
}

async fn run_locked(client: &mut Client) -> Result<Vec<String>, StoreError> {
    let mut done = Vec::new();
    // Migrations name their schemas by the default path, not by that of the application.
    client.batch_execute("set search_path = public").await?;
    for migration in pending(client).await? {
        let tx = client.transaction().await?;
        tx.batch_execute(migration.sql)
            .await
            .map_err(|e| StoreError::Migration(format!("{}: {}", migration.name, StoreError::from(e))))?;
        tx.execute(
            "insert into schema_migrations (name, digest) values ($1, $2)",
            &[&migration.name, &migration.digest],
        )
        .await?;
        tx.commit().await?;
        done.push(migration.name);
    }
    Ok(done)
}
