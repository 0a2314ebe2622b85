//! An admin sees the site as somebody else does: nothing can be changed meanwhile, it ends by itself, it
//! stands in the log with a reason, and the person is told by mail.

use super::{AccountsError, staff};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand, AccountError, Why};
use crate::domain::shared::{AccountId, PersonalValue, derive_id};
use crate::store::{Metadata, StoreError};
use chrono::TimeDelta;
use uuid::Uuid;

/// After so long it is over in any case.
pub const LASTS: TimeDelta = TimeDelta::minutes(30);

/// Lets the session `handle` of the admin `by` see the site as `account` does.
///
/// # Errors
/// [`AccountsError::Refused`] for oneself and for staff, [`AccountsError::Field`] without a reason.
pub async fn start(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    (by, handle): (AccountId, &str),
    account: AccountId,
    reason: &str,
) -> Result<(), AccountsError> {
    if account == by {
        return Err(AccountsError::Refused(AccountError::NotOnYourself));
    }
    let reason = staff::check_reason(reason)?;
    let text = PersonalValue::new(account, "reason", derive_id(&command_id.to_string(), "reason"), reason);
    let (at, until) = (meta.at, meta.at + LASTS);
    let why = Why::Text(text.reference.clone());
    let command = AccountCommand::Impersonate { at, until, by, why };
    // First the log, then the eyes: what is not written down is not seen.
    let envelope = Envelope::new(command_id, account, command, meta).with_private(vec![text]);
    cx.bus.dispatch::<Account>(envelope).await?;
    set(cx, by, handle, Some(account)).await?;
    Ok(())
}

/// Gives the session its own eyes back.
///
/// # Errors
/// If the database cannot be written.
pub async fn stop(cx: &Services, by: AccountId, handle: &str) -> Result<(), StoreError> {
    set(cx, by, handle, None).await
}

async fn set(
    cx: &Services,
    by: AccountId,
    handle: &str,
    account: Option<AccountId>,
) -> Result<(), StoreError> {
    let Ok(id_hash) = hex::decode(handle) else { return Ok(()) };
    let until = account.map(|_| cx.clock.now() + LASTS);
    let sql =
        "update public.sessions set viewing_as = $3, viewing_until = $4 where account = $1 and id_hash = $2";
    cx.pool.get().await?.execute(sql, &[&by, &id_hash, &account, &until]).await?;
    Ok(())
}
