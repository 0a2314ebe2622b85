//! Destroys the texts of a comment that was deleted: what it said last, and what it said before it was edited.

use super::{Workflow, WorkflowError};
use crate::actors::services::Services;
use crate::domain::comment::CommentEvent;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::{RecordedEvent, StoreError, log};
use async_trait::async_trait;

/// The workflow.
pub struct CommentTexts;

#[async_trait]
impl Workflow for CommentTexts {
    fn name(&self) -> &'static str {
        "comment_texts"
    }

    fn follows(&self) -> &'static [&'static str] {
        &[CommentEvent::CATEGORY]
    }

    fn begins_at_the_first(&self) -> bool {
        true
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let Some(CommentEvent::CommentDeleted { .. }) = event.decode::<CommentEvent>()? else {
            return Ok(());
        };
        let client = cx.pool.get().await.map_err(StoreError::from)?;
        for earlier in log::stream(&client, &event.stream_id, 0).await? {
            let text = match earlier.decode::<CommentEvent>()? {
                Some(
                    CommentEvent::CommentWritten { text, .. }
                    | CommentEvent::CommentEdited { text, .. }
                    | CommentEvent::CommentDetached { text, .. },
                ) => text,
                _ => continue,
            };
            cx.vault.discard(&client, &text).await?;
        }
        Ok(())
    }
}
