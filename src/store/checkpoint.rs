//! How far readers have come, and who may run.

use super::{Client, StoreError};
use std::collections::BTreeMap;
use tokio_postgres::{GenericClient, Row, Transaction};
use uuid::Uuid;

/// Whether a reader folds events into tables or acts on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Folds into tables.
    Projection,
    /// Gives commands and has effects.
    Workflow,
}

impl Kind {
    /// As it stands in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Projection => "projection",
            Self::Workflow => "workflow",
        }
    }
}

/// One reader's checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Version of the reader's code and tables.
    pub version: i32,
    /// The last event it has digested.
    pub position: i64,
    /// Where the log ended when it was begun anew; 0 for one that began with the log.
    pub anew_until: i64,
}

impl Checkpoint {
    /// Whether it is being made anew: until it has come to where the log ended when that began.
    #[must_use]
    pub const fn is_made_anew(&self) -> bool {
        self.position < self.anew_until
    }
}

/// Where all projections of the names `$1` are that are not being made anew, as SQL. By name, because what another build
/// left behind stands still.
pub const CURRENT: &str =
    "select coalesce(min(position) filter (where position >= anew_until), min(position))
    from public.checkpoints where kind = 'projection' and name = any($1)";

/// All checkpoints of a kind by name.
///
/// # Errors
/// If the database cannot be read.
pub async fn all<C: GenericClient>(
    client: &C,
    kind: Kind,
) -> Result<BTreeMap<String, Checkpoint>, StoreError> {
    let rows = client
        .query(
            "select name, version, position, anew_until from checkpoints where kind = $1",
            &[&kind.as_str()],
        )
        .await?;
    let read = |r: &Row| Checkpoint { version: r.get(1), position: r.get(2), anew_until: r.get(3) };
    Ok(rows.iter().map(|r| (r.get(0), read(r))).collect())
}

/// How far a reader has come; none for one that has no checkpoint.
///
/// # Errors
/// If the database cannot be read.
pub async fn position(client: &Client, name: &str) -> Result<Option<i64>, StoreError> {
    let statement = client.prepare_cached("select position from checkpoints where name = $1").await?;
    Ok(client.query_opt(&statement, &[&name]).await?.map(|row| row.get(0)))
}

/// Lets a projection begin with the first event, whatever was before.
///
/// # Errors
/// If the database cannot be written.
pub async fn begin_anew<C: GenericClient>(client: &C, name: &str, version: i32) -> Result<(), StoreError> {
    client
        .execute(
            "insert into checkpoints (name, kind, version, position, anew_until)
             select $1, 'projection', $2, 0, position from log_head where log_id = 1
             on conflict (name) do update
             set kind = excluded.kind, version = $2, position = 0, anew_until = excluded.anew_until, updated_at = now()",
            &[&name, &version],
        )
        .await?;
    Ok(())
}

/// Moves the checkpoints of `names` from `from` to `to` if all of them still stand at `from`.
/// `false` means that somebody else was faster: give the transaction up.
///
/// # Errors
/// If the database cannot be written.
pub async fn advance(tx: &Transaction<'_>, names: &[&str], from: i64, to: i64) -> Result<bool, StoreError> {
    let moved = tx
        .execute(
            "update checkpoints set position = $3, updated_at = now() where name = any($1) and position = $2",
            &[&names, &from, &to],
        )
        .await?;
    Ok(usize::try_from(moved).ok() == Some(names.len()))
}

/// Moves one checkpoint from `from` to `to`, for a reader whose effects do not lie in a transaction with it: one
/// statement, because every reader moves with every event. `false` if it does not stand at `from`.
///
/// # Errors
/// If the database cannot be written.
pub async fn step(client: &Client, name: &str, from: i64, to: i64) -> Result<bool, StoreError> {
    let sql = "update checkpoints set position = $3, updated_at = now() where name = $1 and position = $2";
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, &[&name, &from, &to]).await? == 1)
}

/// Takes or renews a lease for `seconds`; `false` while another owner holds it.
///
/// # Errors
/// If the database cannot be written.
pub async fn lease<C: GenericClient>(
    client: &C,
    name: &str,
    owner: Uuid,
    seconds: f64,
) -> Result<bool, StoreError> {
    let taken = client
        .execute(
            "insert into leases (name, owner, lease_until) values ($1, $2, now() + make_interval(secs => $3))
             on conflict (name) do update set owner = $2, lease_until = excluded.lease_until
             where leases.owner = $2 or leases.lease_until < now()",
            &[&name, &owner, &seconds],
        )
        .await?;
    Ok(taken == 1)
}

/// Gives all leases of an owner back, at a clean end.
///
/// # Errors
/// If the database cannot be written.
pub async fn release(client: &Client, owner: Uuid) -> Result<(), StoreError> {
    client.execute("delete from leases where owner = $1", &[&owner]).await?;
    Ok(())
}

/// Notes that a reader stands in front of an event it does not know; `true` if that is news.
///
/// # Errors
/// If the database cannot be written.
pub async fn stop<C: GenericClient>(
    client: &C,
    name: &str,
    position: i64,
    reason: &str,
) -> Result<bool, StoreError> {
    let told = client
        .execute(
            "insert into stopped_readers (name, position, reason) values ($1, $2, $3)
             on conflict (name) do update set position = $2, reason = $3, since = now()
             where stopped_readers.position <> $2 or stopped_readers.reason <> $3",
            &[&name, &position, &reason],
        )
        .await?;
    Ok(told == 1)
}

/// Forgets where readers of a kind stopped: they have begun anew, and say so again if they must.
///
/// # Errors
/// If the database cannot be written.
pub async fn go_on<C: GenericClient>(client: &C, names: &[&str]) -> Result<(), StoreError> {
    client.execute("delete from stopped_readers where name = any($1)", &[&names]).await?;
    Ok(())
}

/// Notes an event that a reader could not digest.
///
/// # Errors
/// If the database cannot be written.
pub async fn park<C: GenericClient>(
    client: &C,
    name: &str,
    position: i64,
    stream_id: &str,
    error: &str,
    attempts: i32,
) -> Result<(), StoreError> {
    client
        .execute(
            "insert into dead_letters (name, position, stream_id, error, attempts) values ($1, $2, $3, $4, $5)
             on conflict (name, position) do update set error = $4, attempts = dead_letters.attempts + $5, parked_at = now()",
            &[&name, &position, &stream_id, &error, &attempts],
        )
        .await?;
    Ok(())
}
