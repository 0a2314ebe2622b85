//! Hashing of passwords with argon2id, on threads of its own and never more than a few at once:
//! each hash takes 19 MiB and some 30 ms of a processor.

use super::AccountsError;
use crate::store::StoreError;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use rand::RngExt as _;
use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Semaphore;

/// Hashes computed at once.
const AT_ONCE: usize = 2;
/// Hashes that may wait; more are refused, so that a flood of sign-ins cannot pile up.
const WAITING: usize = 64;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE);
static QUEUE: AtomicUsize = AtomicUsize::new(0);

/// Compared with when there is no account, so that the answer takes as long as with one.
static DUMMY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("no password is this one").ok());

/// The hash of a password as a PHC string, with parameters and salt.
///
/// # Errors
/// [`AccountsError::Busy`] when too many wait.
pub async fn hash(password: &str) -> Result<String, AccountsError> {
    let password = password.to_owned();
    work(move || hash_now(&password)).await?
}

/// Whether `password` is the one that `stored` was made of. Without a stored hash the answer is no,
/// after as much work.
///
/// # Errors
/// [`AccountsError::Busy`] when too many wait.
pub async fn verify(password: &str, stored: Option<String>) -> Result<bool, AccountsError> {
    let password = password.to_owned();
    work(move || {
        let known = stored.is_some();
        let stored = stored.or_else(|| DUMMY.clone()).unwrap_or_default();
        let same = PasswordHash::new(&stored)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        known && same
    })
    .await
}

fn hash_now(password: &str) -> Result<String, AccountsError> {
    let salt: [u8; 16] = rand::rng().random();
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|h| h.to_string())
        .map_err(|e| AccountsError::Store(StoreError::Vault(format!("a password cannot be hashed: {e}"))))
}

async fn work<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> Result<T, AccountsError> {
    struct Place;
    impl Drop for Place {
        fn drop(&mut self) {
            QUEUE.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let waiting = QUEUE.fetch_add(1, Ordering::Relaxed);
    let _place = Place;
    if waiting >= WAITING {
        return Err(AccountsError::Busy);
    }
    let _slot = SLOTS.acquire().await.map_err(|_| AccountsError::Busy)?;
    tokio::task::spawn_blocking(task).await.map_err(|_| AccountsError::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let stored = hash("salt keeper walks").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$"), "{stored}");
        assert_ne!(stored, hash("salt keeper walks").await.unwrap(), "salted");
        assert!(verify("salt keeper walks", Some(stored.clone())).await.unwrap());
        assert!(!verify("salt keeper runs", Some(stored)).await.unwrap());
        assert!(!verify("no password is this one", None).await.unwrap());
        assert!(!verify("salt keeper walks", Some("damaged".into())).await.unwrap());
    }
}
