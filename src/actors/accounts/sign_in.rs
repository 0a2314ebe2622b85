//! Signing in with mail address or user name and password.

use super::{AccountsError, find, limits::Buckets, load, open, passwords};
use crate::actors::services::Services;
use crate::domain::account::{Account, Standing};
use std::net::IpAddr;
use uuid::Uuid;

/// What came of it. Only the last five tell anything about the account, and only to somebody who
/// knows its password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// No such account, or not its password.
    Unknown,
    /// The mail address is to be confirmed first.
    Unconfirmed(Uuid),
    /// The account is suspended.
    Suspended,
    /// A moderator is to approve the registration first.
    AwaitingApproval,
    /// The password is right; a code of the authenticator is to follow.
    SecondStep(Uuid),
    /// Identity proved.
    Proved(Uuid),
}

/// Checks a login and password. Unknown and wrong ones take as long and answer alike.
///
/// # Errors
/// [`AccountsError::TooMany`] after too many failures, [`AccountsError::Busy`].
pub async fn check(
    cx: &Services,
    login: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<SignIn, AccountsError> {
    let now = cx.clock.now();
    let buckets = Buckets::new(cx, "sign-in", login, address)?;
    buckets.check(cx, now).await?;
    let account = match find(cx, login).await? {
        Some(id) => Some((id, load(cx, id).await?)),
        None => None,
    };
    let stored = match &account {
        Some((_, account)) => open(cx, account.password.as_ref()).await?,
        None => None,
    };
    if !passwords::verify(password, stored).await? {
        buckets.count(cx, now).await?;
        return Ok(SignIn::Unknown);
    }
    let Some((id, account)) = account else { return Ok(SignIn::Unknown) };
    buckets.forget(cx).await?;
    Ok(next_step(id, &account))
}

/// What follows for somebody who proved the first factor of an account.
#[must_use]
pub fn next_step(id: Uuid, account: &Account) -> SignIn {
    match account.standing {
        Standing::Absent | Standing::Erased(_) => SignIn::Unknown,
        _ if account.suspended => SignIn::Suspended,
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
    let buckets = Buckets::new(cx, "proof", &account.to_string(), None)?;
    buckets.check(cx, now).await?;
    let state = load(cx, account).await?;
    if state.password.is_none() {
        return Err(AccountsError::NoPassword);
    }
    let stored = open(cx, state.password.as_ref()).await?;
    if passwords::verify(password, stored).await? {
        buckets.forget(cx).await?;
        return Ok(());
    }
    buckets.count(cx, now).await?;
    Err(AccountsError::WrongPassword)
}
