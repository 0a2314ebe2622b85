//! Copies of everything about a person, for that person: asked for on a page, made in the background, and gone
//! after some days.

mod gather;
mod pack;

use super::mailer;
use super::services::Services;
use super::supervisor::{Desk, LoopError};
use crate::domain::shared::derive_id;
use crate::emails::MailKind;
use crate::store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

const EVERY: Duration = Duration::from_secs(15);
/// Attempts after which making a copy is given up.
const ATTEMPTS: i32 = 3;

/// A copy that was asked for.
#[derive(Clone, Debug)]
pub struct Export {
    /// Its id.
    pub id: Uuid,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// `waiting`, `ready` or `failed`.
    pub state: String,
    /// Until when it can be fetched.
    pub expires_at: Option<DateTime<Utc>>,
    /// Its size.
    pub bytes: u64,
}

/// Why a copy could not be asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// One is being made, or was made a short while ago.
    #[error("A copy is being made, or was made within the last day. Fetch that one.")]
    TooSoon,
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a copy could not be made.
#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("writing the file: {0}")]
    File(#[from] std::io::Error),
    #[error("packing: {0}")]
    Pack(#[from] zip::result::ZipError),
    #[error("{0}")]
    Other(String),
}

/// The folder of a person's copies; it goes with the person.
#[must_use]
pub fn folder(cx: &Services, account: Uuid) -> PathBuf {
    cx.config.in_data("exports").join(account.to_string())
}

/// The file of a copy.
#[must_use]
pub fn file(cx: &Services, account: Uuid, export: Uuid) -> PathBuf {
    folder(cx, account).join(format!("{export}.zip"))
}

/// Asks for a copy. The same id twice is one.
///
/// # Errors
/// [`AskError::TooSoon`] while one is made, and for a day after.
pub async fn ask(cx: &Services, id: Uuid, account: Uuid) -> Result<(), AskError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let now = cx.clock.now();
    let sql = "insert into public.data_exports (id, account, asked_at)
        select $1, $2, $3 where not exists (
            select from public.data_exports where account = $2 and id <> $1
                and (state = 'waiting' or (state = 'ready' and asked_at > $4)))
        on conflict do nothing";
    let day_ago = now - TimeDelta::days(1);
    let asked = client.execute(sql, &[&id, &account, &now, &day_ago]).await.map_err(StoreError::from)?;
    let known = "select exists (select from public.data_exports where id = $1 and account = $2)";
    let known: bool = client.query_one(known, &[&id, &account]).await.map_err(StoreError::from)?.get(0);
    if asked == 0 && !known { Err(AskError::TooSoon) } else { Ok(()) }
}

/// The copy that was asked for last.
///
/// # Errors
/// If the database cannot be read.
pub async fn newest(cx: &Services, account: Uuid) -> Result<Option<Export>, StoreError> {
    let sql = "select id, asked_at, state, expires_at, bytes from public.data_exports
        where account = $1 order by asked_at desc limit 1";
    let row = cx.pool.get().await?.query_opt(sql, &[&account]).await?;
    Ok(row.map(|row| Export {
        id: row.get(0),
        asked_at: row.get(1),
        state: row.get(2),
        expires_at: row.get(3),
        bytes: row.get::<_, Option<i64>>(4).and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
    }))
}

/// The working loop: makes what was asked for, removes what has expired.
///
/// # Errors
/// None of its own: what fails is tried again.
pub async fn run(cx: Services, desk: Desk) -> Result<(), LoopError> {
    while !desk.stopping() {
        match step(&cx).await {
            Ok(true) => desk.succeeded(),
            Ok(false) => {
                desk.succeeded();
                desk.pause(EVERY).await;
            }
            Err(error) => {
                desk.failed(&error.to_string());
                desk.pause(EVERY).await;
            }
        }
    }
    Ok(())
}

/// Makes the next copy; `false` if none waits.
///
/// # Errors
/// If the database cannot be used.
pub async fn step(cx: &Services) -> Result<bool, StoreError> {
    expire(cx).await?;
    let Some((id, account, attempts)) = take(cx).await? else { return Ok(false) };
    match make(cx, id, account).await {
        Ok(bytes) => {
            let now = cx.clock.now();
            let expires = now + TimeDelta::days(i64::from(cx.config.accounts.export_days));
            let sql = "update public.data_exports set state = 'ready', taken_until = null, ready_at = $2,
                expires_at = $3, bytes = $4 where id = $1";
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            let told = cx.pool.get().await?.execute(sql, &[&id, &now, &expires, &bytes]).await?;
            if told > 0 {
                let mail = derive_id(&id.to_string(), "ready");
                mailer::enqueue(cx, mail, account, MailKind::ExportReady { expires }, now).await?;
            } else {
                // The person was erased meanwhile: nothing of the copy may stay.
                let _ = std::fs::remove_dir_all(folder(cx, account));
            }
        }
        Err(error) => {
            let last = attempts >= ATTEMPTS;
            tracing::error!(export = %id, %error, last, "a copy of a person's data was not made");
            let sql = "update public.data_exports set taken_until = null, state = case when $2 then 'failed' else state end
                where id = $1";
            cx.pool.get().await?.execute(sql, &[&id, &last]).await?;
            if !last {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

async fn take(cx: &Services) -> Result<Option<(Uuid, Uuid, i32)>, StoreError> {
    let sql =
        "update public.data_exports set taken_until = now() + interval '30 minutes', attempts = attempts + 1
        where id = (select id from public.data_exports
                    where state = 'waiting' and (taken_until is null or taken_until < now())
                    order by asked_at limit 1 for update skip locked)
        returning id, account, attempts";
    let row = cx.pool.get().await?.query_opt(sql, &[]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1), row.get(2))))
}

/// Removes copies whose time is over.
async fn expire(cx: &Services) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select id, account from public.data_exports where expires_at < $1";
    for row in client.query(sql, &[&cx.clock.now()]).await? {
        let id: Uuid = row.get(0);
        match std::fs::remove_file(file(cx, row.get(1), id)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::file("removing an expired copy of a person's data", error));
            }
            _ => client.execute("delete from public.data_exports where id = $1", &[&id]).await?,
        };
    }
    Ok(())
}

async fn make(cx: &Services, id: Uuid, account: Uuid) -> Result<u64, MakeError> {
    let content = gather::everything(cx, account).await?;
    let path = file(cx, account, id);
    tokio::task::spawn_blocking(move || pack::write(&path, content))
        .await
        .map_err(|e| MakeError::Other(e.to_string()))?
}
