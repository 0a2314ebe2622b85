//! What pages and the shell do with accounts: register, sign in, reset, keep sessions. Commands go
//! over the bus; sessions, links in mails and failed attempts are rows of plain tables.

pub mod access_tokens;
pub mod challenge;
pub mod demo;
pub mod devices;
pub mod digests;
pub mod door_limits;
pub mod impersonation;
pub mod leaving;
pub mod limits;
pub mod passkeys;
pub mod passwords;
pub mod profile;
pub mod profile_webhook;
pub mod recover;
pub mod register;
pub mod registration;
pub mod second_factor;
pub mod service_flow;
pub mod service_roles;
pub mod sessions;
pub mod shown_once;
pub mod sign_in;
pub mod sign_in_service;
pub mod staff;
pub mod step_up;
pub mod sweeps;
pub mod tokens;

use super::bus::CommandError;
use super::services::Services;
use crate::domain::account::{Account, AccountError, WeakPassword};
use crate::domain::shared::{MailAddress, PersonalRef};
use crate::store::{Claim, StoreError, repository::EventRepository};
use uuid::Uuid;

/// Namespace of the claims on mail addresses; the key is a keyed hash.
pub const MAIL: &str = "account-mail";
/// Namespace of the claims on user names; the key is a keyed hash.
pub const USERNAME: &str = "account-username";
/// Namespace of the claim that lets only one first admin be made.
pub const FIRST_ADMIN: &str = "first-admin";

/// Why something did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// What was typed cannot be used; the field and a sentence about it.
    #[error("{1}")]
    Field(&'static str, String),
    /// The account refuses.
    #[error("{0}")]
    Refused(#[from] AccountError),
    /// A link is unknown, used or too old.
    #[error("This link is not valid any more. Ask for a new one.")]
    StaleLink,
    /// The password that was to prove the identity is wrong.
    #[error("This is not your current password.")]
    WrongPassword,
    /// There is no password that could prove it.
    #[error("You have no password yet. Set one first: ask for a link on the page \"Forgot your password?\".")]
    NoPassword,
    /// Too many attempts; try again after so many seconds.
    #[error("Too many attempts. Wait {0} seconds and try again.")]
    TooMany(u64),
    /// Too much is going on.
    #[error("Too busy. Try again in a moment.")]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for AccountsError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<WeakPassword> for AccountsError {
    fn from(weak: WeakPassword) -> Self {
        Self::Field("password", weak.to_string())
    }
}

impl From<CommandError<AccountError>> for AccountsError {
    fn from(error: CommandError<AccountError>) -> Self {
        match error {
            CommandError::Refused(why) => Self::Refused(why),
            CommandError::Taken { namespace } if namespace == USERNAME => {
                Self::Field("username", "This user name is taken. Choose another one.".into())
            }
            CommandError::Taken { namespace } if namespace == FIRST_ADMIN => {
                Self::Field("mail", "The first admin exists already. Sign in instead.".into())
            }
            CommandError::Taken { .. } => {
                Self::Field("mail", "There is an account with this address.".into())
            }
            CommandError::Panicked => Self::Store(StoreError::Vault("a command failed".into())),
            CommandError::Busy
            | CommandError::Stale
            | CommandError::TimedOut
            | CommandError::Unavailable
            | CommandError::Newer(_) => Self::Busy,
        }
    }
}

/// The claim on a mail address.
///
/// # Errors
/// If the keyed hash cannot be made.
pub fn mail_claim(cx: &Services, mail: &MailAddress) -> Result<Claim, StoreError> {
    Ok(Claim::new(MAIL, cx.vault.lookup_hash(MAIL, &mail.lookup_form())?))
}

/// The claim on a user name.
///
/// # Errors
/// If the keyed hash cannot be made.
pub fn username_claim(cx: &Services, username: &str) -> Result<Claim, StoreError> {
    Ok(Claim::new(USERNAME, cx.vault.lookup_hash(USERNAME, &username.to_lowercase())?))
}

/// The account that holds a claim.
async fn holder(cx: &Services, claim: &Claim) -> Result<Option<Uuid>, StoreError> {
    let owner = cx.reader.claimed_by(&claim.namespace, &claim.key).await?;
    Ok(owner.and_then(|o| o.strip_prefix("account-").and_then(|id| Uuid::parse_str(id).ok())))
}

/// The account of a mail address or user name.
///
/// # Errors
/// If the database cannot be read.
pub async fn find(cx: &Services, login: &str) -> Result<Option<Uuid>, StoreError> {
    if let Ok(mail) = MailAddress::parse(login) {
        return holder(cx, &mail_claim(cx, &mail)?).await;
    }
    holder(cx, &username_claim(cx, login.trim())?).await
}

/// The account as the log has it now (projections may lag).
///
/// # Errors
/// If the log cannot be read.
pub async fn load(cx: &Services, id: Uuid) -> Result<Account, StoreError> {
    Ok(EventRepository::<Account>::new(cx.pool.clone(), cx.journal.clone()).load(id).await?.state)
}

/// Opens a value of the vault, if it is there.
async fn open(cx: &Services, reference: Option<&PersonalRef>) -> Result<Option<String>, StoreError> {
    match reference {
        Some(reference) => cx.reader.open(reference).await,
        None => Ok(None),
    }
}
