//! The proof of work that open registration asks a browser for, by the ALTCHA protocol: without a third party,
//! without a puzzle for people. Who sends none (no script, say) waits for a moderator instead.

use crate::actors::services::Services;
use crate::store::StoreError;
use altcha::{
    Challenge, CreateChallengeOptions, Payload, VerifySolutionOptions, create_challenge, verify_solution,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use rand::RngExt;
use sha2::Sha256;

/// Attempts a browser makes until it finds the answer: at least, and less than.
const ATTEMPTS: std::ops::Range<u32> = 400..800;
/// How long an answer is taken.
const VALID: TimeDelta = TimeDelta::hours(1);
/// Longest answer that is read, in characters.
const LONGEST: usize = 8 << 10;

/// Whether registration asks for it.
#[must_use]
pub fn is_wanted(cx: &Services) -> bool {
    cx.config.accounts.challenge.unwrap_or_else(|| cx.config.is_production())
}

/// Keys of this instance for challenges and their answers.
fn key(cx: &Services, purpose: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(cx.secrets.session.as_slice()) else {
        return String::new();
    };
    mac.update(format!("registration challenge {purpose}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// A new challenge.
///
/// # Errors
/// In words for operators, if it cannot be made.
pub fn make(cx: &Services) -> Result<Challenge, String> {
    create_challenge(CreateChallengeOptions {
        algorithm: "PBKDF2/SHA-256".into(),
        cost: cx.config.accounts.challenge_cost,
        counter: Some(rand::rng().random_range(ATTEMPTS)),
        // By the world's clock, as it is checked.
        expires_at: Some((Utc::now() + VALID).timestamp()),
        hmac_signature_secret: Some(key(cx, "sign")),
        hmac_key_signature_secret: Some(key(cx, "answer")),
        ..Default::default()
    })
    .map_err(|e| e.to_string())
}

/// Whether `answer` (what the browser sent, Base64 of JSON) solves a challenge of ours that was not used
/// before. It is used up by that.
///
/// # Errors
/// If the database fails.
pub async fn take(cx: &Services, answer: &str) -> Result<bool, StoreError> {
    if answer.is_empty() || answer.len() > LONGEST {
        return Ok(false);
    }
    let read = STANDARD.decode(answer).ok().and_then(|json| serde_json::from_slice::<Payload>(&json).ok());
    let Some(payload) = read else { return Ok(false) };
    let options = VerifySolutionOptions {
        hmac_key_signature_secret: Some(key(cx, "answer")),
        ..VerifySolutionOptions::new(&payload.challenge, &payload.solution, key(cx, "sign"))
    };
    // Only what we signed is worth any work: without the key's signature it would be derived again.
    let ours = payload.challenge.parameters.key_signature.as_deref().is_some_and(|s| !s.is_empty());
    if !ours || !verify_solution(options).is_ok_and(|result| result.verified) {
        return Ok(false);
    }
    let expires = payload.challenge.parameters.expires_at.and_then(|s| DateTime::from_timestamp(s, 0));
    let sql = "insert into public.challenges_used values ($1, $2) on conflict do nothing";
    let client = cx.pool.get().await?;
    let new = client
        .execute(sql, &[&payload.challenge.signature, &expires.unwrap_or_else(|| Utc::now() + VALID)])
        .await?;
    Ok(new == 1)
}

/// Forgets those that would be too old by now. Gives how many.
///
/// # Errors
/// If the database fails.
pub async fn clear(cx: &Services) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.challenges_used where expires_at < $1", &[&Utc::now()]).await?)
}
