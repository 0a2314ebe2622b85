//! While a deletion request is pending the account is hidden; a withdrawal brings it back.

use super::{Workflow, WorkflowError};
use crate::actors::bus::{CommandError, Envelope};
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand, AccountError};
use crate::domain::deletion_request::DeletionEvent;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::RecordedEvent;
use async_trait::async_trait;

/// The workflow.
pub struct HideAccount;

#[async_trait]
impl Workflow for HideAccount {
    fn name(&self) -> &'static str {
        "hide-account"
    }

    fn follows(&self) -> &'static [&'static str] {
        &[DeletionEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let request = event.stream_uuid();
        let (account, command) = match event.decode::<DeletionEvent>()? {
            Some(DeletionEvent::DeletionRequested { at, account, .. }) => {
                (account, AccountCommand::Hide { at, request })
            }
            Some(DeletionEvent::DeletionWithdrawn { at, account }) => {
                (account, AccountCommand::Restore { at, request })
            }
            _ => return Ok(()),
        };
        let (id, meta) = cx.follow(event, self.name(), "mark");
        match cx.bus.dispatch::<Account>(Envelope::new(id, account, command, meta)).await {
            // The request may be for an account that another way erased meanwhile.
            Ok(_) | Err(CommandError::Refused(AccountError::Erased)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
