//! State, decisions and their application.

use super::{PostCommand, PostError, PostEvent, PostText};
use crate::domain::shared::text::{optional, required};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whether people may read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Visibility {
    /// Nothing with this id exists.
    #[default]
    Absent,
    /// Only creators and editors see it.
    Draft,
    /// It will be published.
    Scheduled {
        /// When.
        publish_at: DateTime<Utc>,
    },
    /// Everybody may read it.
    Published,
}

/// A post. Pages are folded with it as well, so that its state is decided in one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Post {
    /// Whether people may read it.
    pub visibility: Visibility,
    /// Who wrote it.
    pub by: Option<AccountId>,
    /// Address.
    pub slug: Option<Slug>,
    /// Its text.
    pub text: PostText,
}

impl Post {
    /// Decides what follows from a command.
    ///
    /// # Errors
    /// [`PostError`] says why it is refused.
    pub fn decide(&self, command: PostCommand) -> Result<Vec<PostEvent>, PostError> {
        if let PostCommand::Write { slug, text, by, at } = command {
            if self.visibility != Visibility::Absent {
                return Err(PostError::AlreadyWritten);
            }
            return Ok(vec![PostEvent::PostWritten { slug, text: checked(*text)?, by, at }]);
        }
        if self.visibility == Visibility::Absent {
            return Err(PostError::Unknown);
        }
        match command {
            PostCommand::Write { .. } => Err(PostError::AlreadyWritten),
            PostCommand::HandOver { to, .. } if self.by == Some(to) => Ok(vec![]),
            PostCommand::HandOver { to, by, at } => Ok(vec![PostEvent::PostHandedOver { to, by, at }]),
            PostCommand::Revise { slug, text, at } => self.revise(slug, checked(*text)?, at),
            PostCommand::Publish { .. } if self.visibility == Visibility::Published => Ok(vec![]),
            PostCommand::Publish { .. } | PostCommand::Schedule { .. } if self.text.content.is_empty() => {
                Err(PostError::NothingToRead)
            }
            PostCommand::Publish { at } => Ok(vec![PostEvent::PostPublished { at }]),
            PostCommand::Schedule { .. } if self.visibility == Visibility::Published => {
                Err(PostError::AlreadyPublished)
            }
            PostCommand::Schedule { publish_at, at } if publish_at <= at => Err(PostError::TimeHasPassed),
            PostCommand::Schedule { publish_at, .. }
                if self.visibility == (Visibility::Scheduled { publish_at }) =>
            {
                Ok(vec![])
            }
            PostCommand::Schedule { publish_at, at } => Ok(vec![PostEvent::PostScheduled { publish_at, at }]),
            PostCommand::PublishDue { at } => match self.visibility {
                Visibility::Scheduled { publish_at } if publish_at <= at => {
                    Ok(vec![PostEvent::PostPublished { at }])
                }
                _ => Ok(vec![]),
            },
            PostCommand::Withdraw { .. } if self.visibility == Visibility::Draft => Ok(vec![]),
            PostCommand::Withdraw { at } => Ok(vec![PostEvent::PostWithdrawn { at }]),
        }
    }

    fn revise(&self, slug: Slug, text: PostText, at: DateTime<Utc>) -> Result<Vec<PostEvent>, PostError> {
        if text.content.is_empty() && self.visibility != Visibility::Draft {
            return Err(PostError::NothingToRead);
        }
        let mut events = Vec::new();
        if let Some(from) = self.slug.clone().filter(|old| *old != slug) {
            events.push(PostEvent::PostMoved { from, to: slug, at });
        }
        if text != self.text {
            events.push(PostEvent::PostRevised { text, at });
        }
        Ok(events)
    }

    /// Applies what happened.
    pub fn apply(&mut self, event: PostEvent) {
        match event {
            PostEvent::PostHandedOver { to, .. } => self.by = Some(to),
            PostEvent::PostWritten { slug, text, by, .. } => {
                self.visibility = Visibility::Draft;
                self.by = Some(by);
                self.slug = Some(slug);
                self.text = text;
            }
            PostEvent::PostRevised { text, .. } => self.text = text,
            PostEvent::PostMoved { to, .. } => self.slug = Some(to),
            PostEvent::PostScheduled { publish_at, .. } => {
                self.visibility = Visibility::Scheduled { publish_at }
            }
            PostEvent::PostPublished { .. } => self.visibility = Visibility::Published,
            PostEvent::PostWithdrawn { .. } => self.visibility = Visibility::Draft,
        }
    }
}

fn checked(text: PostText) -> Result<PostText, PostError> {
    Ok(PostText {
        title: required("title", "title", &text.title, 160)?,
        excerpt: optional("excerpt", "excerpt", &text.excerpt, 400)?,
        content: optional("content", "text", &text.content, 100_000)?,
        ..text
    })
}
