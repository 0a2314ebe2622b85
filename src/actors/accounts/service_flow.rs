//! The way to the sign-in service and back.
//!
//! Between the way there and the way back a cookie of ten minutes holds a random secret, signed with
//! `session.key`. State, nonce and the verifier of PKCE follow from it, so they are kept nowhere; that it came
//! back once is written down, so that no answer counts twice.

use super::sessions::keyed;
use crate::actors::services::Services;
use crate::adapters::oidc::Binding;
use crate::store::StoreError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::Mac as _;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// How long the way there and back may take.
const VALID: TimeDelta = TimeDelta::minutes(10);

/// What somebody goes there for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// Where to go afterwards, a path of this site.
    pub next: String,
    /// Code of an invitation.
    pub invitation: String,
    /// The account that is to be linked; none: to sign in.
    pub link: Option<Uuid>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub secret: String,
    until: DateTime<Utc>,
    pub purpose: Purpose,
}

/// The cookie for a way there and back.
///
/// # Errors
/// If it cannot be signed.
pub fn begin(cx: &Services, purpose: Purpose) -> Result<String, StoreError> {
    let random: [u8; 32] = rand::rng().random();
    let kept = Kept { secret: BASE64.encode(random), until: cx.clock.now() + VALID, purpose };
    let text = BASE64.encode(serde_json::to_vec(&kept).map_err(|e| StoreError::Vault(e.to_string()))?);
    let tag = keyed(cx, b"oidc cookie", text.as_bytes())?.finalize().into_bytes();
    Ok(format!("{text}.{}", BASE64.encode(tag)))
}

/// What a cookie of ours holds, while it is good.
pub(super) fn read(cx: &Services, cookie: &str) -> Result<Option<Kept>, StoreError> {
    let Some((text, tag)) = cookie.split_once('.') else { return Ok(None) };
    let Ok(tag) = BASE64.decode(tag) else { return Ok(None) };
    if keyed(cx, b"oidc cookie", text.as_bytes())?.verify_slice(&tag).is_err() {
        return Ok(None);
    }
    let kept = BASE64.decode(text).ok().and_then(|json| serde_json::from_slice::<Kept>(&json).ok());
    Ok(kept.filter(|kept| kept.until > cx.clock.now()))
}

/// What binds the provider's answer to it.
pub(super) fn binding(cx: &Services, kept: &Kept) -> Result<Binding, StoreError> {
    let derived = |purpose: &[u8]| -> Result<String, StoreError> {
        Ok(BASE64.encode(keyed(cx, purpose, kept.secret.as_bytes())?.finalize().into_bytes()))
    };
    Ok(Binding {
        state: derived(b"oidc state")?,
        nonce: derived(b"oidc nonce")?,
        verifier: derived(b"oidc verifier")?,
    })
}

/// Writes down that an answer came back; `false` if it did before.
pub(super) async fn use_up(cx: &Services, kept: &Kept) -> Result<bool, StoreError> {
    let hash = Sha256::digest(kept.secret.as_bytes()).to_vec();
    let sql = "insert into public.oidc_answers_used values ($1, $2) on conflict do nothing";
    let client = cx.pool.get().await?;
    Ok(client.execute(sql, &[&hash, &kept.until]).await? == 1)
}

/// Forgets answers that would be too old by now. Gives how many.
///
/// # Errors
/// If the database fails.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.oidc_answers_used where expires_at < $1", &[&now]).await?)
}
