//! Hashing of passwords with argon2id, on threads of its own and never more than a few at once:
//! each hash takes 19 MiB and some 30 ms of a processor, unless the settings say otherwise.

use super::AccountsError;
use crate::config::Accounts;
use crate::store::StoreError;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use rand::RngExt as _;
use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

/// Hashes computed at once.
const AT_ONCE: usize = 2;
/// Hashes that may wait in a line; more are refused, so that a flood of sign-ins cannot pile up.
const WAITING: usize = 64;

/// Who waits in one line.
struct Line {
    slots: Semaphore,
    waiting: AtomicUsize,
}

impl Line {
    const fn of(at_once: usize) -> Self {
        Self { slots: Semaphore::const_new(at_once), waiting: AtomicUsize::new(0) }
    }
}

/// The line of everybody.
static ANYBODY: Line = Line::of(AT_ONCE);
/// The line of browsers that their account knows: strangers who guess do not stand before them.
static KNOWN: Line = Line::of(1);

/// Compared with when there is no account, so that the answer takes as long as with one. The first
/// parameters that are asked for count: they do not change while the program runs.
static DUMMY: OnceLock<Option<String>> = OnceLock::new();

/// Checks the parameters of the settings when the program starts.
///
/// # Errors
/// In a sentence, when argon2 cannot work with them.
pub fn check_settings(settings: &Accounts) -> Result<(), String> {
    hasher(settings).map(drop)
}

fn hasher(settings: &Accounts) -> Result<Argon2<'static>, String> {
    let params = Params::new(settings.password_memory_kib, settings.password_passes, 1, None)
        .map_err(|e| format!("accounts.password_memory_kib and accounts.password_passes: {e}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash of a password as a PHC string, with parameters and salt.
///
/// # Errors
/// [`AccountsError::Busy`] when too many wait.
pub async fn hash(settings: &Accounts, password: &str) -> Result<String, AccountsError> {
    let (password, settings) = (password.to_owned(), settings.clone());
    work(&ANYBODY, move || hash_now(&settings, &password)).await?
}

/// Whether a hash was made with other parameters than the settings name now.
#[must_use]
pub fn is_dated(settings: &Accounts, stored: &str) -> bool {
    let wanted = hasher(settings).ok();
    let made = PasswordHash::new(stored).ok().and_then(|hash| Params::try_from(&hash).ok());
    match (wanted, made) {
        (Some(wanted), Some(made)) => {
            let wanted = wanted.params();
            (wanted.m_cost(), wanted.t_cost(), wanted.p_cost())
                != (made.m_cost(), made.t_cost(), made.p_cost())
        }
        _ => false,
    }
}

/// Whether `password` is the one that `stored` was made of. Without a stored hash the answer is no,
/// after as much work. `known`: asked by a browser that the account knows.
///
/// # Errors
/// [`AccountsError::Busy`] when too many wait.
pub async fn verify(
    settings: &Accounts,
    password: &str,
    stored: Option<String>,
    known: bool,
) -> Result<bool, AccountsError> {
    let (password, settings) = (password.to_owned(), settings.clone());
    let line = if known { &KNOWN } else { &ANYBODY };
    work(line, move || {
        let is_there = stored.is_some();
        let dummy = || DUMMY.get_or_init(|| hash_now(&settings, "no password is this one").ok()).clone();
        let stored = stored.or_else(dummy).unwrap_or_default();
        let same = PasswordHash::new(&stored)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        is_there && same
    })
    .await
}

fn hash_now(settings: &Accounts, password: &str) -> Result<String, AccountsError> {
    let failed =
        |why: String| AccountsError::Store(StoreError::Vault(format!("a password cannot be hashed: {why}")));
    let salt: [u8; 16] = rand::rng().random();
    let hash: Result<PasswordHash, _> =
        hasher(settings).map_err(failed)?.hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|h| h.to_string()).map_err(|e| failed(e.to_string()))
}

async fn work<T: Send + 'static>(
    line: &'static Line,
    task: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AccountsError> {
    struct Place(&'static Line);
    impl Drop for Place {
        fn drop(&mut self) {
            self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let waiting = line.waiting.fetch_add(1, Ordering::Relaxed);
    let _place = Place(line);
    if waiting >= WAITING {
        return Err(AccountsError::Busy);
    }
    let _slot = line.slots.acquire().await.map_err(|_| AccountsError::Busy)?;
    tokio::task::spawn_blocking(task).await.map_err(|_| AccountsError::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let settings = Accounts::default();
        let is = async |password: &str, stored| verify(&settings, password, stored, false).await.unwrap();
        let stored = hash(&settings, "salt keeper walks").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash(&settings, "salt keeper walks").await.unwrap(), "salted");
        assert!(is("salt keeper walks", Some(stored.clone())).await);
        assert!(verify(&settings, "salt keeper walks", Some(stored.clone()), true).await.unwrap());
        assert!(!is("salt keeper runs", Some(stored)).await);
        assert!(!is("no password is this one", None).await);
        assert!(!is("salt keeper walks", Some("damaged".into())).await);
    }

    #[tokio::test]
    async fn hashes_of_other_parameters_are_dated_and_still_open() {
        let (old, new) = (Accounts { password_memory_kib: 8192, ..Accounts::default() }, Accounts::default());
        let stored = hash(&old, "salt keeper walks").await.unwrap();
        assert!(is_dated(&new, &stored) && !is_dated(&old, &stored) && !is_dated(&new, "damaged"));
        assert!(verify(&new, "salt keeper walks", Some(stored), false).await.unwrap());
        assert!(check_settings(&new).is_ok());
        let few = Accounts { password_memory_kib: 7, ..Accounts::default() };
        assert!(check_settings(&few).unwrap_err().contains("password_memory_kib"));
    }
}
