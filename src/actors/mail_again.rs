//! Mails about money that were written to a person, and sending one of them once more.

use super::mailer;
use super::services::Services;
use crate::emails::samples::in_words;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A mail that was written, as far as it is kept: its kind, never its text or address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenMail {
    /// Its id.
    pub id: Uuid,
    /// What it is about, as the kinds of mails are called: `renewed`, `on_hold`.
    pub about: String,
    /// When it was written.
    pub written_at: DateTime<Utc>,
    /// `waiting`, `sent`, `failed` or `dropped`.
    pub state: String,
}

impl WrittenMail {
    /// What it is about, for people.
    #[must_use]
    pub fn words(&self) -> String {
        in_words(&self.about)
    }
}

/// The mails about money to a person, the newest first; what was sent long ago is kept no more.
///
/// # Errors
/// If the database cannot be read.
pub async fn about_money(cx: &Services, account: Uuid) -> Result<Vec<WrittenMail>, StoreError> {
    let sql = "select id, mail->>'about', created_at, state from public.outgoing_mail
        where account = $1 and mail->>'kind' = 'billing' order by created_at desc, id limit 50";
    let rows = cx.pool.get().await?.query(sql, &[&account]).await?;
    Ok(rows
        .iter()
        .map(|row| WrittenMail {
            id: row.get(0),
            about: row.get::<_, Option<String>>(1).unwrap_or_default(),
            written_at: row.get(2),
            state: row.get(3),
        })
        .collect())
}

/// Queues a mail of the person once more under `id`: the same id is one mail. Nothing happens if it is kept no
/// more.
///
/// # Errors
/// If the database cannot be written.
pub async fn again(cx: &Services, id: Uuid, mail: Uuid, account: Uuid) -> Result<(), StoreError> {
    let sql = "insert into public.outgoing_mail (id, account, recipient, mail, created_at, next_try)
        select $1, account, recipient, mail, $4, $4 from public.outgoing_mail
        where id = $2 and account = $3 and mail->>'kind' = 'billing' on conflict (id) do nothing";
    cx.pool.get().await?.execute(sql, &[&id, &mail, &account, &cx.clock.now()]).await?;
    mailer::wake();
    Ok(())
}
