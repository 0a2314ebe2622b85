//! Gifts: their codes, and what happens when somebody enters one.

use super::accounts::AccountsError;
use super::accounts::limits::Buckets;
use super::bus::{Claim, CommandError, Envelope};
use super::services::Services;
use crate::domain::gift::{Gift, GiftCommand, GiftError, normalise_code};
use crate::domain::shared::AccountId;
use crate::domain::shared::calendar::Zone;
use crate::store::repository::EventRepository;
use crate::store::{Metadata, Receipt, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use uuid::Uuid;

/// Namespace of the claims on codes; the key is a keyed hash of the code.
const CODE: &str = "gift-code";
/// Letters of codes: none that look alike.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Why a gift is not redeemed.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// No gift has that code.
    #[error("There is no gift with this code. Look at the letters again.")]
    Unknown,
    /// Guessing is paused.
    #[error(transparent)]
    Limit(#[from] AccountsError),
    /// The gift refuses.
    #[error(transparent)]
    Gift(#[from] CommandError<GiftError>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The gift as its events say.
///
/// # Errors
/// If the log cannot be read.
pub async fn load(cx: &Services, gift: Uuid) -> Result<Gift, StoreError> {
    Ok(EventRepository::<Gift>::new(cx.pool.clone(), cx.journal.clone()).load(gift).await?.state)
}

/// The code of a gift: 80 bits in four groups. It follows from the gift and a key that lies outside the
/// database, so it is kept nowhere.
///
/// # Errors
/// If the key cannot be used.
pub fn code(cx: &Services, gift: Uuid) -> Result<String, StoreError> {
    let keyed = cx.vault.lookup_hash("gift-code-of", &gift.to_string())?;
    let letters = Sha256::digest(keyed.as_bytes());
    let pick = |b: &u8| char::from(LETTERS[usize::from(b % 32)]);
    let letters: Vec<char> = letters.iter().take(16).map(pick).collect();
    Ok(letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

/// The claim by which a code is found.
///
/// # Errors
/// If the key cannot be used.
pub fn claim(cx: &Services, code: &str) -> Result<Claim, StoreError> {
    let letters = normalise_code(code).unwrap_or_default();
    Ok(Claim::new(CODE, cx.vault.lookup_hash(CODE, &letters)?))
}

/// The gift that a code opens.
async fn find(cx: &Services, code: &str) -> Result<Option<Uuid>, StoreError> {
    if normalise_code(code).is_none() {
        return Ok(None);
    }
    let claim = claim(cx, code)?;
    let holder = cx.reader.claimed_by(&claim.namespace, &claim.key).await?;
    Ok(holder.and_then(|h| h.strip_prefix("gift-").and_then(|id| Uuid::parse_str(id).ok())))
}

/// The day where the studio is.
///
/// # Errors
/// If the settings name no zone.
pub fn today(cx: &Services, at: DateTime<Utc>) -> Result<NaiveDate, StoreError> {
    let zone = Zone::parse(&cx.config.studio.zone).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    Ok(zone.date_of(at))
}

/// Redeems the gift of a code for `by`, who asks from `address`. Its time is given by a workflow.
///
/// # Errors
/// As [`RedeemError`] says; wrong codes are counted and make a pause.
pub async fn redeem(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    by: AccountId,
    (code, address): (&str, IpAddr),
) -> Result<(Uuid, Receipt), RedeemError> {
    let buckets = Buckets::new(cx, "gift", &by.to_string(), Some(address))?;
    buckets.check(cx, meta.at).await?;
    let Some(gift) = find(cx, code).await? else {
        buckets.count(cx, meta.at).await?;
        return Err(RedeemError::Unknown);
    };
    let command = GiftCommand::Redeem { by, today: today(cx, meta.at)?, at: meta.at };
    Ok((gift, cx.bus.dispatch::<Gift>(Envelope::new(id, gift, command, meta)).await?))
}

#[cfg(test)]
mod tests {
    use super::LETTERS;
    use crate::domain::gift::normalise_code;

    #[test]
    fn letters_of_codes_are_told_apart_and_read_back() {
        let all: std::collections::BTreeSet<_> = LETTERS.iter().collect();
        assert_eq!(all.len(), 32);
        assert!(!LETTERS.iter().any(|l| b"01OI".contains(l)));
        let text: String = LETTERS[..16].iter().map(|b| char::from(*b)).collect();
        assert_eq!(normalise_code(&text.to_lowercase()), Some(text));
    }
}
