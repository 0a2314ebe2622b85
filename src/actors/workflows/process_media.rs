//! From an upload to rows for the encoder; from wishes (retry, remake, remove) to changed rows.

use super::{Workflow, WorkflowError};
use crate::actors::encoder::queue::{self, JobKind, NewJob};
use crate::actors::services::Services;
use crate::domain::media::{Media, MediaEvent, Processing};
use crate::domain::shared::AccountId;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::store::repository::EventRepository;
use crate::store::{RecordedEvent, StoreError};
use async_trait::async_trait;
use uuid::Uuid;

/// The workflow.
pub struct ProcessMedia;

#[async_trait]
impl Workflow for ProcessMedia {
    fn name(&self) -> &'static str {
        "process-media"
    }

    fn follows(&self) -> &'static [&'static str] {
        &[MediaEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let Some(decoded) = event.decode::<MediaEvent>()? else { return Ok(()) };
        let media = event.stream_uuid();
        let client = cx.pool.get().await.map_err(StoreError::from)?;
        match decoded {
            MediaEvent::UploadReceived { owner, .. } => {
                queue::enqueue(&**client, &first(media, owner, 1)).await?
            }
            MediaEvent::ReprocessingRequested { generation, .. }
            | MediaEvent::ReplacementReceived { generation, .. } => {
                queue::cancel(&**client, media, Some(generation)).await?;
                queue::enqueue(&**client, &first(media, owner(cx, media).await?, generation)).await?;
            }
            MediaEvent::ProcessingRetried { .. } => {
                let state = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone())
                    .load(media)
                    .await?
                    .state;
                if queue::retry(&**client, media, state.generation).await? == 0 {
                    let owner = state.owner.unwrap_or_default();
                    queue::enqueue(&**client, &first(media, owner, state.generation)).await?;
                }
            }
            // A new file did not take the place of the former one: what was being made of that goes on.
            MediaEvent::MediaRejected { .. } | MediaEvent::ReplacementWithdrawn { .. } => {
                let state = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone())
                    .load(media)
                    .await?
                    .state;
                let open = matches!(
                    state.processing,
                    Processing::Received
                        | Processing::Probing
                        | Processing::Accepted
                        | Processing::Processing
                );
                queue::cancel(&**client, media, Some(state.generation)).await?;
                if open && state.next.is_none() {
                    let owner = state.owner.unwrap_or_default();
                    if queue::retry(&**client, media, state.generation).await? == 0 {
                        queue::enqueue(&**client, &first(media, owner, state.generation)).await?;
                    }
                }
            }
            MediaEvent::MediaRemoved { .. } => {
                queue::cancel(&**client, media, None).await?;
            }
            // What was being made when it was removed goes on.
            MediaEvent::MediaRestored { .. } => {
                let state = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone())
                    .load(media)
                    .await?
                    .state;
                if matches!(
                    state.processing,
                    Processing::Received
                        | Processing::Probing
                        | Processing::Accepted
                        | Processing::Processing
                ) {
                    let owner = state.owner.unwrap_or_default();
                    queue::revive(&cx.pool, &first(media, owner, state.generation)).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The row with which a round of processing begins.
#[must_use]
pub fn first(media: Uuid, account: AccountId, generation: u32) -> NewJob {
    NewJob { media, account, generation, kind: JobKind::Probe, rung: 0, segment: 0, frames: 0 }
}

async fn owner(cx: &Services, media: Uuid) -> Result<AccountId, WorkflowError> {
    let state = EventRepository::<Media>::new(cx.pool.clone(), cx.journal.clone()).load(media).await?.state;
    Ok(state.owner.unwrap_or_default())
}
