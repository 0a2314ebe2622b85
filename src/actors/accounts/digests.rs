//! Letters that tell what is new, for those who chose to get them.

use super::AccountsError;
use super::tokens;
use crate::actors::bus::Envelope;
use crate::actors::mailer;
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand, Digest};
use crate::domain::shared::derive_id;
use crate::emails::digest::NewThing;
use crate::emails::{MailKind, TokenPurpose};
use crate::projections::catalogue::new_between;
use crate::store::{Metadata, Receipt, StoreError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Things that one letter names.
const NAMED: i64 = 20;

/// The owner chooses.
///
/// # Errors
/// If the account refuses or the store fails.
pub async fn choose(
    cx: &Services,
    command_id: Uuid,
    meta: Metadata,
    account: Uuid,
    digest: Digest,
) -> Result<Receipt, AccountsError> {
    let command = AccountCommand::ChooseDigest { at: meta.at, digest };
    let receipt =
        cx.bus.dispatch::<Account>(Envelope::new(command_id, account, command, meta.clone())).await?;
    // What was published before somebody asked to be told is not news.
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "insert into public.digests values ($1, $2) on conflict (account) do update set until = excluded.until";
    if receipt.position > 0 {
        client.execute(sql, &[&account, &meta.at]).await.map_err(StoreError::from)?;
    }
    Ok(receipt)
}

/// Whether the link of a letter still stops it.
///
/// # Errors
/// If the database cannot be read.
pub async fn stops(cx: &Services, secret: &str) -> Result<Option<Uuid>, StoreError> {
    Ok(tokens::look_up(cx, TokenPurpose::StopDigest, secret).await?.map(|t| t.account))
}

/// Writes the letter of one reader, if one is due at `at` and there is something to tell. `true` if so.
///
/// # Errors
/// If the database fails.
pub async fn tell(
    cx: &Services,
    account: Uuid,
    digest: Digest,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select until from public.digests where account = $1";
    let told: Option<DateTime<Utc>> = client.query_opt(sql, &[&account]).await?.map(|row| row.get(0));
    drop(client);
    let Some(since) = digest.since(told, at) else { return Ok(false) };
    let new = new_between(&cx.reader, since, at, NAMED).await?;
    let something = !new.hits.is_empty();
    if something {
        let things: Vec<NewThing> = new
            .hits
            .into_iter()
            .map(|hit| NewThing {
                kind: hit.kind.map_or("News", |k| k.words()).to_owned(),
                title: hit.title,
                path: hit.url,
                free: hit.free,
            })
            .collect();
        let more = new.total - i64::try_from(things.len()).unwrap_or(0);
        // The id follows from what is told: cut off and done again, it is the same letter.
        let id = derive_id(&format!("digest-{account}"), &since.to_rfc3339());
        mailer::enqueue(cx, id, account, MailKind::Digest { things, more }, at).await?;
    }
    let client = cx.pool.get().await?;
    let sql = "insert into public.digests values ($1, $2)
        on conflict (account) do update set until = greatest(digests.until, excluded.until)";
    client.execute(sql, &[&account, &at]).await?;
    Ok(something)
}
