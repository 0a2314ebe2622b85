//! The second factor: codes of an authenticator (TOTP, RFC 6238: SHA-1, six digits, thirty seconds)
//! and recovery codes for the day on which it is lost.

use super::limits::Buckets;
use super::{AccountsError, load, open, sign_in};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand, By};
use crate::domain::shared::{PersonalValue, derive_id};
use crate::store::{Metadata, Receipt, StoreError};
use chrono::{DateTime, Utc};
use rand::RngExt as _;
use totp_rs::{Builder, Secret};
use uuid::Uuid;

/// Recovery codes of one set.
pub const RECOVERY_CODES: u32 = 10;
/// Bytes of a secret: as many as SHA-1 gives.
const SECRET_BYTES: usize = 20;
/// Letters of recovery codes: none that look alike.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A new secret in Base32, as it is typed into an authenticator.
#[must_use]
pub fn new_secret() -> String {
    let bytes: [u8; SECRET_BYTES] = rand::rng().random();
    Secret::from(bytes).to_base32()
}

/// The address that an authenticator reads from a QR code.
#[must_use]
pub fn address(studio: &str, person: &str, secret: &str) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let (studio, person) = (encode(studio), encode(person));
    format!(
        "otpauth://totp/{studio}:{person}?secret={secret}&issuer={studio}&algorithm=SHA1&digits=6&period=30"
    )
}

/// The step around `now` whose code is `code`; none if it is no code of this secret.
fn step_of(secret: &str, code: &str, now: DateTime<Utc>) -> Option<i64> {
    let secret = Secret::try_from_base32(secret).ok().filter(|s| s.as_bytes().len() == SECRET_BYTES)?;
    // SHA-1, six digits, thirty seconds and one step around now, because clocks differ.
    let totp = Builder::new().with_secret(secret).build().ok()?;
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let step = totp.check(&digits, u64::try_from(now.timestamp()).ok()?)?;
    i64::try_from(step).ok()
}

/// Adds the authenticator that holds `secret` and shows `code` now; gives the recovery codes, which
/// are shown once. The password proves who asks.
///
/// # Errors
/// [`AccountsError::Field`] for a wrong code or secret, [`AccountsError::WrongPassword`], or a refusal.
pub async fn add(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    (password, secret, code): (&str, &str, &str),
) -> Result<(Receipt, Vec<String>), AccountsError> {
    sign_in::prove(cx, account, password).await?;
    let Some(step) = step_of(secret, code, meta.at) else {
        let words = "This is not the code that the authenticator shows now. Check the clock of the device and try again.";
        return Err(AccountsError::Field("code", words.into()));
    };
    let version = derive_id(&command_id.to_string(), "second_factor");
    let value = PersonalValue::new(account, "second_factor", version, secret);
    let command = AccountCommand::AddSecondFactor { at: meta.at, secret: value.reference.clone() };
    let envelope = Envelope::new(command_id, account, command, meta.clone()).with_private(vec![value]);
    cx.bus.dispatch::<Account>(envelope).await?;
    use_step(cx, account, step).await?;
    let (receipt, codes) = make_codes(cx, derive_id(&command_id.to_string(), "codes"), meta, account).await?;
    Ok((receipt, codes))
}

/// Makes new recovery codes; the former ones are worthless. The password proves who asks.
///
/// # Errors
/// [`AccountsError::WrongPassword`], or a refusal.
pub async fn renew_codes(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    password: &str,
) -> Result<(Receipt, Vec<String>), AccountsError> {
    sign_in::prove(cx, account, password).await?;
    make_codes(cx, command_id, meta, account).await
}

pub(super) async fn make_codes(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
) -> Result<(Receipt, Vec<String>), AccountsError> {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| new_code()).collect();
    let hashes = codes.iter().map(|c| hash(cx, account, c)).collect::<Result<Vec<_>, _>>()?;
    let command = AccountCommand::RecordRecoveryCodes { at: meta.at, count: RECOVERY_CODES };
    let receipt = cx.bus.dispatch::<Account>(Envelope::new(command_id, account, command, meta)).await?;
    let mut client = cx.pool.get().await.map_err(StoreError::from)?;
    let tx = client.transaction().await?;
    tx.execute("delete from public.recovery_codes where account = $1", &[&account]).await?;
    let sql = "insert into public.recovery_codes (account, hash) select $1, * from unnest($2::text[])";
    tx.execute(sql, &[&account, &hashes]).await?;
    tx.commit().await?;
    Ok((receipt, codes))
}

/// How many recovery codes are left.
///
/// # Errors
/// If the database cannot be read.
pub async fn codes_left(cx: &Services, account: Uuid) -> Result<i64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select count(*) from public.recovery_codes where account = $1";
    Ok(client.query_one(sql, &[&account]).await?.get(0))
}

/// Checks a code of the authenticator, or a recovery code, which is then used up.
///
/// # Errors
/// [`AccountsError::Field`] for a wrong one, [`AccountsError::TooMany`] after too many.
pub async fn check(cx: &Services, meta: Metadata, account: Uuid, code: &str) -> Result<(), AccountsError> {
    let now = meta.at;
    let buckets = Buckets::new(cx, "second step", &account.to_string(), None)?.growing();
    buckets.check(cx, now).await?;
    let state = load(cx, account).await?;
    if !state.has_second_factor() {
        return Err(AccountsError::StaleLink);
    }
    let secret = open(cx, state.second_factor.as_ref()).await?;
    // Who has passkeys only has recovery codes for the day on which they are lost.
    let good = match secret.and_then(|secret| step_of(&secret, code, now)) {
        Some(step) => use_step(cx, account, step).await?,
        None => use_recovery_code(cx, meta, account, code).await?,
    };
    if good {
        buckets.forget(cx).await?;
        return Ok(());
    }
    buckets.count(cx, now).await?;
    Err(AccountsError::Field(
        "code",
        "This code is wrong or was used already. Wait for the next one and try again.".into(),
    ))
}

/// Takes a step; `false` if it or a later one was used before.
async fn use_step(cx: &Services, account: Uuid, step: i64) -> Result<bool, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "insert into public.second_factor_steps as s (account, step) values ($1, $2)
               on conflict (account) do update set step = excluded.step where s.step < excluded.step";
    Ok(client.execute(sql, &[&account, &step]).await? == 1)
}

async fn use_recovery_code(
    cx: &Services,
    meta: Metadata,
    account: Uuid,
    code: &str,
) -> Result<bool, AccountsError> {
    let hash = hash(cx, account, code)?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "delete from public.recovery_codes where account = $1 and hash = $2";
    if client.execute(sql, &[&account, &hash]).await? == 0 {
        return Ok(false);
    }
    drop(client);
    let left = u32::try_from(codes_left(cx, account).await?).unwrap_or(0);
    let command = AccountCommand::RecordRecoveryCodeUsed { at: meta.at, left };
    cx.bus.dispatch::<Account>(Envelope::new(cx.clock.new_id(), account, command, meta)).await?;
    Ok(true)
}

/// Takes the authenticator away, and the recovery codes if no passkey is left that they could stand for.
///
/// # Errors
/// If the account refuses or the store fails.
pub async fn remove(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    by: By,
) -> Result<Receipt, AccountsError> {
    let command = AccountCommand::RemoveSecondFactor { at: meta.at, by };
    let receipt = cx.bus.dispatch::<Account>(Envelope::new(command_id, account, command, meta)).await?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    client.execute("delete from public.second_factor_steps where account = $1", &[&account]).await?;
    drop(client);
    drop_codes(cx, account).await?;
    Ok(receipt)
}

/// Drops the recovery codes of an account without a second factor.
pub(super) async fn drop_codes(cx: &Services, account: Uuid) -> Result<(), StoreError> {
    if !load(cx, account).await?.has_second_factor() {
        let client = cx.pool.get().await?;
        client.execute("delete from public.recovery_codes where account = $1", &[&account]).await?;
    }
    Ok(())
}

/// Ten letters in two groups: 49 bits, tried at most a few times in a quarter of an hour.
fn new_code() -> String {
    let mut random = rand::rng();
    let mut group =
        || (0..5).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect::<String>();
    format!("{}-{}", group(), group())
}

/// What is kept of a recovery code: a keyed hash of its letters.
fn hash(cx: &Services, account: Uuid, code: &str) -> Result<String, StoreError> {
    let letters: String = code.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    cx.vault.lookup_hash("recovery-code", &format!("{account} {letters}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    /// RFC 6238, appendix B: the secret is the ASCII text 12345678901234567890.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (second, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            let now = Utc.timestamp_opt(second, 0).single().expect("a time");
            assert_eq!(step_of(secret, code, now), Some(second / 30), "{second}");
        }
        let now = Utc.timestamp_opt(1_234_567_890, 0).single().expect("a time");
        let later = |seconds| now + chrono::TimeDelta::seconds(seconds);
        assert!(step_of(secret, " 005 924 ", later(30)).is_some(), "a clock that is a step late");
        assert!(step_of(secret, "005924", later(-30)).is_some());
        assert_eq!(step_of(secret, "005924", later(60)), None);
        assert_eq!(step_of(secret, "005925", now), None);
        assert_eq!(step_of("short", "005924", now), None);
        assert_eq!(step_of(secret, "", now), None);
    }

    #[test]
    fn secrets_and_codes_are_easy_to_type() {
        let secret = new_secret();
        assert_eq!(secret.len(), 32);
        assert_ne!(secret, new_secret());
        let code = new_code();
        assert!(code.len() == 11 && code.as_bytes()[5] == b'-', "{code}");
        let address = address("Salt & Co", "ada@example.org", &secret);
        assert!(
            address.starts_with("otpauth://totp/Salt%20%26%20Co:ada%40example%2Eorg?secret="),
            "{address}"
        );
    }
}
