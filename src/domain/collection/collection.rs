//! State, decisions and their application.

use super::{CollectionCommand, CollectionError, CollectionEvent, CollectionText, Place};
use crate::domain::shared::text::{optional, required};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use uuid::Uuid;

/// Works of one collection.
const WORKS_MOST: usize = 1_000;

/// Whether people may know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publication {
    /// Nothing with this id exists.
    #[default]
    Absent,
    /// Only the film's creators and editors see it.
    Draft,
    /// Everybody who can see the film may know of it.
    Published,
}

/// A collection. Pages are folded with it as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Whether people may know of it.
    pub publication: Publication,
    /// Who began it.
    pub by: Option<AccountId>,
    /// The film.
    pub film: Uuid,
    /// Address within the film's gallery.
    pub slug: Option<Slug>,
    /// Title, text, works.
    pub text: CollectionText,
    /// Where it stands.
    pub place: Place,
}

impl Collection {
    /// The work that stands for it.
    #[must_use]
    pub fn cover(&self) -> Option<Uuid> {
        self.text.picture.or(self.text.media.first().copied())
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// [`CollectionError`] says why it is refused.
    pub fn decide(&self, command: CollectionCommand) -> Result<Vec<CollectionEvent>, CollectionError> {
        if let CollectionCommand::Begin { film, slug, text, place, by, at } = command {
            if self.publication != Publication::Absent {
                return Err(CollectionError::AlreadyBegun);
            }
            let text = checked(*text)?;
            return Ok(vec![CollectionEvent::CollectionBegun { film, slug, text, place, by, at }]);
        }
        if self.publication == Publication::Absent {
            return Err(CollectionError::Unknown);
        }
        match command {
            CollectionCommand::Begin { .. } => Err(CollectionError::AlreadyBegun),
            CollectionCommand::HandOver { to, .. } if self.by == Some(to) => Ok(vec![]),
            CollectionCommand::HandOver { to, by, at } => {
                Ok(vec![CollectionEvent::CollectionHandedOver { to, by, at }])
            }
            CollectionCommand::Revise { slug, text, place, at } => {
                Ok(self.revise(slug, checked(*text)?, place, at))
            }
            CollectionCommand::Publish { .. } if self.publication == Publication::Published => Ok(vec![]),
            CollectionCommand::Publish { at } => Ok(vec![CollectionEvent::CollectionPublished { at }]),
            CollectionCommand::Unpublish { .. } if self.publication == Publication::Draft => Ok(vec![]),
            CollectionCommand::Unpublish { at } => Ok(vec![CollectionEvent::CollectionUnpublished { at }]),
        }
    }

    fn revise(
        &self,
        slug: Slug,
        text: CollectionText,
        place: Place,
        at: DateTime<Utc>,
    ) -> Vec<CollectionEvent> {
        let mut events = Vec::new();
        if let Some(from) = self.slug.clone().filter(|old| *old != slug) {
            events.push(CollectionEvent::CollectionMoved { from, to: slug, at });
        }
        if text != self.text {
            events.push(CollectionEvent::CollectionRevised { text, at });
        }
        if place != self.place {
            events.push(CollectionEvent::CollectionPlaced { place, at });
        }
        events
    }

    /// Applies what happened.
    pub fn apply(&mut self, event: CollectionEvent) {
        match event {
            CollectionEvent::CollectionHandedOver { to, .. } => self.by = Some(to),
            CollectionEvent::CollectionBegun { film, slug, text, place, by, .. } => {
                self.publication = Publication::Draft;
                self.by = Some(by);
                self.film = film;
                self.slug = Some(slug);
                self.text = text;
                self.place = place;
            }
            CollectionEvent::CollectionRevised { text, .. } => self.text = text,
            CollectionEvent::CollectionMoved { to, .. } => self.slug = Some(to),
            CollectionEvent::CollectionPlaced { place, .. } => self.place = place,
            CollectionEvent::CollectionPublished { .. } => self.publication = Publication::Published,
            CollectionEvent::CollectionUnpublished { .. } => self.publication = Publication::Draft,
        }
    }
}

fn checked(text: CollectionText) -> Result<CollectionText, CollectionError> {
    if text.media.len() > WORKS_MOST {
        return Err(CollectionError::TooLarge(WORKS_MOST));
    }
    if text.media.iter().collect::<HashSet<_>>().len() != text.media.len() {
        return Err(CollectionError::TwiceInCollection);
    }
    Ok(CollectionText {
        title: required("title", "title", &text.title, 120)?,
        text: optional("text", "text", &text.text, 20_000)?,
        ..text
    })
}
