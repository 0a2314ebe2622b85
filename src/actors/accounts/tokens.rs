//! Secrets of links in mails: single use, for one purpose, hashed at rest, with an end.
//!
//! The secret follows from the mail's id and `session.key`, so that a mail that is written again
//! after a crash carries the same link, and the secret itself is kept nowhere.

use super::sessions::keyed;
use crate::actors::services::Services;
use crate::emails::TokenPurpose;
use crate::store::StoreError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What a link stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose account.
    pub account: Uuid,
    /// What it is about: the version of the mail address, or the reset request.
    pub target: Uuid,
}

/// The secret of the link in the mail `mail`, which becomes good until its end.
///
/// # Errors
/// If the database cannot be written.
pub async fn issue(
    cx: &Services,
    mail: Uuid,
    purpose: TokenPurpose,
    token: Token,
    asked_at: DateTime<Utc>,
) -> Result<String, StoreError> {
    let secret = BASE64.encode(keyed(cx, b"link", mail.as_bytes())?.finalize().into_bytes());
    let life = match purpose {
        TokenPurpose::Confirm => TimeDelta::days(10),
        TokenPurpose::Reset => TimeDelta::hours(1),
        TokenPurpose::StopDigest => TimeDelta::days(60),
        TokenPurpose::SecondStep => TimeDelta::minutes(10),
    };
    let client = cx.pool.get().await?;
    client
        .execute(
            "insert into public.account_tokens (hash, purpose, account, target, expires_at)
             values ($1, $2, $3, $4, $5) on conflict (hash) do nothing",
            &[&hash(&secret), &<&str>::from(purpose), &token.account, &token.target, &(asked_at + life)],
        )
        .await?;
    Ok(secret)
}

/// What a link stands for, if it is good. It stays good until [`spend`].
///
/// # Errors
/// If the database cannot be read.
pub async fn look_up(
    cx: &Services,
    purpose: TokenPurpose,
    secret: &str,
) -> Result<Option<Token>, StoreError> {
    let client = cx.pool.get().await?;
    let row = client
        .query_opt(
            "select account, target from public.account_tokens where hash = $1 and purpose = $2 and expires_at > $3",
            &[&hash(secret), &<&str>::from(purpose), &cx.clock.now()],
        )
        .await?;
    Ok(row.map(|r| Token { account: r.get(0), target: r.get(1) }))
}

/// Makes a link worthless, with all others of the account and purpose.
///
/// # Errors
/// If the database cannot be written.
pub async fn spend(cx: &Services, purpose: TokenPurpose, account: Uuid) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    client
        .execute(
            "delete from public.account_tokens where account = $1 and purpose = $2",
            &[&account, &<&str>::from(purpose)],
        )
        .await?;
    Ok(())
}

/// Makes every link of an account worthless.
///
/// # Errors
/// If the database cannot be written.
pub async fn spend_all(cx: &Services, account: Uuid) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.account_tokens where account = $1", &[&account]).await?)
}

/// Removes links that are too old.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.account_tokens where expires_at <= $1", &[&now]).await?)
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
