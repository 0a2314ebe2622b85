//! Mails that follow from what happens to accounts and deletion requests.

use super::{Workflow, WorkflowError};
use crate::actors::{mailer, services::Services};
use crate::domain::account::{AccountEvent, By, Origin, PasswordCause};
use crate::domain::deletion_request::DeletionEvent;
use crate::domain::shared::PersonalRef;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::emails::MailKind;
use crate::emails::billing::BillingMail;
use crate::store::RecordedEvent;
use async_trait::async_trait;
use uuid::Uuid;

/// The workflow.
pub struct AccountMails;

#[async_trait]
impl Workflow for AccountMails {
    fn name(&self) -> &'static str {
        "account-mails"
    }

    fn follows(&self) -> &'static [&'static str] {
        &[AccountEvent::CATEGORY, DeletionEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let Some((account, recipient, kind)) = mail_after(event)? else { return Ok(()) };
        let (id, _) = cx.follow(event, self.name(), "mail");
        mailer::enqueue_to(cx, id, account, recipient.as_ref(), &kind, event.effective_at).await?;
        Ok(())
    }
}

type Wanted = Option<(Uuid, Option<PersonalRef>, MailKind)>;

fn mail_after(event: &RecordedEvent) -> Result<Wanted, WorkflowError> {
    use AccountEvent as A;
    use DeletionEvent as D;
    let own = event.stream_uuid();
    if let Some(event) = event.decode::<AccountEvent>()? {
        return Ok(match event {
            A::AccountRegistered { mail, origin: Origin::Registration, .. }
            | A::ConfirmationRequested { mail, .. } => Some((own, Some(mail), MailKind::Confirm)),
            A::MailChangeRequested { mail, .. } => Some((own, Some(mail), MailKind::MailChange)),
            A::PasswordResetRequested { request, .. } => Some((own, None, MailKind::Reset { request })),
            A::PasswordSet {
                cause: PasswordCause::Change | PasswordCause::Reset | PasswordCause::Shell,
                ..
            } => Some((own, None, MailKind::PasswordChanged)),
            A::AccountApproved { .. } => Some((own, None, MailKind::Approved)),
            A::SecondFactorAdded { .. } => Some((own, None, MailKind::SecondFactor { added: true })),
            A::SecondFactorRemoved { .. } => Some((own, None, MailKind::SecondFactor { added: false })),
            A::PasskeyAdded { .. } => Some((own, None, MailKind::Passkey { added: true })),
            A::PasskeyRemoved { .. } => Some((own, None, MailKind::Passkey { added: false })),
            A::IdentityLinked { .. } => Some((own, None, MailKind::SignInService { linked: true })),
            A::IdentityUnlinked { .. } => Some((own, None, MailKind::SignInService { linked: false })),
            A::ImpersonationStarted { at, .. } => Some((own, None, MailKind::Impersonated { at })),
            A::RecoveryCodeUsed { left, .. } => Some((own, None, MailKind::RecoveryCodeUsed { left })),
            // What a gift or a merge brings is told of by their own mails.
            A::ComplimentaryAccessGranted { until, by: By::Account(_), .. } => {
                Some((own, None, MailKind::Billing(BillingMail::ComplimentaryGiven { until })))
            }
            A::ComplimentaryAccessEnded { by: By::Account(_), .. } => {
                Some((own, None, MailKind::Billing(BillingMail::ComplimentaryEnded)))
            }
            A::MailChanged { former, .. } => Some((own, Some(former), MailKind::MailChanged)),
            _ => None,
        });
    }
    Ok(match event.decode::<DeletionEvent>()? {
        Some(D::DeletionRequested { account, due, .. }) => {
            Some((account, None, MailKind::DeletionRequested { due }))
        }
        Some(D::DeletionWithdrawn { account, .. }) => Some((account, None, MailKind::DeletionWithdrawn)),
        Some(D::DeletionBlocked { account, obstacles, .. }) => {
            Some((account, None, MailKind::DeletionBlocked { obstacles }))
        }
        // The last mail is a step of the erasure, because the address is gone afterwards.
        _ => None,
    })
}
