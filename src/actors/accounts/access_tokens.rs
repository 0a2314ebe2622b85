//! Personal tokens: what a program shows instead of a session. Of the secret only its hash is kept.

use super::sessions::SignedIn;
use crate::actors::services::Services;
use crate::domain::account::Complimentary;
use crate::projections::people;
use crate::store::StoreError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use strum::{EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};
use uuid::Uuid;

/// What every token begins with, so that it is known for one where it leaks.
pub const PREFIX: &str = "kinora_";
/// Longest life of a token, in days.
pub const LONGEST_DAYS: i64 = 366;
/// Longest name of a token, in characters.
pub const LONGEST_NAME: usize = 60;
/// Tokens a person may have at a time.
pub const MOST: usize = 20;
/// How often "last used" is written.
const TOUCH: TimeDelta = TimeDelta::minutes(1);

/// What a token may be used for; never more than its person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, EnumString, IntoStaticStr)]
pub enum Scope {
    /// Works, films, courses and posts, as the person sees them.
    #[strum(serialize = "media:read")]
    MediaRead,
    /// Upload, describe, publish and remove own works.
    #[strum(serialize = "media:write")]
    MediaWrite,
    /// The own account.
    #[strum(serialize = "account:read")]
    AccountRead,
    /// Subscriptions, orders and invoices, with the papers that name the buyer: the own ones; for billing staff all.
    #[strum(serialize = "billing:read")]
    BillingRead,
    /// End the own subscription and take that back.
    #[strum(serialize = "billing:write")]
    BillingWrite,
    /// The event log; for staff.
    #[strum(serialize = "events:read")]
    EventsRead,
}

impl Scope {
    /// As it is written.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// In words, for the form.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::MediaRead => "See works, films, courses and posts",
            Self::MediaWrite => "Upload, change and publish your works",
            Self::AccountRead => "See your account",
            Self::BillingRead => "See subscriptions, orders and invoices, with papers that name the buyer",
            Self::BillingWrite => "End your subscription, and take that back",
            Self::EventsRead => "Read the event log (staff)",
        }
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }
}

/// A token in the person's own list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub id: Uuid,
    /// What its person calls it.
    pub name: Option<String>,
    /// How it begins: enough to know it again.
    pub hint: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, to a minute.
    pub used_at: Option<DateTime<Utc>>,
}

/// Why a token is not made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Nothing it could be used for.
    #[error("Choose at least one thing that the token may be used for.")]
    NoScope,
    /// Too long a life.
    #[error("A token lives from 1 to {LONGEST_DAYS} days.")]
    Days,
    /// A name that is none.
    #[error("A name has at most {LONGEST_NAME} characters and stands on one line.")]
    Name,
    /// Too many.
    #[error("You have {MOST} tokens already. Revoke one that you no longer use.")]
    TooMany,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for TokenError {
    fn from(e: tokio_postgres::Error) -> Self {
        Self::Store(e.into())
    }
}

/// To what the seal of a token's name is bound.
fn purpose(id: Uuid) -> String {
    format!("name of the token {id}")
}

/// Makes a token and gives its secret, which is shown once. It may have a name; an empty one is none.
///
/// # Errors
/// As [`TokenError`] says.
pub async fn issue(
    cx: &Services,
    account: Uuid,
    name: &str,
    scopes: &[Scope],
    days: i64,
) -> Result<String, TokenError> {
    let name = name.trim();
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(TokenError::Name);
    }
    if scopes.is_empty() {
        return Err(TokenError::NoScope);
    }
    if !(1..=LONGEST_DAYS).contains(&days) {
        return Err(TokenError::Days);
    }
    if list(cx, account).await?.len() >= MOST {
        return Err(TokenError::TooMany);
    }
    let random: [u8; 32] = rand::rng().random();
    let secret = format!("{PREFIX}{}", BASE64.encode(random));
    let hint: String = secret.chars().take(PREFIX.len() + 4).collect();
    let codes: Vec<&str> = scopes.iter().map(|s| s.code()).collect();
    let now = cx.clock.now();
    let id = cx.clock.new_id();
    let sealed = match name {
        "" => None,
        name => cx.vault.seal_bytes(account, &purpose(id), name.as_bytes()).await?,
    };
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    client
        .execute(
            "insert into public.access_tokens (id, account, hash, hint, scopes, created_at, expires_at, name)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            &[&id, &account, &hash(&secret), &hint, &codes, &now, &(now + TimeDelta::days(days)), &sealed],
        )
        .await?;
    Ok(secret)
}

/// The living tokens of an account, the newest first.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(cx: &Services, account: Uuid) -> Result<Vec<Listed>, StoreError> {
    let client = cx.pool.get().await?;
    let rows = client
        .query(
            "select id, hint, scopes, created_at, expires_at, used_at, name from public.access_tokens
             where account = $1 and expires_at > $2 order by created_at desc, id",
            &[&account, &cx.clock.now()],
        )
        .await?;
    drop(client);
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let id = row.get(0);
        let name = match row.get::<_, Option<Vec<u8>>>(6) {
            Some(sealed) => cx.vault.open_bytes(account, &purpose(id), &sealed).await?,
            None => None,
        };
        all.push(Listed {
            id,
            name: name.and_then(|bytes| String::from_utf8(bytes).ok()),
            hint: row.get(1),
            scopes: row.get(2),
            created_at: row.get(3),
            expires_at: row.get(4),
            used_at: row.get(5),
        });
    }
    Ok(all)
}

/// Revokes a token of an account; `false` if there is none.
///
/// # Errors
/// If the database cannot be written.
pub async fn revoke(cx: &Services, account: Uuid, id: Uuid) -> Result<bool, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "delete from public.access_tokens where account = $1 and id = $2";
    Ok(client.execute(sql, &[&account, &id]).await? == 1)
}

/// Who a token belongs to and what it may be used for; none if it is not ours, has expired, was
/// revoked, or the account may not sign in any more.
///
/// # Errors
/// If the database cannot be read.
pub async fn look_up(cx: &Services, secret: &str) -> Result<Option<(SignedIn, Vec<String>)>, StoreError> {
    if !secret.starts_with(PREFIX) {
        return Ok(None);
    }
    let now = cx.clock.now();
    let client = cx.pool.get().await?;
    let statement = client
        .prepare_cached(
            "select t.account, t.used_at, t.scopes, t.id, p.roles, p.confirmed, p.standing, p.display_name,
                    p.complimentary, p.complimentary_until, p.second_factor
             from public.access_tokens t join people p on p.account = t.account
             where t.hash = $1 and t.expires_at > $2 and p.confirmed and not p.suspended
                   and p.standing <> 'erased'",
        )
        .await?;
    let Some(row) = client.query_opt(&statement, &[&hash(secret), &now]).await? else { return Ok(None) };
    let id: Uuid = row.get(3);
    if row.get::<_, Option<DateTime<Utc>>>(1).is_none_or(|at| now - at > TOUCH) {
        client.execute("update public.access_tokens set used_at = $2 where id = $1", &[&id, &now]).await?;
    }
    let complimentary = row.get::<_, bool>(8).then(|| Complimentary { until: row.get(9) });
    let found = SignedIn {
        account: row.get(0),
        handle: format!("token {id}"),
        roles: people::roles(&row.get::<_, Vec<String>>(4)),
        confirmed: row.get(5),
        leaving: row.get::<_, &str>(6) == "hidden",
        display_name: row.get::<_, Option<serde_json::Value>>(7).and_then(|v| serde_json::from_value(v).ok()),
        complimentary,
        second_factor: row.get(10),
        impersonator: None,
        // A token opens nothing that asks for more than itself.
        proved_at: DateTime::UNIX_EPOCH,
    };
    Ok(Some((found, row.get(2))))
}

/// Revokes all tokens of an account: its password was changed, or it was suspended.
///
/// # Errors
/// If the database cannot be written.
pub async fn revoke_all(cx: &Services, account: Uuid, until: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "delete from public.access_tokens where account = $1 and created_at <= $2";
    Ok(client.execute(sql, &[&account, &until]).await?)
}

/// Removes tokens that have expired.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    Ok(client.execute("delete from public.access_tokens where expires_at <= $1", &[&now]).await?)
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
