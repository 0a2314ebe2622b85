//! Who belongs to a team: its owner's list is sealed in their vault, and opened here only.

use super::bus::{CommandError, Envelope};
use super::services::Services;
use crate::domain::shared::{AccountId, PersonalValue, derive_id};
use crate::domain::team::{Team, TeamCommand, TeamError, TeamEvent, TeamList};
use crate::projections::people::{self, Presence};
use crate::projections::teams;
use crate::store::{Metadata, Receipt, RecordedEvent, StoreError, log};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use uuid::Uuid;

const FIELD: &str = "team_list";
/// People that are looked at together.
const PAGE: i64 = 500;

/// The list of a team; empty if there is none.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn open(cx: &Services, team: &Team) -> Result<TeamList, StoreError> {
    let Some(sealed) = team.list() else { return Ok(TeamList::default()) };
    let text = cx.reader.open(sealed).await?;
    Ok(text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default())
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
    let text = serde_json::to_string(list).unwrap_or_default();
    let value = PersonalValue::new(owner, FIELD, derive_id(&id.to_string(), FIELD), text);
    let command = TeamCommand::Arrange { list: value.reference.clone(), at };
    let envelope = Envelope::new(id, team.id, command, meta).with_private(vec![value]);
    cx.bus.dispatch::<Team>(envelope).await
}

/// Destroys the lists that were in force before the one of `event`. Bears repetition, and never touches a
/// later one.
///
/// # Errors
/// If the log cannot be read or the vault not be written.
pub async fn discard_former(cx: &Services, event: &RecordedEvent) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    for former in log::stream(&**client, &event.stream_id, 0).await? {
        if former.position >= event.position {
            break;
        }
        let decoded = former.decode::<TeamEvent>().map_err(|e| StoreError::Unreadable(e.to_string()))?;
        if let Some(TeamEvent::TeamArranged { list, .. }) = decoded {
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
        by_domain.extend(
            mails.iter().filter(|(_, mail)| opened.get(mail).is_some_and(|m| list.has(m))).map(|(id, _)| *id),
        );
    }
    // Pages come newest first.
    found.extend(by_domain.into_iter().rev().filter(|account| known.insert(*account)));
    Ok(found)
}

/// Takes the address of `account` off all lists, before it is erased; gives of how many.
///
/// # Errors
/// If database or key store cannot be used.
pub async fn forget(cx: &Services, meta: &Metadata, account: AccountId) -> Result<u64, String> {
    let words = |e: StoreError| e.to_string();
    let person = people::by_id(&cx.reader, account).await.map_err(words)?;
    let Some(sealed) = person.and_then(|p| p.mail) else { return Ok(0) };
    let Some(mail) = cx.reader.open(&sealed).await.map_err(words)? else { return Ok(0) };
    let mut taken = 0;
    for team in teams::all(&cx.reader).await.map_err(words)? {
        let mut list = open(cx, &team.state).await.map_err(words)?;
        let Some(owner) = team.state.owner().filter(|o| *o != account) else { continue };
        if list.addresses.remove(&mail.to_lowercase()) {
            let id = derive_id(&account.to_string(), &format!("off the list {}", team.id));
            arrange(cx, (id, meta.clone()), &team, owner, &list, cx.clock.now())
                .await
                .map_err(|e| e.to_string())?;
            taken += 1;
        }
    }
    Ok(taken)
}
