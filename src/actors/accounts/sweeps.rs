//! A wave of spam, handled at once: who fits a pattern is found, suspended with what they wrote hidden,
//! and let back in by one click if that was a mistake. Each account and comment has its own event.

use super::AccountsError;
use super::staff::{self, Act};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::domain::comment::{Comment, CommentCommand, CommentError, Standing};
use crate::domain::shared::{AccountId, PersonalRef, derive_id};
use crate::projections::comments::{self, CommentRow};
use crate::projections::people::{self, Person, Presence};
use crate::projections::subscriptions;
use crate::store::event::stream_name;
use crate::store::{Metadata, StoreError};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// Accounts that one sweep takes at most.
pub const MOST: usize = 500;
/// Accounts of the time that are looked through at most.
const LOOKED_THROUGH: i64 = 10_000;

/// What the accounts of a wave have in common; empty parts fit everybody.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    /// Registered from then on.
    pub since: Option<DateTime<Utc>>,
    /// Registered before then.
    pub until: Option<DateTime<Utc>>,
    /// A part of the mail address, such as `@example.org`.
    pub mail: String,
    /// A part of the name.
    pub name: String,
    /// A part of what they wrote in comments.
    pub text: String,
    /// Only those who never confirmed their address.
    pub unconfirmed: bool,
}

/// Somebody who fits.
pub struct Suspect {
    /// The account.
    pub person: Person,
    /// Its address.
    pub mail: String,
    /// Its name.
    pub name: String,
    /// What it wrote and is shown, opened.
    pub comments: Vec<String>,
}

/// Who fits a pattern, the newest first, and whether there are more. People with a role, with a
/// membership, and those who are suspended or leaving anyway are never among them.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn find(cx: &Services, pattern: &Pattern) -> Result<(Vec<Suspect>, bool), StoreError> {
    let reader = &cx.reader;
    let mut found = Vec::new();
    let mut before = pattern.until.map(|until| (until, Uuid::nil()));
    let mut looked = 0;
    loop {
        let batch = people::page(reader, None, before, 500).await?;
        let Some(last) = batch.last() else { return Ok((found, false)) };
        before = Some((last.registered_at, last.id));
        let past = |p: &Person| pattern.since.is_some_and(|since| p.registered_at < since);
        let done = past(last);
        looked += i64::try_from(batch.len()).unwrap_or(i64::MAX);
        let fits = |p: &Person| {
            !past(p)
                && p.roles.0.is_empty()
                && !p.suspended
                && p.presence == Presence::Open
                && !(pattern.unconfirmed && p.confirmed)
        };
        let candidates: Vec<Person> = batch.into_iter().filter(fits).collect();
        for suspect in looked_at(cx, pattern, candidates).await? {
            if found.len() == MOST {
                return Ok((found, true));
            }
            found.push(suspect);
        }
        if done || looked >= LOOKED_THROUGH {
            return Ok((found, !done));
        }
    }
}

async fn looked_at(
    cx: &Services,
    pattern: &Pattern,
    people: Vec<Person>,
) -> Result<Vec<Suspect>, StoreError> {
    let reader = &cx.reader;
    let sealed: Vec<PersonalRef> =
        people.iter().flat_map(|p| [&p.display_name, &p.mail]).flatten().cloned().collect();
    let opened = reader.open_many(&sealed).await?;
    let text = |r: &Option<PersonalRef>| r.as_ref().and_then(|r| opened.get(r)).cloned().unwrap_or_default();
    let has = |text: &str, part: &str| text.to_lowercase().contains(&part.trim().to_lowercase());
    let mut fits = Vec::new();
    for person in people {
        let (mail, name) = (text(&person.mail), text(&person.display_name));
        if !has(&mail, &pattern.mail) || !has(&name, &pattern.name) {
            continue;
        }
        let comments = shown(cx, person.id).await?;
        let sealed: Vec<PersonalRef> = comments.iter().filter_map(|c| c.state.text.clone()).collect();
        let mut texts: HashMap<PersonalRef, String> = reader.open_many(&sealed).await?;
        let comments: Vec<String> = sealed.iter().filter_map(|r| texts.remove(r)).collect();
        if !pattern.text.trim().is_empty() && !comments.iter().any(|c| has(c, &pattern.text)) {
            continue;
        }
        // Whoever has paid is no wave.
        if subscriptions::memberships(reader, person.id).await?.is_empty() {
            fits.push(Suspect { person, mail, name, comments });
        }
    }
    Ok(fits)
}

async fn shown(cx: &Services, account: AccountId) -> Result<Vec<CommentRow>, StoreError> {
    let all = comments::of_author(&cx.reader, account).await?;
    Ok(all.into_iter().filter(CommentRow::is_shown).collect())
}

/// Suspends accounts and hides what they wrote. May be repeated with the same id after a crash. Gives
/// how many were suspended: somebody who has a role by now is left alone.
///
/// # Errors
/// [`AccountsError::Field`] without a reason or for too many at once.
pub async fn sweep(
    cx: &Services,
    id: Uuid,
    meta: &Metadata,
    by: AccountId,
    accounts: &[AccountId],
    reason: &str,
) -> Result<usize, AccountsError> {
    if accounts.is_empty() || accounts.len() > MOST {
        return Err(AccountsError::Field("account", format!("Choose one to {MOST} accounts.")));
    }
    staff::check_reason(reason)?;
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "insert into public.sweeps (id, made_by, made_at) values ($1, $2, $3) on conflict do nothing";
    client.execute(sql, &[&id, &by, &meta.at]).await?;
    let mut suspended = 0;
    for account in accounts {
        let Some(person) = people::by_id(&cx.reader, *account).await.map_err(AccountsError::from)? else {
            continue;
        };
        // Who was suspended by the first half of this sweep still has comments to hide.
        let begun = "select 1 from public.sweep_members where sweep = $1 and account = $2 limit 1";
        let begun = client.query_opt(begun, &[&id, account]).await?.is_some();
        if !person.roles.0.is_empty() || (person.suspended && !begun) {
            continue;
        }
        // Noted before it is done, so that what was cut off can be undone as well.
        note(cx, id, *account, None).await?;
        let command = derive_id(&id.to_string(), &account.to_string());
        staff::act(cx, command, meta.clone(), *account, &Act::Suspend(None), reason).await?;
        suspended += 1;
        for comment in shown(cx, *account).await? {
            note(cx, id, *account, Some(comment.id)).await?;
            moderate(cx, id, meta, by, comment.id, false).await?;
        }
    }
    Ok(suspended)
}

async fn note(
    cx: &Services,
    sweep: Uuid,
    account: AccountId,
    comment: Option<Uuid>,
) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    let sql = "insert into public.sweep_members (sweep, account, comment) values ($1, $2, $3) on conflict do nothing";
    client.execute(sql, &[&sweep, &account, &comment]).await?;
    Ok(())
}

async fn moderate(
    cx: &Services,
    sweep: Uuid,
    meta: &Metadata,
    by: AccountId,
    comment: Uuid,
    shown: bool,
) -> Result<(), AccountsError> {
    let purpose = format!("{} {comment}", if shown { "show" } else { "hide" });
    let command = CommentCommand::Moderate { shown, by, at: meta.at };
    let id = derive_id(&sweep.to_string(), &purpose);
    match cx.bus.dispatch::<Comment>(Envelope::new(id, comment, command, meta.clone())).await {
        Ok(_) => Ok(()),
        // Its author was quicker.
        Err(CommandError::Refused(CommentError::Deleted)) => Ok(()),
        // Sent again, the sweep goes on from here.
        Err(_) => Err(AccountsError::Busy),
    }
}

/// A sweep, as the page lists it.
pub struct Sweep {
    /// Its id.
    pub id: Uuid,
    /// Who made it.
    pub made_by: AccountId,
    /// When.
    pub made_at: DateTime<Utc>,
    /// When it was undone.
    pub undone_at: Option<DateTime<Utc>>,
    /// Accounts it suspended that were not erased since.
    pub accounts: i64,
    /// Comments it hid.
    pub comments: i64,
}

/// The newest sweeps.
///
/// # Errors
/// If the database cannot be read.
pub async fn newest(cx: &Services) -> Result<Vec<Sweep>, StoreError> {
    let sql = "select s.id, s.made_by, s.made_at, s.undone_at,
                      count(m.account) filter (where m.comment is null), count(m.comment)
               from public.sweeps s left join public.sweep_members m on m.sweep = s.id
               group by s.id order by s.made_at desc, s.id limit 50";
    let rows = cx.pool.get().await?.query(sql, &[]).await?;
    let one = |r: &tokio_postgres::Row| Sweep {
        id: r.get(0),
        made_by: r.get(1),
        made_at: r.get(2),
        undone_at: r.get(3),
        accounts: r.get(4),
        comments: r.get(5),
    };
    Ok(rows.iter().map(one).collect())
}

/// Whether the suspension of `account` is the one of this sweep, and not another that came later.
async fn is_suspended_by(cx: &Services, sweep: Uuid, account: AccountId) -> Result<bool, StoreError> {
    let sql = "select command_id from public.events
               where stream_id = $1 and type = 'AccountSuspended' order by version desc limit 1";
    let row = cx.pool.get().await?.query_opt(sql, &[&stream_name("account", account)]).await?;
    Ok(row.is_some_and(|r| r.get::<_, Uuid>(0) == derive_id(&sweep.to_string(), &account.to_string())))
}

/// Lets everybody of a sweep back in and shows again what it hid. Gives how many accounts that were:
/// whoever was let in and suspended for another reason since then stays out.
///
/// # Errors
/// If the store fails; it may be done again.
pub async fn undo(
    cx: &Services,
    sweep: Uuid,
    meta: &Metadata,
    by: AccountId,
) -> Result<usize, AccountsError> {
    let client = cx.pool.get().await.map_err(StoreError::from)?;
    let sql = "select account, comment from public.sweep_members where sweep = $1 order by account, comment nulls first";
    let members = client.query(sql, &[&sweep]).await?;
    let mut back = 0;
    for member in &members {
        match (member.get::<_, Uuid>(0), member.get::<_, Option<Uuid>>(1)) {
            (account, None) if !is_suspended_by(cx, sweep, account).await? => {}
            (account, None) => {
                let command = derive_id(&sweep.to_string(), &format!("undo {account}"));
                staff::act(
                    cx,
                    command,
                    meta.clone(),
                    account,
                    &Act::Reinstate,
                    "Suspended with many others by mistake",
                )
                .await?;
                back += 1;
            }
            (_, Some(comment)) => {
                let row = comments::one(&cx.reader, comment).await.map_err(AccountsError::from)?;
                if row.is_some_and(|c| c.state.standing == Standing::Hidden) {
                    moderate(cx, sweep, meta, by, comment, true).await?;
                }
            }
        }
    }
    client.execute("update public.sweeps set undone_at = $2 where id = $1", &[&sweep, &meta.at]).await?;
    Ok(back)
}
