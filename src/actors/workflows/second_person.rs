//! Does what a second person agreed to.

use super::{Workflow, WorkflowError};
use crate::actors::approvals;
use crate::actors::services::Services;
use crate::domain::approval::ApprovalEvent;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::RecordedEvent;
use async_trait::async_trait;

/// The workflow.
pub struct SecondPerson;

const NAME: &str = "second-person";

#[async_trait]
impl Workflow for SecondPerson {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[ApprovalEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        match event.decode::<ApprovalEvent>()? {
            Some(ApprovalEvent::SecondPersonAgreed { .. }) => {
                Ok(approvals::carry_out(cx, event, NAME).await?)
            }
            _ => Ok(()),
        }
    }
}
