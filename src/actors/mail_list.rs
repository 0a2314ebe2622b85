//! The mails of the queue, for staff who are asked where one has got to: what was sent, what waits, what could not
//! be sent and why. What a mail says is written anew from its kind, without the secret that it may carry.

use super::accounts::load;
use super::mailer;
use super::services::Services;
use crate::emails::samples::{self, NO_SECRET, Sample, in_words};
use crate::emails::{Mail, MailKind};
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// What can have become of a mail, as the queue writes it.
pub const STATES: [&str; 4] = ["waiting", "sent", "failed", "dropped"];

/// A mail of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedMail {
    /// Its id.
    pub id: Uuid,
    /// Whom it is about.
    pub account: Uuid,
    /// It goes to another address than the account's own: a new or former one, or that of a gift's recipient.
    pub elsewhere: bool,
    /// What it is about, such as `reset` or `renewed`.
    pub about: String,
    /// When it was queued, by the instance's clock.
    pub written_at: DateTime<Utc>,
    /// One of [`STATES`].
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, if it waits.
    pub next_try: DateTime<Utc>,
    /// Why it was not sent at the last try. Servers write addresses into it: for pages of staff only.
    pub error: Option<String>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
}

impl QueuedMail {
    /// What it is about, for people.
    #[must_use]
    pub fn words(&self) -> String {
        in_words(&self.about)
    }
}

/// What the list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowed {
    /// One of [`STATES`].
    pub state: Option<String>,
    /// As [`QueuedMail::about`].
    pub about: Option<String>,
    /// Mails to one account.
    pub account: Option<Uuid>,
}

const COLUMNS: &str =
    "id, account, recipient is not null, coalesce(mail->>'about', mail->>'kind'), created_at, state,
    attempts, next_try, error, sent_at";
const WHERE: &str =
    "($1::text is null or state = $1) and ($2::text is null or coalesce(mail->>'about', mail->>'kind') = $2)
    and ($3::uuid is null or account = $3)";

/// The newest first, and how many there are. What was sent or given up a month ago is kept no more.
///
/// # Errors
/// If the database cannot be read.
pub async fn list(
    cx: &Services,
    narrowed: &Narrowed,
    offset: i64,
    limit: i64,
) -> Result<(Vec<QueuedMail>, i64), StoreError> {
    let client = cx.pool.get().await?;
    let by: [&(dyn ToSql + Sync); 3] = [&narrowed.state, &narrowed.about, &narrowed.account];
    let total = client
        .query_one(&format!("select count(*) from public.outgoing_mail where {WHERE}"), &by)
        .await?
        .get(0);
    let sql = format!(
        "select {COLUMNS} from public.outgoing_mail where {WHERE} order by created_at desc, id desc offset $4 limit $5"
    );
    let [state, about, account] = by;
    let rows = client.query(&sql, &[state, about, account, &offset, &limit]).await?;
    Ok((rows.iter().map(read).collect(), total))
}

/// What the mails that are kept are about, in the order of the alphabet.
///
/// # Errors
/// If the database cannot be read.
pub async fn abouts(cx: &Services) -> Result<Vec<String>, StoreError> {
    let sql = "select distinct coalesce(mail->>'about', mail->>'kind') from public.outgoing_mail order by 1";
    let rows = cx.pool.get().await?.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// One mail, and what it says with the name that the person has now; no words if the person is gone or this version
/// does not know the kind.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn one(cx: &Services, id: Uuid) -> Result<Option<(QueuedMail, Option<Mail>)>, StoreError> {
    let sql = format!("select {COLUMNS}, mail from public.outgoing_mail where id = $1");
    let Some(row) = cx.pool.get().await?.query_opt(&sql, &[&id]).await? else { return Ok(None) };
    let mail = read(&row);
    let Ok(kind) = serde_json::from_value::<MailKind>(row.get(10)) else { return Ok(Some((mail, None))) };
    let account = load(cx, mail.account).await?;
    let name = match &account.display_name {
        Some(name) => cx.reader.open(name).await?,
        None => None,
    };
    let words = name.map(|name| kind.render(&mailer::studio(cx), Some(&name), NO_SECRET));
    Ok(Some((mail, words)))
}

fn read(row: &Row) -> QueuedMail {
    QueuedMail {
        id: row.get(0),
        account: row.get(1),
        elsewhere: row.get(2),
        about: row.get::<_, Option<String>>(3).unwrap_or_default(),
        written_at: row.get(4),
        state: row.get(5),
        attempts: row.get(6),
        next_try: row.get(7),
        error: row.get(8),
        sent_at: row.get(9),
    }
}

/// All kinds of mails that this version can send.
///
/// # Errors
/// If the samples of the program are broken.
pub fn kinds() -> Result<Vec<Sample>, StoreError> {
    samples::all().map_err(|e| StoreError::Vault(format!("the samples of mails cannot be read: {e}")))
}

/// A kind of mail by the name of its sample, as this studio would send it to somebody called `name`.
///
/// # Errors
/// As [`kinds`].
pub fn kind(cx: &Services, kind: &str, name: &str) -> Result<Option<(Sample, Mail)>, StoreError> {
    let sample = kinds()?.into_iter().find(|sample| sample.name == kind);
    Ok(sample.map(|sample| {
        let mail = sample.render(&mailer::studio(cx), Some(name));
        (sample, mail)
    }))
}
