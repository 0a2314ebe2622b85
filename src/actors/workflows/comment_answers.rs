//! Tells by mail who wrote a comment that somebody answered it, if they want to be told.

use super::{Workflow, WorkflowError};
use crate::actors::services::Services;
use crate::actors::{answer_notices, mailer};
use crate::domain::comment::{Comment, CommentEvent, Standing};
use crate::domain::shared::aggregate::CategoryEvent;
use crate::emails::MailKind;
use crate::projections::comment_places::place;
use crate::projections::people::{self, Presence};
use crate::store::RecordedEvent;
use crate::store::repository::EventRepository;
use async_trait::async_trait;

/// The workflow.
pub struct CommentAnswers;

const NAME: &str = "comment_answers";

#[async_trait]
impl Workflow for CommentAnswers {
    fn name(&self) -> &'static str {
        NAME
    }

    fn follows(&self) -> &'static [&'static str] {
        &[CommentEvent::CATEGORY]
    }

    async fn handle(&self, event: &RecordedEvent, cx: &Services) -> Result<(), WorkflowError> {
        let Some(CommentEvent::CommentWritten { subject, parent: Some(parent), author, .. }) =
            event.decode::<CommentEvent>()?
        else {
            return Ok(());
        };
        let repository = EventRepository::<Comment>::new(cx.pool.clone(), cx.journal.clone());
        let answered = repository.load(parent).await?.state;
        if answered.author == author
            || answered.standing != Standing::Shown
            || !answer_notices::wanted(cx, answered.author).await?
        {
            return Ok(());
        }
        let there = people::by_id(&cx.reader, answered.author).await?;
        let reads = there.is_some_and(|p| p.confirmed && !p.suspended && p.presence == Presence::Open);
        let Some(place) = place(&cx.reader, subject).await?.filter(|_| reads) else { return Ok(()) };
        let (id, _) = cx.follow(event, NAME, "mail");
        let path = format!("{}#c{}", place.path, event.stream_uuid());
        let mail = MailKind::CommentAnswered { title: place.title, path };
        mailer::enqueue(cx, id, answered.author, mail, cx.clock.now()).await?;
        Ok(())
    }
}
