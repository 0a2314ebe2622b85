//! Signing in with mail address or user name and password.

use super::{AccountsError, devices, find, limits::Buckets, load, open, passwords};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand, Standing};
use crate::domain::shared::PersonalValue;
use crate::store::Metadata;
use chrono::{DateTime, Utc};
use std::net::IpAddr;
use uuid::Uuid;

/// What came of it. Only the last six tell anything about the account, and only to somebody who
/// knows its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// No such account, or not its password.
    Unknown,
    /// The mail address is to be confirmed first.
    Unconfirmed(Uuid),
    /// The account is suspended, until then if that is known.
    Suspended(Option<DateTime<Utc>>),
    /// Another account of the same person is kept.
    Merged,
    /// A moderator is to approve the registration first.
    AwaitingApproval,
    /// The password is right; a code of the authenticator is to follow.
    SecondStep(Uuid),
    /// Identity proved.
    Proved(Uuid),
}

/// Checks a login and password. Unknown and wrong ones take as long and answer alike. `device` is the
/// cookie by which a browser is known again.
///
/// # Errors
/// [`AccountsError::TooMany`] after too many failures, [`AccountsError::Busy`].
pub async fn check(
    cx: &Services,
    login: &str,
    password: &str,
    address: Option<IpAddr>,
    device: Option<&str>,
) -> Result<SignIn, AccountsError> {
    let now = cx.clock.now();
    let found = find(cx, login).await?;
    let known = match (found, device) {
        (Some(id), Some(device)) => devices::is_known(cx, id, device).await?,
        _ => None,
    };
    let is_known = known.is_some();
    // Strangers who guess make no pause for the owner's own browser, nor their network's.
    let buckets = match known {
        Some(device) => Buckets::new(cx, "sign-in by a known browser", &device, None)?,
        None => Buckets::new(cx, "sign-in", login, address)?,
    }
    .growing();
    buckets.begin(cx, now).await?;
    let account = match found {
        Some(id) => Some((id, load(cx, id).await?)),
        None => None,
    };
    let stored = match &account {
        Some((_, account)) => open(cx, account.password.as_ref()).await?,
        None => None,
    };
    let settings = &cx.config.accounts;
    let same = match passwords::verify(settings, password, stored.clone(), is_known).await {
        Ok(same) => same,
        Err(busy) => {
            buckets.withdraw(cx, now).await?;
            return Err(busy);
        }
    };
    let (true, Some((id, account))) = (same, account) else { return Ok(SignIn::Unknown) };
    buckets.succeed(cx, now).await?;
    if stored.is_some_and(|stored| passwords::is_dated(settings, &stored)) {
        renew_hash(cx, id, password).await?;
    }
    Ok(next_step(id, &account))
}

/// Keeps the same password as a hash of the parameters that the settings name now.
async fn renew_hash(cx: &Services, account: Uuid, password: &str) -> Result<(), AccountsError> {
    let hash = passwords::hash(&cx.config.accounts, password).await?;
    let (id, at) = (cx.clock.new_id(), cx.clock.now());
    let value = PersonalValue::new(account, "password", id, hash);
    let command = AccountCommand::RenewPasswordHash { at, password: value.reference.clone() };
    let meta = Metadata::account(account, id, at);
    cx.bus.dispatch::<Account>(Envelope::new(id, account, command, meta).with_private(vec![value])).await?;
    Ok(())
}

/// What follows for somebody who proved the first factor of an account.
#[must_use]
pub fn next_step(id: Uuid, account: &Account) -> SignIn {
    match account.standing {
        Standing::Absent | Standing::Erased(_) => SignIn::Unknown,
        _ if account.merged_into.is_some() => SignIn::Merged,
        _ if account.suspended => SignIn::Suspended(account.suspended_until),
        _ if !account.confirmed => SignIn::Unconfirmed(id),
        _ if account.waiting => SignIn::AwaitingApproval,
        _ if account.has_second_factor() => SignIn::SecondStep(id),
        _ => SignIn::Proved(id),
    }
}

/// Whether `password` is that of a signed-in person: a second proof before something grave.
///
/// # Errors
/// [`AccountsError::WrongPassword`] if not, [`AccountsError::NoPassword`] if there is none,
/// [`AccountsError::TooMany`] after too many tries.
pub async fn prove(cx: &Services, account: Uuid, password: &str) -> Result<(), AccountsError> {
    let now = cx.clock.now();
    let buckets = Buckets::new(cx, "proof", &account.to_string(), None)?.growing();
    buckets.check(cx, now).await?;
    let state = load(cx, account).await?;
    if state.password.is_none() {
        return Err(AccountsError::NoPassword);
    }
    let stored = open(cx, state.password.as_ref()).await?;
    if passwords::verify(&cx.config.accounts, password, stored, true).await? {
        buckets.forget(cx).await?;
        return Ok(());
    }
    buckets.count(cx, now).await?;
    Err(AccountsError::WrongPassword)
}
