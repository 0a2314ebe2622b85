//! A proof of who it is, once more, before a grave act: by whatever the account can be opened with.

use super::limits::Buckets;
use super::sign_in::SignIn;
use super::{AccountsError, passkeys, second_factor, sessions, sign_in};
use crate::actors::services::Services;
use crate::store::Metadata;
use uuid::Uuid;

/// What somebody shows.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// The account's password.
    Password(&'a str),
    /// A code of the authenticator, or a recovery code, which is used up.
    Code(&'a str),
    /// What a device answered to a challenge.
    Passkey {
        /// What came with the challenge.
        token: &'a str,
        /// The answer, as JSON.
        answer: &'a str,
    },
}

/// Checks a proof and notes it with the session `handle` of `account`: grave acts are open from then on, for
/// as long as the settings say.
///
/// # Errors
/// [`AccountsError::WrongPassword`], [`AccountsError::Field`] on `code` or `passkey`,
/// [`AccountsError::TooMany`] after too many tries.
pub async fn prove(
    cx: &Services,
    meta: Metadata,
    (account, handle): (Uuid, &str),
    proof: Proof<'_>,
) -> Result<(), AccountsError> {
    match proof {
        Proof::Password(password) => sign_in::prove(cx, account, password).await?,
        Proof::Code(code) => second_factor::check(cx, meta, account, code).await?,
        Proof::Passkey { token, answer } => by_passkey(cx, meta, account, token, answer).await?,
    }
    sessions::note_proof(cx, account, handle).await?;
    Ok(())
}

async fn by_passkey(
    cx: &Services,
    meta: Metadata,
    account: Uuid,
    token: &str,
    answer: &str,
) -> Result<(), AccountsError> {
    let buckets = Buckets::new(cx, "proof by passkey", &account.to_string(), None)?;
    buckets.check(cx, meta.at).await?;
    let outcome = passkeys::sign_in(cx, token, answer).await;
    // A passkey of somebody else is as good as none.
    if matches!(outcome, Ok(SignIn::Proved(whose)) if whose == account) {
        return Ok(());
    }
    buckets.count(cx, meta.at).await?;
    outcome?;
    Err(AccountsError::Field(
        "passkey",
        "This passkey belongs to another account. Take one of your own.".into(),
    ))
}
