//! What staff and the shell do to accounts: roles, suspension, complimentary access, and the record
//! that personal data was read. Every act has an event with who did it and why.

use super::{AccountsError, sessions};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand, By, Why};
use crate::domain::shared::{PersonalValue, Role, derive_id};
use crate::store::{Actor, Metadata, Receipt};
use chrono::{DateTime, Timelike as _, Utc};
use uuid::Uuid;

/// An act on an account.
#[derive(Clone, Debug)]
pub enum Act {
    /// Give a role.
    Grant(Role),
    /// Take a role.
    Revoke(Role),
    /// Keep from signing in, until then or until it is lifted; sessions end.
    Suspend(Option<DateTime<Utc>>),
    /// Let sign in again.
    Reinstate,
    /// Let watch without paying, until then or for ever.
    Complimentary(Option<DateTime<Utc>>),
    /// Take that back.
    EndComplimentary,
}

/// Does `act` to `account`; `reason` is free text, kept in the account's part of the vault.
///
/// # Errors
/// [`AccountsError::Refused`], [`AccountsError::Field`] without a reason.
pub async fn act(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    act: &Act,
    reason: &str,
) -> Result<Receipt, AccountsError> {
    let reason = check_reason(reason)?;
    let text = PersonalValue::new(account, "reason", derive_id(&command_id.to_string(), "reason"), reason);
    let why = Why::Text(text.reference.clone());
    let by = match &meta.actor {
        Actor::Account(id) if *id == account => By::Owner,
        Actor::Account(id) => By::Account(*id),
        Actor::System(name) => By::System(name.clone()),
        Actor::Visitor => By::System("visitor".into()),
    };
    let at = meta.at;
    let command = match *act {
        Act::Grant(role) => AccountCommand::GrantRole { at, role, by, why },
        Act::Revoke(role) => AccountCommand::RevokeRole { at, role, by, why },
        Act::Suspend(until) => AccountCommand::Suspend { at, until, by, why },
        Act::Reinstate => AccountCommand::Reinstate { at, by, why },
        Act::Complimentary(until) => AccountCommand::GrantComplimentary { at, until, by, why },
        Act::EndComplimentary => AccountCommand::EndComplimentary { at, by, why },
    };
    let envelope = Envelope::new(command_id, account, command, meta).with_private(vec![text]);
    let receipt = cx.bus.dispatch::<Account>(envelope).await?;
    if matches!(act, Act::Suspend(_)) {
        sessions::end_until(cx, account, at).await?;
    }
    Ok(receipt)
}

/// The reason of an act, without the white space around it.
///
/// # Errors
/// [`AccountsError::Field`] if there is none, or it is too long.
pub(super) fn check_reason(reason: &str) -> Result<&str, AccountsError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        let words = "Say why, in at most 500 characters: the reason is kept with the act.";
        return Err(AccountsError::Field("reason", words.into()));
    }
    Ok(reason)
}

/// Records that `reader` opened personal data of `account` on the page `scope`. Reloads within a
/// quarter of an hour count as one reading.
///
/// # Errors
/// If it cannot be recorded: then the data must not be shown.
pub async fn record_read(
    cx: &Services,
    meta: Metadata,
    reader: Uuid,
    account: Uuid,
    scope: &str,
) -> Result<(), AccountsError> {
    if reader == account {
        return Ok(());
    }
    let quarter = format!("{}T{}:{}", meta.at.date_naive(), meta.at.hour(), meta.at.minute() / 15);
    let id = derive_id(&format!("{reader}/{account}/{scope}"), &quarter);
    let command = AccountCommand::RecordRead { at: meta.at, reader, scope: scope.to_owned() };
    cx.bus.dispatch::<Account>(Envelope::new(id, account, command, meta)).await?;
    Ok(())
}
