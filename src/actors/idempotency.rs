//! Requests with an `Idempotency-Key`: the same key and content get the same answer again, the same
//! key with another content is refused. Kept for [`KEPT_DAYS`].

use super::services::Services;
use crate::store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Where it led to.
    pub location: Option<String>,
    /// Type of the body.
    pub content_type: Option<String>,
    /// Its other headers.
    pub headers: Vec<(String, String)>,
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
    /// What a token needed for it.
    pub scope: Option<String>,
    /// Whether it is done.
    pub done: bool,
    /// The answer; none while it is at work, and none if it could not be kept.
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
    /// The account, if there is one: its rows go with it, and its key seals the answers.
    pub account: Option<Uuid>,
    /// The key.
    pub key: String,
    /// What a token needs for the request.
    pub scope: Option<&'static str>,
}

impl Key {
    /// To what the seal of an answer is bound.
    fn purpose(&self) -> String {
        format!("answer {}", self.key)
    }
}

/// What is kept of a request: nobody who reads it can try out what was typed.
///
/// # Errors
/// If the key store cannot be read.
pub fn digest(cx: &Services, content: &[u8]) -> Result<Vec<u8>, StoreError> {
    let hash = hex::encode(Sha256::digest(content));
    Ok(cx.vault.lookup_hash("idempotency content", &hash)?.into_bytes())
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
            "insert into public.idempotency_keys (who, key, account, request, digest, created_at, scope)
             values ($1, $2, $3, $4, $5, $6, $9)
             on conflict (who, key) do update set request = $4, digest = $5, created_at = $6, scope = $9,
                 finished_at = null, status = null, location = null, content_type = null, headers = null,
                 sealed = false, body = null
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
                &key.scope,
            ],
        )
        .await?;
    if entered == 1 {
        return Ok(Begin::New);
    }
    let sql = format!(
        "select digest, finished_at is not null, {ANSWER}
        from public.idempotency_keys where who = $1 and key = $2"
    );
    let Some(row) = client.query_opt(&sql, &[&key.who, &key.key]).await? else {
        // Given up between the two statements: whoever gave up will not answer.
        return Ok(Begin::Running);
    };
    if row.get::<_, Vec<u8>>(0) != digest {
        return Ok(Begin::Other);
    }
    if !row.get::<_, bool>(1) {
        return Ok(Begin::Running);
    }
    Ok(answer(cx, key, &row, 2).await?.map_or(Begin::New, Begin::Again))
}

/// Columns of an answer, as [`answer`] reads them.
const ANSWER: &str = "status, location, content_type, headers, sealed, body";

/// The answer in a row from column `from` on; none if it was not kept or can no longer be opened.
async fn answer(
    cx: &Services,
    key: &Key,
    row: &tokio_postgres::Row,
    from: usize,
) -> Result<Option<Answer>, StoreError> {
    let status = row.get::<_, Option<i16>>(from).and_then(|s| u16::try_from(s).ok());
    let Some(status) = status else { return Ok(None) };
    let headers: Option<serde_json::Value> = row.get(from + 3);
    let mut body = row.get::<_, Option<Vec<u8>>>(from + 5).unwrap_or_default();
    if row.get(from + 4) {
        let opened = match key.account {
            Some(account) => cx.vault.open_bytes(account, &key.purpose(), &body).await?,
            None => None,
        };
        let Some(opened) = opened else { return Ok(None) };
        body = opened;
    }
    Ok(Some(Answer {
        status,
        location: row.get(from + 1),
        content_type: row.get(from + 2),
        headers: headers.and_then(|h| serde_json::from_value(h).ok()).unwrap_or_default(),
        body,
    }))
}

/// Keeps the answer; with `None` only that the request was done.
///
/// # Errors
/// If the database or the key store cannot be written.
pub async fn finish(cx: &Services, key: &Key, answer: Option<&Answer>) -> Result<(), StoreError> {
    let none = Answer::default();
    let mut kept = answer;
    let mut body = answer.map(|a| a.body.clone()).unwrap_or_default();
    let sealed = key.account.is_some() && !body.is_empty();
    if let Some(account) = key.account.filter(|_| sealed) {
        match cx.vault.seal_bytes(account, &key.purpose(), &body).await? {
            Some(bytes) => body = bytes,
            None => (kept, body) = (None, vec![]),
        }
    }
    let given = kept.unwrap_or(&none);
    let status = kept.and_then(|a| i16::try_from(a.status).ok());
    let headers = serde_json::to_value(&given.headers).ok();
    let client = cx.pool.get().await?;
    client
        .execute(
            "update public.idempotency_keys
             set finished_at = $3, status = $4, location = $5, content_type = $6, body = $7, headers = $8, sealed = $9
             where who = $1 and key = $2",
            &[
                &key.who,
                &key.key,
                &cx.clock.now(),
                &status,
                &given.location,
                &given.content_type,
                &body,
                &headers,
                &sealed,
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
pub async fn find(cx: &Services, key: &Key) -> Result<Option<Outcome>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = format!(
        "select request, created_at, scope, finished_at is not null, {ANSWER}
        from public.idempotency_keys where who = $1 and key = $2"
    );
    let Some(row) = client.query_opt(&sql, &[&key.who, &key.key]).await? else { return Ok(None) };
    let done: bool = row.get(3);
    let answer = if done { answer(cx, key, &row, 4).await? } else { None };
    Ok(Some(Outcome { request: row.get(0), at: row.get(1), scope: row.get(2), done, answer }))
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
