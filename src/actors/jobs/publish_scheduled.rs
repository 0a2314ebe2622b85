//! `publish-scheduled`: publishes media, films, courses and posts whose time has come, and ends suspensions whose time is over.

use super::{Counts, Job, JobError, Run};
use crate::actors::bus::Envelope;
use crate::actors::services::Services;
use crate::domain::account::{Account, AccountCommand, By, Why};
use crate::domain::clock::Schedule;
use crate::domain::course::{Course, Wish};
use crate::domain::film::{Film, FilmCommand};
use crate::domain::media::{Media, MediaCommand};
use crate::domain::post::{Post, PostCommand};
use crate::projections::{catalogue, media as works, people};
use async_trait::async_trait;

/// The job.
pub struct PublishScheduled;

#[async_trait]
impl Job for PublishScheduled {
    fn name(&self) -> &'static str {
        "publish-scheduled"
    }

    fn schedule(&self) -> Schedule {
        Schedule::minutes(1)
    }

    async fn run(&self, run: &Run, cx: &Services) -> Result<Counts, JobError> {
        let mut published = 0;
        for media in works::due(&cx.reader, run.at).await? {
            let command = MediaCommand::PublishDue { at: run.at };
            let envelope = Envelope::new(run.command_id(&media.to_string()), media, command, run.meta());
            let receipt =
                cx.bus.dispatch::<Media>(envelope).await.map_err(|e| JobError::Failed(e.to_string()))?;
            published += i64::from(receipt.position > 0);
        }
        let mut posts = 0;
        for post in catalogue::due_posts(&cx.reader, run.at).await? {
            let command = PostCommand::PublishDue { at: run.at };
            let envelope = Envelope::new(run.command_id(&post.to_string()), post, command, run.meta());
            let receipt =
                cx.bus.dispatch::<Post>(envelope).await.map_err(|e| JobError::Failed(e.to_string()))?;
            posts += i64::from(receipt.position > 0);
        }
        let mut films = 0;
        for film in catalogue::due_films(&cx.reader, run.at).await? {
            let command = FilmCommand::PublishDue { at: run.at };
            let envelope = Envelope::new(run.command_id(&film.to_string()), film, command, run.meta());
            let receipt =
                cx.bus.dispatch::<Film>(envelope).await.map_err(|e| JobError::Failed(e.to_string()))?;
            films += i64::from(receipt.position > 0);
        }
        let mut courses = 0;
        for course in catalogue::due_courses(&cx.reader, run.at).await? {
            let command = Wish::PublishDue.at(run.at);
            let envelope = Envelope::new(run.command_id(&course.to_string()), course, command, run.meta());
            let receipt =
                cx.bus.dispatch::<Course>(envelope).await.map_err(|e| JobError::Failed(e.to_string()))?;
            courses += i64::from(receipt.position > 0);
        }
        let mut reinstated = 0;
        for account in people::suspended_until(&cx.reader, run.at).await? {
            let by = By::System("suspension".into());
            let why = Why::Code("suspension-over".into());
            let command = AccountCommand::Reinstate { at: run.at, by, why };
            let envelope = Envelope::new(run.command_id(&account.to_string()), account, command, run.meta());
            cx.bus.dispatch::<Account>(envelope).await.map_err(|e| JobError::Failed(e.to_string()))?;
            reinstated += 1;
        }
        Ok(Counts::from([
            ("published".into(), published),
            ("published_posts".into(), posts),
            ("published_films".into(), films),
            ("published_courses".into(), courses),
            ("reinstated".into(), reinstated),
        ]))
    }
}
