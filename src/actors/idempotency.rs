//! Requests with an `Idempotency-Key`: the same key and content get the same answer again, the same
//! key with another content is refused. Kept for [`KEPT_DAYS`].

use super::services::Services;
use crate::store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long an answer can be had again.
pub const KEPT_DAYS: i64 = 8;
/// Longest key, in characters.
pub const LONGEST_KEY: usize = 255;
/// Answers longer than this are not kept; their requests are simply done again.
pub const MOST_BYTES: usize = 256 << 10;
/// After this time a request that never finished counts as lost with its process.
const LOST_AFTER: TimeDelta = TimeDelta::minutes(5);

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Where it led to.
    pub location: Option<String>,
    /// Type of the body.
    pub content_type: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

/// One request by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Method and path.
    pub request: String,
    /// When it came.
    pub at: DateTime<Utc>,
    /// The answer; none while it is at work.
    pub answer: Option<Answer>,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Do it.
    New,
    /// Give this answer again.
    Again(Answer),
    /// The key was used for something else.
    Other,
    /// The same request is at work right now.
    Running,
}

/// A request's key and whose it is.
#[derive(Clone, Debug)]
pub struct Key {
    /// Who asks: the account, or a word for a visitor that tells nothing about them.
    pub who: String,
    /// The account, if there is one: its rows go with it.
    pub account: Option<Uuid>,
    /// The key.
    pub key: String,
}

/// Enters a request, or tells what became of it before.
///
/// # Errors
/// If the database cannot be written.
pub async fn begin(cx: &Services, key: &Key, request: &str, digest: &[u8]) -> Result<Begin, StoreError> {
    let now = cx.clock.now();
    let client = cx.pool.get().await?;
    let entered = client
        .execute(
            "insert into public.idempotency_keys (who, key, account, request, digest, created_at)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (who, key) do update set request = $4, digest = $5, created_at = $6, finished_at = null,
                 status = null, location = null, content_type = null, body = null
             where idempotency_keys.created_at < $7
                or (idempotency_keys.finished_at is null and idempotency_keys.created_at < $8
                    and idempotency_keys.digest = $5)",
            &[
                &key.who,
                &key.key,
                &key.account,
                &request,
                &digest,
                &now,
                &(now - TimeDelta::days(KEPT_DAYS)),
                &(now - LOST_AFTER),
            ],
        )
        .await?;
    if entered == 1 {
        return Ok(Begin::New);
    }
    let sql = "select digest, finished_at is not null, status, location, content_type, body
        from public.idempotency_keys where who = $1 and key = $2";
    let Some(row) = client.query_opt(sql, &[&key.who, &key.key]).await? else {
        // Given up between the two statements: whoever gave up will not answer.
        return Ok(Begin::Running);
    };
    if row.get::<_, Vec<u8>>(0) != digest {
        return Ok(Begin::Other);
    }
    Ok(if row.get(1) { Begin::Again(answer(&row, 2)) } else { Begin::Running })
}

fn answer(row: &tokio_postgres::Row, from: usize) -> Answer {
    Answer {
        status: row.get::<_, Option<i16>>(from).and_then(|s| u16::try_from(s).ok()).unwrap_or(200),
        location: row.get(from + 1),
        content_type: row.get(from + 2),
        body: row.get::<_, Option<Vec<u8>>>(from + 3).unwrap_or_default(),
    }
}

/// Keeps the answer.
///
/// # Errors
/// If the database cannot be written.
pub async fn finish(cx: &Services, key: &Key, answer: &Answer) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    let status = i16::try_from(answer.status).unwrap_or(200);
    client
        .execute(
            "update public.idempotency_keys
             set finished_at = $3, status = $4, location = $5, content_type = $6, body = $7
             where who = $1 and key = $2",
            &[
                &key.who,
                &key.key,
                &cx.clock.now(),
                &status,
                &answer.location,
                &answer.content_type,
                &answer.body,
            ],
        )
        .await?;
    Ok(())
}

/// Forgets a request that came to nothing, so that it can be tried again.
///
/// # Errors
/// If the database cannot be written.
pub async fn forget(cx: &Services, key: &Key) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    let sql = "delete from public.idempotency_keys where who = $1 and key = $2 and finished_at is null";
    client.execute(sql, &[&key.who, &key.key]).await?;
    Ok(())
}

/// What became of a request.
///
/// # Errors
/// If the database cannot be read.
pub async fn find(cx: &Services, who: &str, key: &str) -> Result<Option<Outcome>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select request, created_at, finished_at is not null, status, location, content_type, body
        from public.idempotency_keys where who = $1 and key = $2";
    Ok(client.query_opt(sql, &[&who, &key]).await?.map(|row| Outcome {
        request: row.get(0),
        at: row.get(1),
        answer: row.get::<_, bool>(2).then(|| answer(&row, 3)),
    }))
}

/// Removes what is too old.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "delete from public.idempotency_keys where created_at <= $1";
    Ok(client.execute(sql, &[&(now - TimeDelta::days(KEPT_DAYS))]).await?)
}
