//! Who belongs to a team: its owner's list is sealed in their vault, each address on it for itself, and opened
//! here only.

use super::bus::{CommandError, Envelope};
use super::contacts;
use super::services::Services;
use crate::domain::shared::{AccountId, PersonalRef, PersonalValue, derive_id};
use crate::domain::team::{Team, TeamCommand, TeamError, TeamEvent, TeamList};
use crate::projections::people::{self, Presence};
use crate::projections::teams;
use crate::store::{Metadata, Receipt, RecordedEvent, StoreError, log};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

const FIELD: &str = "team_list";
/// The field of an address on a list, which is sealed for the address itself.
const MEMBER: &str = "team_member";
/// People that are looked at together.
const PAGE: i64 = 500;

/// A list as it is kept: who it names is sealed elsewhere, because it is not the owner's.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    members: Vec<PersonalRef>,
    /// Addresses of lists that were written before members had keys of their own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    addresses: BTreeSet<String>,
    domain: Option<String>,
}

async fn kept(cx: &Services, sealed: &PersonalRef) -> Result<Kept, StoreError> {
    let text = cx.reader.open(sealed).await?;
    Ok(text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default())
}

/// The list of a team; empty if there is none. Who was erased is not on it.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn open(cx: &Services, team: &Team) -> Result<TeamList, StoreError> {
    let Some(sealed) = team.list() else { return Ok(TeamList::default()) };
    let kept = kept(cx, sealed).await?;
    let mut addresses = kept.addresses;
    addresses.extend(cx.reader.open_many(&kept.members).await?.into_values());
    Ok(TeamList { addresses, domain: kept.domain })
}

/// Whether the list of a team names `mail`, itself or by its domain.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn has(cx: &Services, team: &Team, mail: &str) -> Result<bool, StoreError> {
    let Some(sealed) = team.list() else { return Ok(false) };
    let kept = kept(cx, sealed).await?;
    if (TeamList { addresses: kept.addresses, domain: kept.domain }).has(mail) {
        return Ok(true);
    }
    let subject = contacts::subject(cx, mail).await?;
    Ok(kept.members.iter().any(|m| Some(m.subject) == subject))
}

/// Writes down who belongs to a team; the workflow of teams then destroys the list before.
///
/// # Errors
/// If there is no such team, or the command cannot be executed.
pub async fn arrange(
    cx: &Services,
    (id, meta): (Uuid, Metadata),
    team: &teams::TeamRow,
    owner: AccountId,
    list: &TeamList,
    at: DateTime<Utc>,
) -> Result<Receipt, CommandError<TeamError>> {
    let parent = id.to_string();
    let addresses = list.addresses.iter().map(String::as_str);
    let mut values =
        contacts::seal(cx, MEMBER, addresses, |subject| derive_id(&parent, &subject.to_string()))
            .await
            .map_err(|error| {
                tracing::warn!(%error, "addresses cannot be sealed");
                CommandError::Unavailable
            })?;
    let kept = Kept {
        members: values.iter().map(|v| v.reference.clone()).collect(),
        addresses: BTreeSet::new(),
        domain: list.domain.clone(),
    };
    let text = serde_json::to_string(&kept).unwrap_or_default();
    let value = PersonalValue::new(owner, FIELD, derive_id(&parent, FIELD), text);
    let command = TeamCommand::Arrange { list: value.reference.clone(), at };
    values.push(value);
    let envelope = Envelope::new(id, team.id, command, meta).with_private(values);
    cx.bus.dispatch::<Team>(envelope).await
}

/// Destroys the lists that were in force before the one of `event`. Bears repetition, and never touches a
/// later one.
///
/// # Errors
/// If the log cannot be read or the vault not be written.
pub async fn discard_former(cx: &Services, event: &RecordedEvent) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    for former in log::stream(&client, &event.stream_id, 0).await? {
        if former.position >= event.position {
            break;
        }
        let decoded = former.decode::<TeamEvent>().map_err(|e| StoreError::Unreadable(e.to_string()))?;
        if let Some(TeamEvent::TeamArranged { list, .. }) = decoded {
            contacts::discard(cx, &kept(cx, &list).await?.members).await?;
            cx.vault.discard(&client, &list).await?;
        }
    }
    Ok(())
}

/// The confirmed address of somebody who is there; none otherwise.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn mail_of(cx: &Services, account: AccountId) -> Result<Option<String>, StoreError> {
    match people::by_id(&cx.reader, account).await? {
        Some(person) if person.confirmed && person.presence == Presence::Open => match person.mail {
            Some(mail) => cx.reader.open(&mail).await,
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Everybody with a confirmed address who belongs to the list, in the order of their registration where the
/// domain decides.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn people(cx: &Services, list: &TeamList) -> Result<Vec<AccountId>, StoreError> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for address in &list.addresses {
        let account = people::by_mail(&cx.reader, address).await?;
        if let Some(account) = account
            && mail_of(cx, account).await?.is_some()
            && let account = kept_one(cx, account).await?
            && known.insert(account)
        {
            found.push(account);
        }
    }
    if list.domain.is_none() {
        return Ok(found);
    }
    let (mut before, mut by_domain) = (None, Vec::new());
    loop {
        let page = people::page(&cx.reader, None, before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some((last.registered_at, last.id));
        let there = page.iter().filter(|p| p.confirmed && p.presence == Presence::Open);
        let mails: Vec<_> = there.filter_map(|p| Some((p.id, p.mail.clone()?))).collect();
        let sealed: Vec<_> = mails.iter().map(|(_, mail)| mail.clone()).collect();
        let opened = cx.reader.open_many(&sealed).await?;
        for (id, _) in mails.iter().filter(|(_, mail)| opened.get(mail).is_some_and(|m| list.has(m))) {
            by_domain.push(kept_one(cx, *id).await?);
        }
    }
    // Pages come newest first.
    found.extend(by_domain.into_iter().rev().filter(|account| known.insert(*account)));
    Ok(found)
}

/// The account that is kept of the person to whom `account` belongs.
async fn kept_one(cx: &Services, account: AccountId) -> Result<AccountId, StoreError> {
    let mut account = account;
    while let Some(next) = people::by_id(&cx.reader, account).await?.and_then(|p| p.merged_into) {
        account = next;
    }
    Ok(account)
}

/// Makes the address of `account` unreadable wherever others wrote it down, before it is erased, and takes it off
/// lists that still name it themselves. Gives of how many, and for whom the address was sealed.
///
/// # Errors
/// If database or key store cannot be used.
pub async fn forget(
    cx: &Services,
    meta: &Metadata,
    account: AccountId,
) -> Result<(u64, Option<Uuid>), String> {
    let words = |e: StoreError| e.to_string();
    let Some(mail) = address_of(cx, account).await.map_err(words)? else { return Ok((0, None)) };
    let mut taken = 0;
    for team in teams::all(&cx.reader).await.map_err(words)? {
        let Some(owner) = team.state.owner() else { continue };
        let Some(list) = team.state.list() else { continue };
        if owner == account {
            // Others are on it: it goes with its owner.
            contacts::discard(cx, &kept(cx, list).await.map_err(words)?.members).await.map_err(words)?;
            continue;
        }
        if kept(cx, list).await.map_err(words)?.addresses.contains(&mail.to_lowercase()) {
            let mut list = open(cx, &team.state).await.map_err(words)?;
            list.addresses.remove(&mail.to_lowercase());
            let id = derive_id(&account.to_string(), &format!("off the list {}", team.id));
            arrange(cx, (id, meta.clone()), &team, owner, &list, cx.clock.now())
                .await
                .map_err(|e| e.to_string())?;
            taken += 1;
        }
    }
    let subject = contacts::subject(cx, &mail).await.map_err(words)?;
    if let Some(subject) = subject {
        contacts::erase(cx, subject).await.map_err(words)?;
        taken += 1;
    }
    Ok((taken, subject))
}

/// The address of an account, whatever its standing, until it is erased.
async fn address_of(cx: &Services, account: AccountId) -> Result<Option<String>, StoreError> {
    match people::by_id(&cx.reader, account).await?.and_then(|p| p.mail) {
        Some(sealed) => cx.reader.open(&sealed).await,
        None => Ok(None),
    }
}

/// The subject for which others' notes of the address of `account` are sealed, if there are any.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn contact_of(cx: &Services, account: AccountId) -> Result<Option<Uuid>, StoreError> {
    match address_of(cx, account).await? {
        Some(mail) => contacts::subject(cx, &mail).await,
        None => Ok(None),
    }
}
