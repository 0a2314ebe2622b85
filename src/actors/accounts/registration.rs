//! Who may register: the settings, the door that moderators shut, invitations, and the queue of those
//! who wait for approval.

use super::AccountsError;
use super::leaving::{self, LeavingError};
use super::staff::{self, Act};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::config::Registration;
use crate::domain::account::{Account, AccountCommand, By};
use crate::domain::deletion_request::{CommentsFate, RequestedBy};
use crate::domain::shared::derive_id;
use crate::store::{Actor, Metadata, StoreError};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Longest life of an invitation, in days.
pub const LONGEST_DAYS: i64 = 365;
/// Most people that one invitation lets in.
pub const MOST_USES: i32 = 1000;

/// Who may register now.
///
/// # Errors
/// If the database cannot be read: then nobody is let in.
pub async fn door(cx: &Services) -> Result<Registration, StoreError> {
    let client = cx.pool.get().await?;
    let shut: bool = client.query_one("select shut from public.registration_door", &[]).await?.get(0);
    Ok(if shut { Registration::Closed } else { cx.config.registration() })
}

/// Whether a moderator has shut the door.
///
/// # Errors
/// If the database cannot be read.
pub async fn is_shut(cx: &Services) -> Result<bool, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.query_one("select shut from public.registration_door", &[]).await?.get(0))
}

/// Shuts the door, or opens it again.
///
/// # Errors
/// If the database cannot be written.
pub async fn move_door(cx: &Services, by: Option<Uuid>, shut: bool) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    let sql = "update public.registration_door set shut = $1, moved_by = $2, moved_at = $3";
    client.execute(sql, &[&shut, &by, &cx.clock.now()]).await?;
    Ok(())
}

/// An invitation as it is listed.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Names it.
    pub id: Uuid,
    /// Its first letters.
    pub hint: String,
    /// Since when.
    pub made_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// How many it still lets in.
    pub uses_left: i32,
}

/// Makes an invitation for `uses` people and `days` days; gives its code, which is shown once.
///
/// # Errors
/// [`AccountsError::Field`] on `uses` or `days`.
pub async fn invite(cx: &Services, by: Option<Uuid>, uses: i32, days: i64) -> Result<String, AccountsError> {
    if !(1..=MOST_USES).contains(&uses) {
        return Err(AccountsError::Field("uses", format!("Use a number from 1 to {MOST_USES}.")));
    }
    if !(1..=LONGEST_DAYS).contains(&days) {
        return Err(AccountsError::Field("days", format!("Use a number from 1 to {LONGEST_DAYS}.")));
    }
    let random: [u8; 18] = rand::rng().random();
    let code = BASE64.encode(random);
    let hint: String = code.chars().take(4).collect();
    let now = cx.clock.now();
    let sql = "insert into public.invitations (id, hash, hint, made_by, made_at, expires_at, uses_left)
               values ($1, $2, $3, $4, $5, $6, $7)";
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let until = now + TimeDelta::days(days);
    client.execute(sql, &[&cx.clock.new_id(), &hash(&code), &hint, &by, &now, &until, &uses]).await?;
    Ok(code)
}

/// The invitations that still let somebody in, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn invitations(cx: &Services) -> Result<Vec<Invitation>, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select id, hint, made_at, expires_at, uses_left from public.invitations
               where uses_left > 0 and expires_at > $1 order by made_at desc, id limit 200";
    let rows = client.query(sql, &[&cx.clock.now()]).await?;
    let one = |r: &tokio_postgres::Row| Invitation {
        id: r.get(0),
        hint: r.get(1),
        made_at: r.get(2),
        expires_at: r.get(3),
        uses_left: r.get(4),
    };
    Ok(rows.iter().map(one).collect())
}

/// Makes an invitation worthless.
///
/// # Errors
/// If the database cannot be written.
pub async fn withdraw(cx: &Services, id: Uuid) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    client.execute("delete from public.invitations where id = $1", &[&id]).await?;
    Ok(())
}

/// Whether a code lets somebody in.
///
/// # Errors
/// If the database cannot be read.
pub async fn is_good(cx: &Services, code: &str) -> Result<bool, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select 1 from public.invitations where hash = $1 and uses_left > 0 and expires_at > $2";
    Ok(client.query_opt(sql, &[&hash(code), &cx.clock.now()]).await?.is_some())
}

/// Takes one use of a code; `false` if it lets nobody in any more.
///
/// # Errors
/// If the database cannot be written.
pub async fn take_use(cx: &Services, code: &str) -> Result<bool, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "update public.invitations set uses_left = uses_left - 1
               where hash = $1 and uses_left > 0 and expires_at > $2";
    Ok(client.execute(sql, &[&hash(code), &cx.clock.now()]).await? == 1)
}

/// Gives a use back: nobody came in by it.
///
/// # Errors
/// If the database cannot be written.
pub async fn give_back(cx: &Services, code: &str) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    let sql = "update public.invitations set uses_left = uses_left + 1 where hash = $1";
    client.execute(sql, &[&hash(code)]).await?;
    Ok(())
}

/// Lets a registration in.
///
/// # Errors
/// If the account refuses or the store fails.
pub async fn approve(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
) -> Result<(), AccountsError> {
    let by = match &meta.actor {
        Actor::Account(id) => By::Account(*id),
        Actor::System(name) => By::System(name.clone()),
        Actor::Visitor => By::System("visitor".into()),
    };
    let command = AccountCommand::Approve { at: meta.at, by };
    cx.bus.dispatch::<Account>(Envelope::new(command_id, account, command, meta)).await?;
    Ok(())
}

/// Refuses a registration: it cannot sign in, and what it said about the person is erased after the
/// usual grace.
///
/// # Errors
/// If the account refuses or the store fails.
pub async fn refuse(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    by: RequestedBy,
) -> Result<(), AccountsError> {
    let id = |part: &str| derive_id(&command_id.to_string(), part);
    // The request first: cut off here, the registration still waits, cannot sign in and is erased. The
    // other way round it would be suspended, out of sight, and kept for ever.
    match leaving::file(cx, id("file"), meta.clone(), account, by, CommentsFate::default()).await {
        // It was refused before.
        Ok(_) | Err(LeavingError::Open) => {}
        Err(LeavingError::Refused(why)) => return Err(AccountsError::Field("", why.to_string())),
        Err(LeavingError::Other(error)) => return Err(error),
    }
    staff::act(cx, id("suspend"), meta, account, &Act::Suspend(None), "Registration refused").await?;
    Ok(())
}

fn hash(code: &str) -> Vec<u8> {
    Sha256::digest(code.trim().as_bytes()).to_vec()
}
