//! Which browsers an account signed in from before. A sign-in from a new one is told to the owner by mail.

use crate::actors::mailer;
use crate::actors::services::Services;
use crate::domain::shared::derive_id;
use crate::emails::MailKind;
use crate::store::StoreError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How long a browser is remembered without a sign-in; as long as browsers keep a cookie at most.
pub const REMEMBERED: TimeDelta = TimeDelta::days(400);

/// Notes a sign-in from the browser with this cookie; gives the cookie it is to have. The first browser of an
/// account is no news; any other that is not known is told to the owner.
///
/// # Errors
/// If the database cannot be used.
pub async fn note(cx: &Services, account: Uuid, cookie: Option<&str>) -> Result<String, StoreError> {
    let known = cookie.and_then(|c| BASE64.decode(c).ok()).filter(|id| id.len() == 32);
    let id = known.unwrap_or_else(|| {
        let fresh: [u8; 32] = rand::rng().random();
        fresh.to_vec()
    });
    let (hash, now) = (Sha256::digest(&id).to_vec(), cx.clock.now());
    let client = cx.pool.get().await?;
    let sql = "update public.known_devices set seen_at = $3 where account = $1 and device_hash = $2";
    if client.execute(sql, &[&account, &hash, &now]).await? == 0 {
        let others = "select exists (select from public.known_devices where account = $1)";
        let others: bool = client.query_one(others, &[&account]).await?.get(0);
        let sql = "insert into public.known_devices (account, device_hash, first_at, seen_at)
            values ($1, $2, $3, $3) on conflict do nothing";
        let fresh = client.execute(sql, &[&account, &hash, &now]).await? > 0;
        if others && fresh {
            let mail = derive_id(&account.to_string(), &format!("device/{}", hex::encode(&hash)));
            mailer::enqueue(cx, mail, account, MailKind::NewDevice { at: now }, now).await?;
        }
    }
    Ok(BASE64.encode(id))
}

/// What names the browser with this cookie, if the account signed in from it before.
///
/// # Errors
/// If the database cannot be read.
pub async fn is_known(cx: &Services, account: Uuid, cookie: &str) -> Result<Option<String>, StoreError> {
    let Some(id) = BASE64.decode(cookie).ok().filter(|id| id.len() == 32) else { return Ok(None) };
    let hash = Sha256::digest(&id).to_vec();
    let sql = "select 1 from public.known_devices where account = $1 and device_hash = $2";
    let known = cx.pool.get().await?.query_opt(sql, &[&account, &hash]).await?.is_some();
    Ok(known.then(|| format!("{account}/{}", hex::encode(&hash))))
}

/// Forgets browsers that were not used for long; gives how many.
///
/// # Errors
/// If the database cannot be used.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let sql = "delete from public.known_devices where seen_at < $1";
    Ok(cx.pool.get().await?.execute(sql, &[&(now - REMEMBERED)]).await?)
}
