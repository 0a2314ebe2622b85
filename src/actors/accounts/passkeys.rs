//! Passkeys (WebAuthn): they open an account on their own, because the device asks its owner for a finger or a
//! code, and they serve as second factor beside the password.
//!
//! A challenge and what is to be remembered of it travel through the browser, signed with `session.key`. The
//! library wants that on the server, because of replays: here each is written down when it is answered, and
//! counts once, for five minutes.

use super::sessions::keyed;
use super::sign_in::SignIn;
use super::{AccountsError, load, open, second_factor, sign_in};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::config::Config;
use crate::domain::account::{Account, AccountCommand, By, Passkey as Kept};
use crate::domain::shared::{PersonalValue, derive_id};
use crate::store::{Claim, Metadata, Receipt, StoreError};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::Mac as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use webauthn_rs::prelude::{
    CredentialID, DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Webauthn, WebauthnBuilder, WebauthnError,
};

/// Namespace of the claims on credentials; the key is a keyed hash of the credential's id.
const CREDENTIAL: &str = "account-passkey";
/// How long a challenge can be answered.
const VALID: TimeDelta = TimeDelta::minutes(5);
/// Longest answer that is read, in characters.
const LONGEST: usize = 64 << 10;
/// Longest name, in characters.
const LONGEST_NAME: usize = 60;

/// A challenge for a browser.
#[derive(Debug, Serialize)]
pub struct Challenge {
    /// For `navigator.credentials`, as JSON of the standard.
    pub options: Value,
    /// Comes back with the answer.
    pub token: String,
}

/// A passkey as its owner sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Names it.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// Since when.
    pub added_at: DateTime<Utc>,
    /// When it was last used.
    pub used_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct Remembered<S> {
    state: S,
    until: DateTime<Utc>,
    account: Option<Uuid>,
}

fn refused() -> AccountsError {
    let words = "This passkey was not accepted. Try again; if it stays so, sign in another way.";
    AccountsError::Field("passkey", words.into())
}

fn stale() -> AccountsError {
    let words = "The answer of your device came too late or was used already. Try again.";
    AccountsError::Field("passkey", words.into())
}

fn broken(error: impl std::fmt::Display) -> AccountsError {
    StoreError::Vault(format!("passkeys: {error}")).into()
}

/// The site as passkeys know it: a name, never an address in numbers. On one's own machine that is `localhost`.
#[must_use]
pub fn site(config: &Config) -> Option<Url> {
    let mut site = Url::parse(&config.site_url()).ok()?;
    match site.host()? {
        url::Host::Domain(_) => {}
        url::Host::Ipv4(ip) if ip.is_loopback() => site.set_host(Some("localhost")).ok()?,
        url::Host::Ipv6(ip) if ip.is_loopback() => site.set_host(Some("localhost")).ok()?,
        _ => return None,
    }
    Some(site)
}

fn webauthn(cx: &Services) -> Result<Webauthn, AccountsError> {
    let site = site(&cx.config).ok_or_else(|| broken("the site has no name"))?;
    let name = site.host_str().unwrap_or_default();
    let built = WebauthnBuilder::new(name, &site).map(|b| b.rp_name(&cx.config.studio.name));
    built.and_then(WebauthnBuilder::build).map_err(broken)
}

fn seal<S: Serialize>(
    cx: &Services,
    purpose: &[u8],
    state: S,
    account: Option<Uuid>,
) -> Result<String, AccountsError> {
    let remembered = Remembered { state, until: cx.clock.now() + VALID, account };
    let text = BASE64.encode(serde_json::to_vec(&remembered).map_err(broken)?);
    let tag = keyed(cx, purpose, text.as_bytes())?.finalize().into_bytes();
    Ok(format!("{text}.{}", BASE64.encode(tag)))
}

/// What a token of ours remembers; it is used up by that.
async fn take<S: DeserializeOwned>(
    cx: &Services,
    purpose: &[u8],
    token: &str,
    account: Option<Uuid>,
) -> Result<S, AccountsError> {
    if token.len() > LONGEST {
        return Err(stale());
    }
    let (text, tag) = token.split_once('.').ok_or_else(stale)?;
    let tag = BASE64.decode(tag).map_err(|_| stale())?;
    keyed(cx, purpose, text.as_bytes())?.verify_slice(&tag).map_err(|_| stale())?;
    let json = BASE64.decode(text).map_err(|_| stale())?;
    let remembered: Remembered<S> = serde_json::from_slice(&json).map_err(broken)?;
    if remembered.until <= cx.clock.now() || remembered.account != account {
        return Err(stale());
    }
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "insert into public.passkey_challenges_used values ($1, $2) on conflict do nothing";
    let hash = Sha256::digest(text.as_bytes()).to_vec();
    if client.execute(sql, &[&hash, &remembered.until]).await? == 0 {
        return Err(stale());
    }
    Ok(remembered.state)
}

/// Forgets challenges that would be too old by now. Gives how many.
///
/// # Errors
/// If the database fails.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.passkey_challenges_used where expires_at < $1", &[&now]).await?)
}

/// The passkeys of an account with what belongs to them; what cannot be opened any more is missing.
async fn of(cx: &Services, account: &Account) -> Result<Vec<(Kept, Passkey)>, AccountsError> {
    let mut all = vec![];
    for kept in &account.passkeys {
        if let Some(text) = open(cx, Some(&kept.credential)).await? {
            all.push((kept.clone(), serde_json::from_str(&text).map_err(broken)?));
        }
    }
    Ok(all)
}

/// The passkeys of an account, the oldest first.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn list(cx: &Services, account: Uuid) -> Result<Vec<Listed>, AccountsError> {
    let state = load(cx, account).await?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "select passkey, used_at from public.passkey_uses where account = $1";
    let used: Vec<(Uuid, DateTime<Utc>)> =
        client.query(sql, &[&account]).await?.iter().map(|r| (r.get(0), r.get(1))).collect();
    drop(client);
    let mut all = vec![];
    for kept in &state.passkeys {
        let name = open(cx, Some(&kept.name)).await?.unwrap_or_default();
        let used_at = used.iter().find(|(id, _)| *id == kept.id).map(|(_, at)| *at);
        all.push(Listed { id: kept.id, name, added_at: kept.added_at, used_at });
    }
    Ok(all)
}

/// A challenge to make a passkey. The password proves who asks.
///
/// # Errors
/// [`AccountsError::WrongPassword`] and its like.
pub async fn begin_adding(cx: &Services, account: Uuid, password: &str) -> Result<Challenge, AccountsError> {
    sign_in::prove(cx, account, password).await?;
    let state = load(cx, account).await?;
    let mail = open(cx, state.mail.as_ref()).await?.unwrap_or_default();
    let name = open(cx, state.display_name.as_ref()).await?.unwrap_or_else(|| mail.clone());
    let known: Vec<CredentialID> =
        of(cx, &state).await?.iter().map(|(_, passkey)| passkey.cred_id().clone()).collect();
    let (options, state) =
        webauthn(cx)?.start_passkey_registration(account, &mail, &name, Some(known)).map_err(broken)?;
    let mut options = serde_json::to_value(&options).map_err(broken)?;
    // So that it opens the account without anything typed.
    options["publicKey"]["authenticatorSelection"]["residentKey"] = json!("required");
    options["publicKey"]["authenticatorSelection"]["requireResidentKey"] = json!(true);
    Ok(Challenge { options, token: seal(cx, b"passkey adding", state, Some(account))? })
}

fn parse_name(name: &str, field: &'static str) -> Result<String, AccountsError> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        let words = format!("Give it a name of 1 to {LONGEST_NAME} characters, such as \"Telephone\".");
        return Err(AccountsError::Field(field, words));
    }
    Ok(name)
}

/// Calls a passkey something else. It opens what it opened before, so nothing is to be proved.
///
/// # Errors
/// [`AccountsError::Field`] on `new_name`, or a refusal.
pub async fn rename(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    (passkey, name): (Uuid, &str),
) -> Result<Receipt, AccountsError> {
    let name = parse_name(name, "new_name")?;
    let version = derive_id(&command_id.to_string(), "passkey_name");
    let name = PersonalValue::new(account, "passkey_name", version, name);
    let command = AccountCommand::RenamePasskey { at: meta.at, passkey, name: name.reference.clone() };
    Ok(cx
        .bus
        .dispatch::<Account>(Envelope::new(command_id, account, command, meta).with_private(vec![name]))
        .await?)
}

/// Adds the passkey that a browser made. The first second factor comes with recovery codes, which are shown once.
///
/// # Errors
/// [`AccountsError::Field`] on `passkey` or `passkey_name`, or a refusal.
pub async fn add(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    (name, token, answer): (&str, &str, &str),
) -> Result<(Receipt, Vec<String>), AccountsError> {
    let name = parse_name(name, "passkey_name")?;
    if token.is_empty() || answer.is_empty() {
        let words = "Your browser made no passkey. That needs JavaScript and a device that knows passkeys.";
        return Err(AccountsError::Field("passkey", words.into()));
    }
    let answer: RegisterPublicKeyCredential = read(answer)?;
    let state: PasskeyRegistration = take(cx, b"passkey adding", token, Some(account)).await?;
    let passkey = webauthn(cx)?.finish_passkey_registration(&answer, &state).map_err(|e| unfit(&e))?;
    let claim = claim(cx, passkey.cred_id())?;
    let had = load(cx, account).await?.has_second_factor();
    let id = derive_id(&command_id.to_string(), "passkey");
    let text = serde_json::to_string(&passkey).map_err(broken)?;
    let credential = PersonalValue::new(account, "passkey", id, text);
    let name = PersonalValue::new(account, "passkey_name", id, name);
    let command = AccountCommand::AddPasskey {
        at: meta.at,
        passkey: id,
        credential: credential.reference.clone(),
        name: name.reference.clone(),
    };
    let envelope = Envelope::new(command_id, account, command, meta.clone())
        .with_private(vec![credential, name])
        .with_claims(vec![claim]);
    let receipt = match cx.bus.dispatch::<Account>(envelope).await {
        Err(CommandError::Taken { .. }) => return Err(refused()),
        done => done?,
    };
    if had {
        return Ok((receipt, vec![]));
    }
    second_factor::make_codes(cx, derive_id(&command_id.to_string(), "codes"), meta, account).await
}

/// Removes a passkey. The password proves who asks.
///
/// # Errors
/// [`AccountsError::WrongPassword`] and its like, or a refusal.
pub async fn remove(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    (passkey, password): (Uuid, &str),
) -> Result<Receipt, AccountsError> {
    sign_in::prove(cx, account, password).await?;
    take_away(cx, command_id, meta, account, (passkey, By::Owner)).await
}

/// Removes all passkeys of an account: its owner lost them. Gives where the last event stands.
///
/// # Errors
/// If the account refuses or the store fails.
pub async fn remove_all(
    cx: &Services,
    command_id: Uuid,
    meta: &Metadata,
    account: Uuid,
    by: &By,
) -> Result<Option<Receipt>, AccountsError> {
    let mut last = None;
    for kept in load(cx, account).await?.passkeys {
        let id = derive_id(&command_id.to_string(), &kept.id.to_string());
        last = Some(take_away(cx, id, meta.clone(), account, (kept.id, by.clone())).await?);
    }
    Ok(last)
}

async fn take_away(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    (passkey, by): (Uuid, By),
) -> Result<Receipt, AccountsError> {
    let known = of(cx, &load(cx, account).await?).await?;
    let releases = known.iter().filter(|(kept, _)| kept.id == passkey).map(|(_, p)| claim(cx, p.cred_id()));
    let releases = releases.collect::<Result<Vec<_>, _>>()?;
    let command = AccountCommand::RemovePasskey { at: meta.at, passkey, by };
    let envelope = Envelope::new(command_id, account, command, meta).with_releases(releases);
    let receipt = cx.bus.dispatch::<Account>(envelope).await?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    client.execute("delete from public.passkey_uses where passkey = $1", &[&passkey]).await?;
    drop(client);
    second_factor::drop_codes(cx, account).await?;
    Ok(receipt)
}

/// A challenge to sign in. It is for everybody: the passkey says whose it is.
///
/// # Errors
/// If it cannot be made.
pub fn begin_signing_in(cx: &Services) -> Result<Challenge, AccountsError> {
    let (options, state) = webauthn(cx)?.start_discoverable_authentication().map_err(broken)?;
    let mut options = serde_json::to_value(&options).map_err(broken)?;
    // Asked for by a button, not by the way while somebody types.
    if let Some(options) = options.as_object_mut() {
        options.remove("mediation");
    }
    Ok(Challenge { options, token: seal(cx, b"passkey sign-in", state, None)? })
}

/// Signs in with a passkey. The device has asked its owner, so that it stands for both factors.
///
/// # Errors
/// [`AccountsError::Field`] on `passkey` if it does not count.
pub async fn sign_in(cx: &Services, token: &str, answer: &str) -> Result<SignIn, AccountsError> {
    let answer: PublicKeyCredential = read(answer)?;
    let state: DiscoverableAuthentication = take(cx, b"passkey sign-in", token, None).await?;
    let webauthn = webauthn(cx)?;
    let (account, credential) =
        webauthn.identify_discoverable_authentication(&answer).map_err(|e| unfit(&e))?;
    let credential = credential.to_vec();
    let person = load(cx, account).await?;
    let known = of(cx, &person).await?;
    let same = known.iter().find(|(_, passkey)| passkey.cred_id().as_slice() == credential.as_slice());
    let (kept, passkey) = same.ok_or_else(refused)?;
    let result =
        webauthn.finish_discoverable_authentication_v2(&answer, state, passkey).map_err(|e| unfit(&e))?;
    if !result.user_verified() || !count_use(cx, account, kept.id, result.counter()).await? {
        return Err(refused());
    }
    Ok(match sign_in::next_step(account, &person) {
        SignIn::SecondStep(account) => SignIn::Proved(account),
        other => other,
    })
}

/// Notes a use; `false` if the passkey's own count did not rise, so that it is a copy. Many count nothing.
async fn count_use(cx: &Services, account: Uuid, passkey: Uuid, counter: u32) -> Result<bool, StoreError> {
    let sql =
        "insert into public.passkey_uses as u (passkey, account, counter, used_at) values ($1, $2, $3, $4)
               on conflict (passkey) do update set counter = excluded.counter, used_at = excluded.used_at
               where excluded.counter > u.counter or (excluded.counter = 0 and u.counter = 0)";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&passkey, &account, &i64::from(counter), &cx.clock.now()];
    let client = cx.pool.get().await?;
    let rises = client.execute(sql, &values).await? == 1;
    if !rises {
        tracing::warn!(%account, "a passkey that was copied is refused");
    }
    Ok(rises)
}

fn claim(cx: &Services, credential: &CredentialID) -> Result<Claim, StoreError> {
    let id: &[u8] = credential.as_ref();
    Ok(Claim::new(CREDENTIAL, cx.vault.lookup_hash(CREDENTIAL, &hex::encode(id))?))
}

fn read<T: DeserializeOwned>(answer: &str) -> Result<T, AccountsError> {
    if answer.len() > LONGEST {
        return Err(refused());
    }
    serde_json::from_str(answer).map_err(|_| refused())
}

fn unfit(error: &WebauthnError) -> AccountsError {
    tracing::info!(%error, "a passkey was not accepted");
    refused()
}
