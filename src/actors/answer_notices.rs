//! Who wants to be told by mail that somebody answered their comment: everybody who did not say no.

use super::services::Services;
use crate::domain::shared::AccountId;
use crate::store::StoreError;

/// Whether `account` wants to be told.
///
/// # Errors
/// If the database cannot be read.
pub async fn wanted(cx: &Services, account: AccountId) -> Result<bool, StoreError> {
    let sql = "select not exists (select from public.answer_notices_off where account = $1)";
    Ok(cx.pool.get().await?.query_one(sql, &[&account]).await?.get(0))
}

/// Sets whether `account` wants to be told; doing so twice changes nothing.
///
/// # Errors
/// If the database cannot be written.
pub async fn set(cx: &Services, account: AccountId, wanted: bool) -> Result<(), StoreError> {
    let sql = if wanted {
        "delete from public.answer_notices_off where account = $1"
    } else {
        "insert into public.answer_notices_off values ($1) on conflict do nothing"
    };
    cx.pool.get().await?.execute(sql, &[&account]).await?;
    Ok(())
}
