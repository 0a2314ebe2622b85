//! The mailer: sends what waits in `outgoing_mail`, over SMTP or into the mail folder.
//!
//! A row says whom a mail is for and of which kind it is; what it says is written when it is sent,
//! with name and address from the vault, so no address waits in the database. A mail is taken by one
//! process at a time. After a crash between sending and noting that, it is sent again with the same
//! Message-ID; into the folder it is the same file.

use super::accounts::load;
use super::accounts::tokens::{self, Token};
use super::services::Services;
use super::supervisor::{Desk, LoopError};
use crate::adapters::mail_folder::{Letter, MailFolder};
use crate::adapters::smtp::{Outgoing, SendError, Smtp, SmtpSettings};
use crate::config::Config;
use crate::domain::account::Standing;
use crate::domain::shared::PersonalRef;
use crate::domain::shared::calendar::Zone;
use crate::emails::{MailKind, Studio, TokenPurpose};
use crate::store::{Client, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// Tells the mailer of this process that something waits.
static WAKE: Notify = Notify::const_new();
/// How often the mailer looks by itself: for mail of other processes, and for tries that are due.
const POLL: Duration = Duration::from_secs(1);
/// Mails that are sent at the same time. Even all of one account, each with the longest wait for a server (20 s), take
/// less than the three minutes for which they are taken.
const AT_ONCE: i64 = 8;
/// Pauses between tries; after the last one the mail has failed.
const PAUSES: [TimeDelta; 7] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(1),
    TimeDelta::minutes(10),
    TimeDelta::hours(1),
    TimeDelta::hours(6),
    TimeDelta::hours(24),
    TimeDelta::hours(48),
];

/// Puts a mail to the account's own address into the queue. The same id is one mail.
///
/// # Errors
/// If the database cannot be written.
pub async fn enqueue(
    cx: &Services,
    id: Uuid,
    account: Uuid,
    kind: MailKind,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    enqueue_to(cx, id, account, None, &kind, at).await
}

/// As [`enqueue`], to another address of the account (a new or a former one).
///
/// # Errors
/// If the database cannot be written.
pub async fn enqueue_to(
    cx: &Services,
    id: Uuid,
    account: Uuid,
    recipient: Option<&PersonalRef>,
    kind: &MailKind,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let json = |e: serde_json::Error| StoreError::Vault(format!("a mail cannot be queued: {e}"));
    let recipient = recipient.map(serde_json::to_value).transpose().map_err(json)?;
    let mail = serde_json::to_value(kind).map_err(json)?;
    let client = cx.pool.get().await?;
    client
        .execute(
            "insert into public.outgoing_mail (id, account, recipient, mail, created_at, next_try)
             values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing",
            // A run for a later time writes its mails with that date and sends them now.
            &[&id, &account, &recipient, &mail, &at, &cx.clock.now()],
        )
        .await?;
    WAKE.notify_one();
    Ok(())
}

/// Tells the mailer of this process that something waits.
pub(super) fn wake() {
    WAKE.notify_one();
}

/// The working loop.
///
/// # Errors
/// If the database fails or the mail settings cannot be used; the supervisor starts it again.
pub async fn run(cx: Services, desk: Desk) -> Result<(), LoopError> {
    let way = Way::of(&cx.config)?;
    while !desk.stopping() {
        let sent = send_due_by(&cx, &way).await?;
        let waiting = waiting(&cx).await?;
        desk.queue(waiting);
        cx.metrics.runtime.mail_queued.set(waiting);
        desk.succeeded();
        if sent == 0 {
            tokio::select! {
                () = WAKE.notified() => {}
                () = desk.pause(POLL) => {}
            }
        }
    }
    Ok(())
}

/// Sends everything that is due, for commands that wait for the end. Returns how many were sent.
///
/// # Errors
/// If the database fails or the mail settings cannot be used.
pub async fn send_due(cx: &Services) -> Result<u64, LoopError> {
    Ok(send_due_by(cx, &Way::of(&cx.config)?).await?)
}

/// Mails that wait to be sent, now or at a later try.
///
/// # Errors
/// If the database cannot be read.
pub async fn waiting(cx: &Services) -> Result<i64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "select count(*) from public.outgoing_mail where state = 'waiting'";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// Whether a mail is to be sent now.
///
/// # Errors
/// If the database cannot be read.
pub async fn is_due(client: &Client, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let sql = "select exists (select from public.outgoing_mail where state = 'waiting' and next_try <= $1)";
    Ok(client.query_one(sql, &[&now]).await?.get(0))
}

/// Writes and sends one mail at once, without the queue: for the last mail before the address is
/// destroyed. `false` if it could not be sent.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn send_now(cx: &Services, id: Uuid, account: Uuid, kind: &MailKind) -> Result<bool, StoreError> {
    let Ok(way) = Way::of(&cx.config) else { return Ok(false) };
    let at = cx.clock.now();
    let row = Waiting { id, account, recipient: None, kind: kind.clone(), created_at: at, attempts: 0 };
    let Some(mail) = write(cx, &row).await? else { return Ok(false) };
    let sent = way.send(vec![account], &mail).await.is_ok();
    count(cx, if sent { "sent" } else { "failed" });
    Ok(sent)
}

/// Forgets all mail of an account, and to the same person's address as others wrote it down (`contact`), sent or
/// not, and removes its files outside production. `None` while one of them is being sent: try again.
///
/// # Errors
/// If the database or the mail folder cannot be used.
pub async fn forget(cx: &Services, account: Uuid, contact: Option<Uuid>) -> Result<Option<u64>, StoreError> {
    let contact = contact.map(|c| c.to_string());
    let client = cx.pool.get().await?;
    let mut gone = client
        .execute(
            "delete from public.outgoing_mail where (account = $1 or recipient->>'subject' = $2)
                 and (taken_until is null or taken_until < now())",
            &[&account, &contact],
        )
        .await?;
    let sql = "select 1 from public.outgoing_mail where account = $1 or recipient->>'subject' = $2 limit 1";
    if client.query_opt(sql, &[&account, &contact]).await?.is_some() {
        return Ok(None);
    }
    if !cx.config.is_production() {
        let folder = folder(&cx.config);
        for person in contact.iter().filter_map(|c| c.parse().ok()).chain([account]) {
            gone += folder.remove_of(person).map_err(|e| StoreError::file("removing mails", e))?;
        }
    }
    Ok(Some(gone))
}

/// Removes rows of mails that were sent or given up long ago.
///
/// # Errors
/// If the database cannot be written.
pub async fn clear(cx: &Services, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let client = cx.pool.get().await?;
    let sql = "delete from public.outgoing_mail where state <> 'waiting' and created_at < $1";
    Ok(client.execute(sql, &[&(now - TimeDelta::days(30))]).await?)
}

/// The newest mails of the mail folder, for the demo's page.
///
/// # Errors
/// If the folder cannot be read.
pub async fn letters(cx: &Services, limit: usize) -> Result<Vec<Letter>, StoreError> {
    let folder = folder(&cx.config);
    let read = tokio::task::spawn_blocking(move || folder.newest(limit)).await;
    read.unwrap_or_else(|_| Ok(vec![])).map_err(|e| StoreError::file("reading mails", e))
}

/// One mail of the mail folder.
///
/// # Errors
/// Never now; an unreadable mail is none.
pub async fn letter(cx: &Services, name: &str) -> Result<Option<Letter>, StoreError> {
    let (folder, name) = (folder(&cx.config), name.to_owned());
    Ok(tokio::task::spawn_blocking(move || folder.letter(&name)).await.unwrap_or(None))
}

/// The way on which mail leaves.
enum Way {
    Folder(MailFolder),
    Smtp(Box<Smtp>),
}

impl Way {
    fn of(config: &Config) -> Result<Self, SendError> {
        let Some(url) = &config.mail.smtp_url else { return Ok(Self::Folder(folder(config))) };
        let bad = |what: &str| SendError::Settings(format!("mail.smtp_url {what}"));
        let url = url::Url::parse(url).map_err(|_| bad("is no address such as smtp://host:587"))?;
        let port = match url.scheme() {
            "smtp" => url.port().unwrap_or(587),
            "smtps" => url.port().unwrap_or(465),
            _ => return Err(bad("must start with smtp:// or smtps://")),
        };
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let login = url.password().map(|password| (decode(url.username()), decode(password)));
        let host = url.host_str().ok_or_else(|| bad("names no host"))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let settings = SmtpSettings {
            host,
            port,
            wrapped: url.scheme() == "smtps",
            login,
            plain_loopback: !config.is_production(),
        };
        Ok(Self::Smtp(Box::new(Smtp::new(&settings)?)))
    }

    async fn send(&self, people: Vec<Uuid>, mail: &Outgoing) -> Result<(), SendError> {
        match self {
            Self::Smtp(smtp) => smtp.send(mail).await,
            Self::Folder(folder) => {
                let (folder, mail) = (folder.clone(), mail.clone());
                tokio::task::spawn_blocking(move || folder.write(&people, &mail))
                    .await
                    .unwrap_or_else(|_| Err(SendError::Later("the mail folder".into())))
            }
        }
    }
}

fn folder(config: &Config) -> MailFolder {
    MailFolder::new(config.in_data("mail"))
}

/// A mail that this process has taken.
struct Waiting {
    id: Uuid,
    account: Uuid,
    recipient: Option<PersonalRef>,
    kind: MailKind,
    created_at: DateTime<Utc>,
    attempts: i32,
}

impl Waiting {
    /// Whom it is about and, if that is somebody else, whom it goes to.
    fn people(&self) -> Vec<Uuid> {
        let to = self.recipient.as_ref().map(|r| r.subject).filter(|s| *s != self.account);
        to.into_iter().chain([self.account]).collect()
    }
}

async fn send_due_by(cx: &Services, way: &Way) -> Result<u64, StoreError> {
    let mut sent = 0;
    loop {
        let taken = take(cx).await?;
        if taken.is_empty() {
            return Ok(sent);
        }
        // Boxed by name, or the compiler cannot see that the whole may move between threads.
        let lanes: Vec<BoxFuture<'_, _>> =
            taken.into_iter().map(|of_one| send_all(cx, way, of_one).boxed()).collect();
        // All of them to their ends, whatever becomes of one: who left off between sending and noting that would send
        // a mail twice.
        for left in join_all(lanes).await {
            sent += left?;
        }
    }
}

/// Sends the mails of one account in their order; how many have left.
async fn send_all(cx: &Services, way: &Way, of_one: Vec<Waiting>) -> Result<u64, StoreError> {
    let mut sent = 0;
    for row in of_one {
        sent += u64::from(send(cx, way, row).await?);
    }
    Ok(sent)
}

/// Writes and sends one mail and notes what became of it; `false` if it has not left.
async fn send(cx: &Services, way: &Way, row: Waiting) -> Result<bool, StoreError> {
    let Some(mail) = write(cx, &row).await? else {
        settle(cx, row.id, "dropped", None).await?;
        count(cx, "dropped");
        return Ok(false);
    };
    match way.send(row.people(), &mail).await {
        Ok(()) => {
            settle(cx, row.id, "sent", None).await?;
            count(cx, "sent");
            return Ok(true);
        }
        Err(error @ (SendError::Later(_) | SendError::Settings(_))) => {
            let tries = usize::try_from(row.attempts).unwrap_or(usize::MAX);
            match PAUSES.get(tries.saturating_sub(1)) {
                Some(pause) => {
                    postpone(cx, row.id, cx.clock.now() + *pause, &error).await?;
                    count(cx, "deferred");
                }
                None => give_up(cx, row.id, &error).await?,
            }
        }
        Err(error) => give_up(cx, row.id, &error).await?,
    }
    Ok(false)
}

async fn give_up(cx: &Services, id: Uuid, error: &SendError) -> Result<(), StoreError> {
    tracing::error!(mail = %id, %error, "a mail cannot be sent");
    count(cx, "failed");
    settle(cx, id, "failed", Some(error)).await
}

fn count(cx: &Services, outcome: &str) {
    cx.metrics.runtime.mail.with_label_values(&[outcome]).inc();
}

/// The next mails that are due, those for one account behind each other.
async fn take(cx: &Services) -> Result<Vec<Vec<Waiting>>, StoreError> {
    let client = cx.pool.get().await?;
    let rows = client
        .query(
            "update public.outgoing_mail
             set taken_until = now() + interval '3 minutes', attempts = attempts + 1
             where id in (select id from public.outgoing_mail
                          where state = 'waiting' and next_try <= $1 and (taken_until is null or taken_until < now())
                          order by next_try, id limit $2 for update skip locked)
             returning id, account, recipient, mail, created_at, attempts",
            &[&cx.clock.now(), &AT_ONCE],
        )
        .await?;
    drop(client);
    let mut taken: BTreeMap<Uuid, Vec<Waiting>> = BTreeMap::new();
    for row in rows {
        let (id, account): (Uuid, Uuid) = (row.get(0), row.get(1));
        let Ok(kind) = serde_json::from_value(row.get(3)) else {
            let unknown = "a kind of mail that this version does not know";
            settle(cx, id, "failed", Some(&SendError::Settings(unknown.into()))).await?;
            continue;
        };
        taken.entry(account).or_default().push(Waiting {
            id,
            account,
            recipient: row
                .get::<_, Option<serde_json::Value>>(2)
                .and_then(|v| serde_json::from_value(v).ok()),
            kind,
            created_at: row.get(4),
            attempts: row.get(5),
        });
    }
    let mut taken: Vec<Vec<Waiting>> = taken.into_values().collect();
    taken.iter_mut().for_each(|of_one| of_one.sort_by_key(|row| (row.created_at, row.id)));
    Ok(taken)
}

/// Writes the mail; none when the person or the address is gone.
async fn write(cx: &Services, row: &Waiting) -> Result<Option<Outgoing>, StoreError> {
    let account = load(cx, row.account).await?;
    if matches!(account.standing, Standing::Absent | Standing::Erased(_)) {
        return Ok(None);
    }
    let Some(recipient) = row.recipient.as_ref().or(account.mail.as_ref()) else { return Ok(None) };
    let Some(to) = cx.reader.open(recipient).await? else { return Ok(None) };
    let name = match &account.display_name {
        Some(name) => cx.reader.open(name).await?,
        None => None,
    };
    let token = match (row.kind.token(), &row.kind) {
        (None, kind) => match kind.gift() {
            Some(gift) => super::gifts::code(cx, gift)?,
            None => String::new(),
        },
        (Some(purpose), kind) => {
            let target = match (purpose, kind) {
                (TokenPurpose::Reset, MailKind::Reset { request }) => *request,
                _ => recipient.version,
            };
            tokens::issue(cx, row.id, purpose, Token { account: row.account, target }, row.created_at).await?
        }
    };
    let mail = row.kind.render(&studio(cx), name.as_deref(), &token);
    Ok(Some(Outgoing { id: row.id, from: cx.config.mail.from.clone(), to, mail, at: row.created_at }))
}

/// What mails say about their sender.
pub(super) fn studio(cx: &Services) -> Studio {
    let zone = Zone::parse(&cx.config.studio.zone).unwrap_or(Zone::amsterdam());
    Studio { name: cx.config.studio.name.clone(), base_url: cx.config.site_url(), zone }
}

async fn settle(cx: &Services, id: Uuid, state: &str, error: Option<&SendError>) -> Result<(), StoreError> {
    let error = error.map(ToString::to_string);
    let client = cx.pool.get().await?;
    client
        .execute(
            "update public.outgoing_mail set state = $2, error = $3, taken_until = null,
                    sent_at = case when $2 = 'sent' then $4::timestamptz end where id = $1",
            &[&id, &state, &error, &cx.clock.now()],
        )
        .await?;
    Ok(())
}

async fn postpone(
    cx: &Services,
    id: Uuid,
    until: DateTime<Utc>,
    error: &SendError,
) -> Result<(), StoreError> {
    let client = cx.pool.get().await?;
    client
        .execute(
            "update public.outgoing_mail set next_try = $2, error = $3, taken_until = null where id = $1",
            &[&id, &until, &error.to_string()],
        )
        .await?;
    Ok(())
}
