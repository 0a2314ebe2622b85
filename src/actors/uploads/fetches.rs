//! Files that are fetched from addresses that people name, by the same way as uploads.

use super::{About, UploadError, check_room, process_if_eager, receive, stage};
use crate::actors::services::Services;
use crate::adapters::fetch::{self, Arriving, FetchLimits};
use crate::domain::shared::AccountId;
use crate::store::{Metadata, Receipt, StoreError};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, StreamExt, TryStreamExt};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How often it is noted how far a file is.
const NOTE: Duration = Duration::from_secs(2);
/// Without a note for so long, the process that fetched it has ended.
const SILENT: TimeDelta = TimeDelta::minutes(2);
/// How long it is told that a file could not be fetched.
const TOLD: TimeDelta = TimeDelta::days(7);

/// A file that is being fetched, or could not be.
#[derive(Clone, Debug)]
pub struct Fetching {
    /// Its id.
    pub id: Uuid,
    /// The work that it will be, or whose file it takes the place of.
    pub media: Uuid,
    /// Whether all of it is here and became a work, or a new file of one.
    pub received: bool,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// What has come.
    pub bytes: u64,
    /// What is expected, if the other side says so.
    pub length: Option<u64>,
    /// Why it could not be fetched.
    pub failed: Option<String>,
}

fn limits(cx: &Services) -> FetchLimits {
    let time = Duration::from_secs(cx.config.media.fetch_seconds);
    FetchLimits::new(cx.config.media.fetch_private, time, cx.config.limits.upload_bytes)
}

/// Goes to the address and looks whether there is room for what is there.
async fn reach(cx: &Services, account: AccountId, address: &str) -> Result<Arriving, UploadError> {
    check_room(cx, account, 0).await?;
    let arriving = fetch::fetch(address, limits(cx)).await?;
    check_room(cx, account, arriving.length.unwrap_or(0)).await?;
    Ok(arriving)
}

/// Fetches a file and makes a work of it; returns when that is done.
///
/// # Errors
/// As [`UploadError`] says; nothing is kept then.
pub async fn import_url(
    cx: &Services,
    account: AccountId,
    address: &str,
    about: About,
    meta: Metadata,
) -> Result<(Uuid, Receipt), UploadError> {
    if let Some(media) = about.replaces {
        super::replacing::check(cx, account, media).await?;
    }
    let arriving = reach(cx, account, address).await?;
    let id = cx.clock.new_id();
    let about = About { file_name: arriving.file_name, ..about };
    let original = stage(cx, account, &about.file_name, arriving.bytes).await?;
    let receipt = receive(cx, account, id, original, &about, meta).await?;
    Ok((about.replaces.unwrap_or(id), receipt))
}

/// Goes to the address now, and fetches what is there after this has returned. Gives the id of the fetch, which is
/// that of the work to be, unless the file takes the place of one that is there.
///
/// # Errors
/// As [`UploadError`] says, when there is nothing to fetch.
pub async fn begin(
    cx: &Services,
    account: AccountId,
    address: &str,
    about: About,
    meta: Metadata,
) -> Result<Uuid, UploadError> {
    if let Some(media) = about.replaces {
        super::replacing::check(cx, account, media).await?;
    }
    let arriving = reach(cx, account, address).await?;
    let id = cx.clock.new_id();
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    client
        .execute(
            "insert into public.fetches (id, account, started_at, seen_at, length, media) values ($1, $2, $3, now(), $4, $5)",
            &[
                &id,
                &account,
                &cx.clock.now(),
                &arriving.length.and_then(|n| i64::try_from(n).ok()),
                &about.replaces.unwrap_or(id),
            ],
        )
        .await?;
    drop(client);
    let cx = cx.clone();
    tokio::spawn(async move {
        let about = About { file_name: arriving.file_name, ..about };
        let bytes = noted(cx.clone(), id, arriving.bytes).boxed();
        let done = async {
            let original = stage(&cx, account, &about.file_name, bytes).await?;
            receive(&cx, account, id, original, &about, meta).await
        };
        let outcome = done.await;
        if let Err(error) = end(&cx, id, outcome.as_ref().err()).await {
            tracing::warn!(upload = %id, %error, "the end of a fetch could not be noted");
        }
        if outcome.is_ok() {
            process_if_eager(&cx, about.replaces.unwrap_or(id)).await;
        }
    });
    Ok(id)
}

/// The same bytes, and a note now and then of how many there are.
fn noted(
    cx: Services,
    id: Uuid,
    bytes: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    let state = (Box::pin(bytes), 0_u64, Instant::now());
    futures_util::stream::try_unfold(state, move |(mut bytes, had, mut last)| {
        let cx = cx.clone();
        async move {
            let Some(part) = bytes.try_next().await? else { return Ok(None) };
            let had = had + part.len() as u64;
            if last.elapsed() >= NOTE {
                last = Instant::now();
                let note = async {
                    let client = cx.pool.get().await.map_err(StoreError::from)?;
                    let sql = "update public.fetches set bytes = $2, seen_at = now() where id = $1";
                    client.execute(sql, &[&id, &i64::try_from(had).unwrap_or(i64::MAX)]).await?;
                    Ok::<_, StoreError>(())
                };
                if let Err(error) = note.await {
                    tracing::warn!(upload = %id, %error, "the progress of a fetch could not be noted");
                }
            }
            Ok(Some((part, (bytes, had, last))))
        }
    })
}

async fn end(cx: &Services, id: Uuid, error: Option<&UploadError>) -> Result<(), StoreError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let words = error.map(|error| match error {
        UploadError::BrokenOff => "The connection ended early. Fetch it again.".to_owned(),
        // What a store or a file system says is not for pages.
        UploadError::Store(_) | UploadError::Io(_) => "It could not be kept. Ask the operator.".to_owned(),
        other => other.to_string(),
    });
    match words {
        Some(words) => {
            client.execute("update public.fetches set failed = $2 where id = $1", &[&id, &words]).await?
        }
        None => {
            let sql = "update public.fetches set received = true, seen_at = now() where id = $1";
            client.execute(sql, &[&id]).await?
        }
    };
    Ok(())
}

/// What an account fetches, or could not fetch in the last days; the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn of(cx: &Services, account: AccountId) -> Result<Vec<Fetching>, StoreError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = format!(
        "{READ} where account = $1 and not received and seen_at > now() - make_interval(secs => $3)
         order by started_at desc limit 20"
    );
    let (silent, told) = (SILENT.num_seconds() as f64, TOLD.num_seconds() as f64);
    Ok(client.query(&sql, &[&account, &silent, &told]).await?.iter().map(read).collect())
}

/// One fetch of an account; `None` if there is none, or no longer.
///
/// # Errors
/// If the database cannot be read.
pub async fn one(cx: &Services, account: AccountId, id: Uuid) -> Result<Option<Fetching>, StoreError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = format!("{READ} where account = $1 and id = $3");
    let silent = SILENT.num_seconds() as f64;
    Ok(client.query_opt(&sql, &[&account, &silent, &id]).await?.as_ref().map(read))
}

/// What is read of a row; `$2` are the seconds of silence after which its process has ended.
const READ: &str =
    "select id, started_at, bytes, length, coalesce(failed, case when not received and seen_at < now() -
    make_interval(secs => $2) then 'It was interrupted. Fetch it again.' end), coalesce(media, id), received
    from public.fetches";

fn read(row: &tokio_postgres::Row) -> Fetching {
    let size = |n: i64| u64::try_from(n).unwrap_or(0);
    Fetching {
        id: row.get(0),
        started_at: row.get(1),
        bytes: size(row.get(2)),
        length: row.get::<_, Option<i64>>(3).map(size),
        failed: row.get(4),
        media: row.get(5),
        received: row.get(6),
    }
}

/// Forgets what was told long enough; gives how many.
///
/// # Errors
/// If the database cannot be written.
pub async fn forget_old(cx: &Services) -> Result<u64, StoreError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "delete from public.fetches where seen_at <= now() - make_interval(secs => $1)";
    Ok(client.execute(sql, &[&(TOLD.num_seconds() as f64)]).await?)
}
