//! State, decisions and their application.

use super::{CharacterCommand, CharacterError, CharacterEvent, CharacterText, Version, VersionText};
use crate::domain::shared::text::{optional, required};
use crate::domain::shared::{AccountId, Slug};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use uuid::Uuid;

/// Versions of one character.
const VERSIONS_MOST: usize = 200;
/// Works that are shown with it.
const SHOWCASES_MOST: usize = 200;

/// Whether people may know of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publication {
    /// Nothing with this id exists.
    #[default]
    Absent,
    /// Only its creator and editors see it.
    Draft,
    /// Everybody may know of it.
    Published,
}

/// A character. Pages are folded with it as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Character {
    /// Whether people may know of it.
    pub publication: Publication,
    /// Who began it.
    pub by: Option<AccountId>,
    /// Address.
    pub slug: Option<Slug>,
    /// What is said about it.
    pub text: CharacterText,
    /// Its versions, the oldest first.
    pub versions: Vec<Version>,
}

impl Character {
    /// One of its versions.
    #[must_use]
    pub fn version(&self, id: Uuid) -> Option<&Version> {
        self.versions.iter().find(|v| v.id == id)
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// [`CharacterError`] says why it is refused.
    pub fn decide(&self, command: CharacterCommand) -> Result<Vec<CharacterEvent>, CharacterError> {
        if let CharacterCommand::Begin { slug, text, by, at } = command {
            if self.publication != Publication::Absent {
                return Err(CharacterError::AlreadyBegun);
            }
            return Ok(vec![CharacterEvent::CharacterBegun { slug, text: checked(*text)?, by, at }]);
        }
        if self.publication == Publication::Absent {
            return Err(CharacterError::Unknown);
        }
        match command {
            CharacterCommand::Begin { .. } => Err(CharacterError::AlreadyBegun),
            CharacterCommand::HandOver { to, .. } if self.by == Some(to) => Ok(vec![]),
            CharacterCommand::HandOver { to, by, at } => {
                Ok(vec![CharacterEvent::CharacterHandedOver { to, by, at }])
            }
            CharacterCommand::Revise { slug, text, at } => self.revise(slug, checked(*text)?, at),
            CharacterCommand::AddVersion { version, .. } if self.version(version).is_some() => Ok(vec![]),
            CharacterCommand::AddVersion { .. } if self.versions.len() >= VERSIONS_MOST => {
                Err(CharacterError::TooManyVersions(VERSIONS_MOST))
            }
            CharacterCommand::AddVersion { version, text, at } => {
                let text = self.checked_version(version, *text)?;
                let version = Version { id: version, text, at };
                Ok(vec![CharacterEvent::CharacterVersionAdded { version, at }])
            }
            CharacterCommand::ReviseVersion { version, text, at } => {
                let old = self.version(version).ok_or(CharacterError::NoSuchVersion)?;
                let text = self.checked_version(version, *text)?;
                let same = old.text == text;
                Ok(if same {
                    vec![]
                } else {
                    vec![CharacterEvent::CharacterVersionRevised { version, text, at }]
                })
            }
            CharacterCommand::RemoveVersion { version, .. } if self.version(version).is_none() => Ok(vec![]),
            CharacterCommand::RemoveVersion { version, at } => {
                Ok(vec![CharacterEvent::CharacterVersionRemoved { version, at }])
            }
            CharacterCommand::Publish { .. } if self.publication == Publication::Published => Ok(vec![]),
            CharacterCommand::Publish { .. } if self.text.summary.is_empty() => {
                Err(CharacterError::NothingSaid)
            }
            CharacterCommand::Publish { at } => Ok(vec![CharacterEvent::CharacterPublished { at }]),
            CharacterCommand::Unpublish { .. } if self.publication == Publication::Draft => Ok(vec![]),
            CharacterCommand::Unpublish { at } => Ok(vec![CharacterEvent::CharacterUnpublished { at }]),
        }
    }

    fn revise(
        &self,
        slug: Slug,
        text: CharacterText,
        at: DateTime<Utc>,
    ) -> Result<Vec<CharacterEvent>, CharacterError> {
        if text.summary.is_empty() && self.publication == Publication::Published {
            return Err(CharacterError::NothingSaid);
        }
        let mut events = Vec::new();
        if let Some(from) = self.slug.clone().filter(|old| *old != slug) {
            events.push(CharacterEvent::CharacterMoved { from, to: slug, at });
        }
        if text != self.text {
            events.push(CharacterEvent::CharacterRevised { text, at });
        }
        Ok(events)
    }

    fn checked_version(&self, id: Uuid, text: VersionText) -> Result<VersionText, CharacterError> {
        let label = required("label", "version", &text.label, 40)?;
        if self.versions.iter().any(|v| v.id != id && v.text.label == label) {
            return Err(CharacterError::LabelInUse);
        }
        Ok(VersionText {
            label,
            software: required("software", "version of the software", &text.software, 60)?,
            notes: optional("notes", "notes", &text.notes, 5_000)?,
            ..text
        })
    }

    /// Applies what happened.
    pub fn apply(&mut self, event: CharacterEvent) {
        match event {
            CharacterEvent::CharacterHandedOver { to, .. } => self.by = Some(to),
            CharacterEvent::CharacterBegun { slug, text, by, .. } => {
                self.publication = Publication::Draft;
                self.by = Some(by);
                self.slug = Some(slug);
                self.text = text;
            }
            CharacterEvent::CharacterRevised { text, .. } => self.text = text,
            CharacterEvent::CharacterMoved { to, .. } => self.slug = Some(to),
            CharacterEvent::CharacterVersionAdded { version, .. } => self.versions.push(version),
            CharacterEvent::CharacterVersionRevised { version: id, text, .. } => {
                if let Some(version) = self.versions.iter_mut().find(|v| v.id == id) {
                    version.text = text;
                }
            }
            CharacterEvent::CharacterVersionRemoved { version, .. } => {
                self.versions.retain(|v| v.id != version);
            }
            CharacterEvent::CharacterPublished { .. } => self.publication = Publication::Published,
            CharacterEvent::CharacterUnpublished { .. } => self.publication = Publication::Draft,
        }
    }
}

fn checked(text: CharacterText) -> Result<CharacterText, CharacterError> {
    if text.showcases.len() > SHOWCASES_MOST {
        return Err(CharacterError::TooManyShowcases(SHOWCASES_MOST));
    }
    if text.showcases.iter().collect::<HashSet<_>>().len() != text.showcases.len() {
        return Err(CharacterError::TwiceShown);
    }
    Ok(CharacterText {
        name: required("name", "name", &text.name, 120)?,
        summary: optional("summary", "summary", &text.summary, 300)?,
        description: optional("description", "description", &text.description, 50_000)?,
        ..text
    })
}
