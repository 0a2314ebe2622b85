//! Secrets that are shown once, to whoever made them, on the page to which the form leads. Until then they lie
//! sealed with that person's key, a few minutes at most.

use crate::actors::services::Services;
use crate::store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// How long a secret waits for its page.
const KEPT: TimeDelta = TimeDelta::minutes(10);

fn purpose(id: Uuid) -> String {
    format!("shown once {id}")
}

/// Keeps a secret for `account`; the id is no secret, and of use to that account only.
///
/// # Errors
/// If database or key store cannot be written.
pub async fn keep(cx: &Services, account: Uuid, secret: &str) -> Result<Uuid, StoreError> {
    let id = cx.clock.new_id();
    let sealed = cx.vault.seal_bytes(account, &purpose(id), secret.as_bytes()).await?;
    let sealed = sealed.ok_or_else(|| StoreError::Vault("the account has no key".into()))?;
    let sql = "insert into public.shown_once (id, account, sealed, until) values ($1, $2, $3, $4)";
    let client = cx.pool.get().await?;
    client.execute(sql, &[&id, &account, &sealed, &(cx.clock.now() + KEPT)]).await?;
    Ok(id)
}

/// Takes a secret out, so that nobody can have it again; none if it was shown, is too old or somebody else's.
///
/// # Errors
/// If database or key store cannot be used.
pub async fn take(cx: &Services, account: Uuid, id: Uuid) -> Result<Option<String>, StoreError> {
    let sql = "delete from public.shown_once where id = $1 and account = $2 and until > $3 returning sealed";
    let client = cx.pool.get().await?;
    let Some(row) = client.query_opt(sql, &[&id, &account, &cx.clock.now()]).await? else { return Ok(None) };
    drop(client);
    let opened = cx.vault.open_bytes(account, &purpose(id), &row.get::<_, Vec<u8>>(0)).await?;
    Ok(opened.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// Removes what nobody came for.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.shown_once where until <= $1", &[&now]).await?)
}
