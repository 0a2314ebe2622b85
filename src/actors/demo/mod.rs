//! The demo studio: two films, the production log of one, a character, a course and a journal over real clips and pictures, made by the same
//! commands that a person's clicks send.
//!
//! Every id is derived from a name and every command has a fixed id: a second load changes nothing,
//! an interrupted one is completed, and what people changed meanwhile stays as they left it.

mod characters;
mod collections;
mod comments;
mod films;
mod journal;
mod logs;
mod questions;
mod training;
mod works;

use super::bus::{CommandError, Envelope};
use super::services::Services;
use super::uploads::UploadError;
use crate::domain::shared::aggregate::CategoryEvent;
use crate::domain::shared::{AccountId, Decider, PersonalValue, derive_id};
use crate::store::{Claim, Metadata};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// Why the demo studio could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file could not be taken over.
    #[error("the demo's {0} was not taken: {1}")]
    Upload(&'static str, UploadError),
    /// A command was not taken.
    #[error("the demo's {0} was not made: {1}")]
    Command(String, String),
}

/// Loads everything, as the creator. Publishing of works waits in the background until something of
/// them can be shown; the scheduled job does it if this process ends before.
///
/// # Errors
/// If a step fails; a second load goes on from there.
pub async fn load(cx: &Services, creator: AccountId) -> Result<(), DemoError> {
    let hand = Hand { cx, creator, at: cx.clock.now() };
    works::load(&hand).await?;
    films::load(&hand).await?;
    collections::load(&hand).await?;
    logs::load(&hand).await?;
    characters::load(&hand).await?;
    training::load(&hand).await?;
    journal::load(&hand).await?;
    Ok(())
}

/// Lets a member and the creator talk below the posts.
///
/// # Errors
/// If a step fails; a second load goes on from there.
pub async fn discuss(cx: &Services, creator: AccountId, subscriber: AccountId) -> Result<(), DemoError> {
    comments::load(&Hand { cx, creator, at: cx.clock.now() }, subscriber).await
}

/// Lets the editor answer what visitors ask.
///
/// # Errors
/// If the step fails; a second load goes on from there.
pub async fn answer_questions(cx: &Services, editor: AccountId) -> Result<(), DemoError> {
    questions::load(&Hand { cx, creator: editor, at: cx.clock.now() }).await
}

/// The id of something of the demo studio.
fn id(name: &str) -> Uuid {
    derive_id("demo studio", name)
}

/// The hand of the creator who makes the demo studio.
struct Hand<'a> {
    cx: &'a Services,
    creator: AccountId,
    at: DateTime<Utc>,
}

impl Hand<'_> {
    /// The same hand some days ago, so that the journal has a past.
    fn earlier(&self, days: i64) -> Self {
        Self { at: self.at - TimeDelta::days(days), ..*self }
    }

    /// Metadata as of the creator's own click.
    fn meta(&self) -> Metadata {
        Metadata::account(self.creator, id("load"), self.at)
    }

    /// Gives a command whose id follows from `step`.
    async fn give<A>(&self, stream: Uuid, step: &str, command: A::Command) -> Result<(), DemoError>
    where
        A: Decider,
        A::Event: CategoryEvent,
        A::Error: std::fmt::Display,
    {
        self.give_with::<A>(stream, step, command, vec![], vec![]).await
    }

    /// As [`Hand::give`], with keys to take and personal values.
    async fn give_with<A>(
        &self,
        stream: Uuid,
        step: &str,
        command: A::Command,
        claims: Vec<Claim>,
        private: Vec<PersonalValue>,
    ) -> Result<(), DemoError>
    where
        A: Decider,
        A::Event: CategoryEvent,
        A::Error: std::fmt::Display,
    {
        let envelope =
            Envelope::new(id(step), stream, command, self.meta()).with_claims(claims).with_private(private);
        match self.cx.bus.dispatch::<A>(envelope).await {
            // Refused: somebody has gone on with it since the first load, and that counts more.
            Ok(_) | Err(CommandError::Refused(_)) => Ok(()),
            Err(error) => Err(DemoError::Command(step.to_owned(), error.to_string())),
        }
    }
}
