//! What was done to an account and how it came and went: who did it and why, for the pages of staff. Reasons and
//! names stand as references; who may read them opens them.

use super::{Projection, ProjectionError, QueryError, Reader, people};
use crate::domain::account::{AccountEvent, By, Origin, Why};
use crate::domain::shared::{AccountId, PersonalRef};
use crate::store::event::decode_payload;
use crate::store::{RecordedEvent, StoreError, Transaction};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The projection.
pub struct AccountActs;

#[async_trait]
impl Projection for AccountActs {
    fn name(&self) -> &'static str {
        "account_acts"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static [&'static str] {
        &["account_acts"]
    }

    fn ddl(&self) -> &'static str {
        "create table if not exists account_acts (
            position bigint primary key,
            account  uuid not null,
            at       timestamptz not null,
            kind     text not null,
            payload  json not null
        );
        create index if not exists account_acts_by_account on account_acts (account, position);"
    }

    async fn apply(&self, tx: &Transaction<'_>, event: &RecordedEvent) -> Result<(), ProjectionError> {
        let Some(decoded) = event.decode::<AccountEvent>()? else { return Ok(()) };
        if what(&decoded).is_none() {
            return Ok(());
        }
        tx.execute(
            "insert into account_acts values ($1, $2, $3, $4, $5) on conflict do nothing",
            &[&event.position, &event.stream_uuid(), &event.effective_at, &event.kind, &*event.payload],
        )
        .await?;
        Ok(())
    }
}

/// One act, in words.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Done {
    /// When.
    pub at: DateTime<Utc>,
    /// What, as a sentence.
    pub what: String,
    /// Until when, if it ends by itself.
    pub until: Option<DateTime<Utc>>,
    /// Which account did it, if one did.
    pub by_account: Option<AccountId>,
    /// Who did it, in words; none where the person did what only they can do.
    pub by: Option<String>,
    /// Why; says so when the words were erased with the account.
    pub reason: Option<String>,
    /// Whether it keeps the person out.
    #[serde(skip)]
    pub keeps_out: bool,
}

/// What was done to an account, newest first, with names and reasons opened: who shows it records the reading.
///
/// # Errors
/// If database or key store cannot be read.
pub async fn of_account(r: &Reader, account: Uuid) -> Result<Vec<Done>, QueryError> {
    let sql =
        "select at, kind, payload from account_acts where account = $1 order by position desc limit 500";
    let rows = r.client().await?.query(sql, &[&account]).await?;
    let mut events: Vec<(DateTime<Utc>, AccountEvent)> = Vec::with_capacity(rows.len());
    for row in &rows {
        let event = decode_payload(row.get(1), &row.get::<_, serde_json::Value>(2)).map_err(|e| {
            StoreError::Unreadable(format!("a line of an account's history cannot be read: {e}"))
        })?;
        events.push((row.get(0), event));
    }
    let reasons: Vec<PersonalRef> = events.iter().filter_map(|(_, e)| text_of(e).cloned()).collect();
    let reasons = r.open_many(&reasons).await?;
    let actors: Vec<AccountId> = events.iter().filter_map(|(_, e)| actor(e)).collect();
    let names = people::display_names(r, &actors).await?;
    let told = events.into_iter().filter_map(|(at, event)| {
        let by_account = actor(&event);
        let (by, why) = by_and_why(&event);
        let by = match by_account {
            Some(id) => Some(names.get(&id).cloned().unwrap_or_else(|| "a deleted account".into())),
            None => by.map(|by| match by {
                By::System(name) => name.clone(),
                By::Owner | By::Account(_) => "the person".into(),
            }),
        };
        let reason = why.map(|why| match why {
            Why::Code(code) => code.clone(),
            Why::Text(at) => reasons.get(at).cloned().unwrap_or_else(|| "(erased with the account)".into()),
        });
        let keeps_out = matches!(event, AccountEvent::AccountSuspended { .. });
        Some(Done { at, what: what(&event)?, until: until(&event), by_account, by, reason, keeps_out })
    });
    Ok(told.collect())
}

/// The act as a sentence; none for what is not of this list, such as a new password.
fn what(event: &AccountEvent) -> Option<String> {
    use AccountEvent as E;
    Some(match event {
        E::AccountRegistered { origin, .. } => match origin {
            Origin::Registration => "Registered.".into(),
            Origin::Shell => "Account made from the shell.".into(),
            Origin::FirstRun => "Account made on the first-run page.".into(),
            Origin::Demo => "Account made with the demo studio.".into(),
            Origin::SignInService => "Registered through the sign-in service.".into(),
        },
        E::ApprovalRequested { .. } => "Waits for approval.".into(),
        E::AccountApproved { .. } => "Registration approved.".into(),
        E::RoleGranted { role, .. } => format!("Role {} granted.", role.label()),
        E::RoleRevoked { role, .. } => format!("Role {} revoked.", role.label()),
        E::AccountSuspended { .. } => "Suspended.".into(),
        E::AccountReinstated { .. } => "Suspension lifted.".into(),
        E::AccountMerged { .. } => "Merged into another account of the same person.".into(),
        E::AccountTakenOver { .. } => "Took over another account of the same person.".into(),
        E::ComplimentaryAccessGranted { .. } => "Complimentary access given.".into(),
        E::ComplimentaryAccessEnded { .. } => "Complimentary access ended.".into(),
        E::ImpersonationStarted { .. } => "An admin saw the site as this person does.".into(),
        E::SecondFactorRemoved { .. } => "Second factor removed.".into(),
        E::AccountHidden { .. } => "Deletion request filed.".into(),
        E::AccountRestored { .. } => "Deletion request withdrawn.".into(),
        E::AccountErased { .. } => "Erased.".into(),
        _ => return None,
    })
}

fn until(event: &AccountEvent) -> Option<DateTime<Utc>> {
    match event {
        AccountEvent::AccountSuspended { until, .. }
        | AccountEvent::ComplimentaryAccessGranted { until, .. } => *until,
        AccountEvent::ImpersonationStarted { until, .. } => Some(*until),
        _ => None,
    }
}

fn by_and_why(event: &AccountEvent) -> (Option<&By>, Option<&Why>) {
    use AccountEvent as E;
    match event {
        E::RoleGranted { by, why, .. }
        | E::RoleRevoked { by, why, .. }
        | E::AccountSuspended { by, why, .. }
        | E::AccountReinstated { by, why, .. }
        | E::AccountMerged { by, why, .. }
        | E::ComplimentaryAccessGranted { by, why, .. }
        | E::ComplimentaryAccessEnded { by, why, .. } => (Some(by), Some(why)),
        E::AccountApproved { by, .. } | E::SecondFactorRemoved { by, .. } => (Some(by), None),
        E::ImpersonationStarted { why, .. } => (None, Some(why)),
        _ => (None, None),
    }
}

/// The account that did it, if it was not the person's own.
fn actor(event: &AccountEvent) -> Option<AccountId> {
    match (event, by_and_why(event).0) {
        (AccountEvent::ImpersonationStarted { by, .. }, _) | (_, Some(By::Account(by))) => Some(*by),
        _ => None,
    }
}

fn text_of(event: &AccountEvent) -> Option<&PersonalRef> {
    match by_and_why(event).1 {
        Some(Why::Text(at)) => Some(at),
        _ => None,
    }
}
