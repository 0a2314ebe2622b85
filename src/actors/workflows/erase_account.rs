//! Carries out a deletion request, step by step. Each step can be repeated, each is recorded as an
//! event when it is done, and after a crash the work goes on with the first one that is not.

use super::{Workflow, WorkflowError};
use crate::actors::accounts::{leaving, sessions, tokens};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::{contacts, invoice_archive, mailer, services::Services, team_lists};
use crate::domain::account::{Account, AccountCommand, AccountError};
use crate::domain::deletion_request::{
    CommentsFate, DeletionCommand, DeletionEvent, DeletionRequest, ErasureStep, Stage,
};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::derive_id;
use crate::emails::MailKind;
use crate::projections::people;
use crate::store::{Metadata, RecordedEvent};
use async_trait::async_trait;
use uuid::Uuid;

mod certificate;
mod comments;
mod traces;

/// The workflow.
pub struct EraseAccount;

#[async_trait]
impl Workflow for EraseAccount {
    fn name(&self) -> &'static str {
        "erase-account"
    }

    fn follows(&self) -> &'static [&'static str] {
        &[DeletionEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let Some(DeletionEvent::ErasureStarted { account, .. }) = event.decode::<DeletionEvent>()? else {
            return Ok(());
        };
        let (_, meta) = cx.follow(event, self.name(), "erase");
        carry_out(cx, event.stream_uuid(), account, &meta).await
    }
}

/// Takes the steps of a begun request that are not done. Also called by the daily job, for requests
/// whose erasure could not go on (a gateway or disk that failed for long).
///
/// # Errors
/// If a step cannot be taken now; those before it are done and recorded.
pub async fn carry_out(
    cx: &Services,
    request: Uuid,
    account: Uuid,
    meta: &Metadata,
) -> Result<(), WorkflowError> {
    loop {
        let state = leaving::load_request(cx, request).await?;
        if state.stage != Stage::Executing {
            return Ok(());
        }
        let at = cx.clock.now();
        let mut meta = meta.clone();
        meta.at = at;
        let Some(step) = state.next_step() else {
            return record(cx, "complete", meta, request, DeletionCommand::Complete { at }).await;
        };
        let mut subjects = vec![];
        let removed = take_all(cx, &meta, request, account, (step, state.comments), &mut subjects).await?;
        let done = DeletionCommand::RecordStep { at, step, removed, subjects };
        record(cx, step.into(), meta, request, done).await?;
    }
}

/// Erases once more an account whose erasure a certificate proves, in an instance that was restored
/// from a backup made before. The request itself may be unknown there; what the person chose for the
/// comments is in the certificate.
///
/// # Errors
/// If a step cannot be taken.
pub async fn repeat(
    cx: &Services,
    request: Uuid,
    account: Uuid,
    (comments, subjects): (CommentsFate, &[Uuid]),
    meta: &Metadata,
) -> Result<(), WorkflowError> {
    for subject in subjects {
        contacts::erase(cx, *subject).await?;
    }
    contacts::release(cx, subjects).await?;
    for step in [
        ErasureStep::EndSessions,
        ErasureStep::DetachPaymentMethods,
        ErasureStep::RemoveUploads,
        ErasureStep::SettleComments,
        ErasureStep::RemoveTraces,
        ErasureStep::DropMail,
        ErasureStep::ReleaseNames,
        ErasureStep::DestroyPersonalData,
        ErasureStep::MarkAccount,
    ] {
        let mut subjects = vec![];
        take_all(cx, meta, request, account, (step, comments), &mut subjects).await?;
        contacts::release(cx, &subjects).await?;
    }
    Ok(())
}

/// Ids follow from request and purpose, so that workflow and job never do a thing twice.
fn command_id(request: Uuid, purpose: &str) -> Uuid {
    derive_id(&request.to_string(), &format!("erase {purpose}"))
}

async fn record(
    cx: &Services,
    purpose: &str,
    meta: Metadata,
    request: Uuid,
    command: DeletionCommand,
) -> Result<(), WorkflowError> {
    cx.bus
        .dispatch::<DeletionRequest>(Envelope::new(command_id(request, purpose), request, command, meta))
        .await
        .map(drop)
        .map_err(WorkflowError::from)
}

/// Takes one step for an account and for every other one of the same person that it took over, those first: the
/// account itself is marked last, because it names them.
async fn take_all(
    cx: &Services,
    meta: &Metadata,
    request: Uuid,
    account: Uuid,
    what: (ErasureStep, CommentsFate),
    subjects: &mut Vec<Uuid>,
) -> Result<u64, WorkflowError> {
    let own = matches!(what.0, ErasureStep::TellThePerson | ErasureStep::WriteCertificate);
    let mut removed = 0;
    if !own {
        for other in people::same_person(&cx.reader, account).await?.into_iter().skip(1) {
            removed += take(cx, meta, request, other, what, subjects).await?;
            if what.0 == ErasureStep::DestroyPersonalData {
                subjects.push(other);
            }
        }
    }
    Ok(removed + take(cx, meta, request, account, what, subjects).await?)
}

/// Takes one step and says how many things it removed; `subjects` gets those of the vault, other than the account,
/// whose keys were destroyed.
async fn take(
    cx: &Services,
    meta: &Metadata,
    request: Uuid,
    account: Uuid,
    (step, comments): (ErasureStep, CommentsFate),
    subjects: &mut Vec<Uuid>,
) -> Result<u64, WorkflowError> {
    match step {
        ErasureStep::EndSessions => {
            let ended = sessions::end_until(cx, account, chrono::DateTime::<chrono::Utc>::MAX_UTC).await?;
            Ok(ended + tokens::spend_all(cx, account).await?)
        }
        ErasureStep::DetachPaymentMethods => traces::payment_methods(cx, account).await,
        ErasureStep::RemoveUploads => traces::unpublished_uploads(cx, meta, account).await,
        ErasureStep::SettleComments => comments::settle(cx, meta, account, comments).await,
        ErasureStep::RemoveTraces => {
            let (lists, contact) =
                team_lists::forget(cx, meta, account).await.map_err(WorkflowError::Failed)?;
            subjects.extend(contact);
            traces::gift_recipients(cx, account).await?;
            Ok(lists + traces::measurements(cx, account).await?)
        }
        ErasureStep::TellThePerson => {
            let id = derive_id(&request.to_string(), "farewell");
            let told = mailer::send_now(cx, id, account, &MailKind::DeletionCompleted { request }).await?;
            Ok(u64::from(told))
        }
        ErasureStep::DropMail => mailer::forget(cx, account, team_lists::contact_of(cx, account).await?)
            .await?
            .ok_or_else(|| WorkflowError::Later("a mail of the account is being sent".into())),
        ErasureStep::ReleaseNames => {
            let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
            let owner = format!("account-{account}");
            Ok(client
                .execute(
                    "delete from public.claims where owner = $1 and namespace like 'account-%'",
                    &[&owner],
                )
                .await?)
        }
        ErasureStep::DestroyPersonalData => {
            invoice_archive::keep_older(cx, account).await?;
            let client = cx.pool.get().await.map_err(crate::store::StoreError::from)?;
            let sql = "select count(*) from public.vault where subject = $1";
            let values: i64 = client.query_one(sql, &[&account]).await?.get(0);
            cx.vault.erase(&client, account).await?;
            Ok(u64::try_from(values).unwrap_or(0))
        }
        ErasureStep::MarkAccount => {
            let id = command_id(request, &format!("mark {account}"));
            let command = AccountCommand::MarkErased { at: cx.clock.now(), request };
            match cx.bus.dispatch::<Account>(Envelope::new(id, account, command, meta.clone())).await {
                Ok(_) | Err(CommandError::Refused(AccountError::Unknown)) => Ok(1),
                Err(error) => Err(error.into()),
            }
        }
        ErasureStep::WriteCertificate => certificate::write(cx, request).await,
    }
}
