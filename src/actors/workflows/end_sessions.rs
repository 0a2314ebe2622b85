//! Sessions end with a suspension and with every new password. Pages do the same at once; this
//! catches what they could not finish, and what the shell of another process did.

use super::{Workflow, WorkflowError};
use crate::actors::accounts::sessions;
use crate::actors::services::Services;
use crate::domain::account::{AccountEvent, PasswordCause};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::RecordedEvent;
use async_trait::async_trait;

/// The workflow.
pub struct EndSessions;

#[async_trait]
impl Workflow for EndSessions {
    fn name(&self) -> &'static str {
        "end-sessions"
    }

    fn follows(&self) -> &'static [&'static str] {
        &[AccountEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        use AccountEvent as A;
        match event.decode::<AccountEvent>()? {
            Some(A::AccountSuspended { at, .. } | A::AccountMerged { at, .. }) => {
                sessions::end_until(cx, event.stream_uuid(), at).await?;
            }
            Some(A::PasswordSet { at, cause, .. }) if cause != PasswordCause::Registration => {
                sessions::end_until(cx, event.stream_uuid(), at).await?;
            }
            _ => {}
        }
        Ok(())
    }
}
