//! State, decisions and their application.

use super::{Entry, LogCommand, LogError, LogEvent, LogText, Week};
use crate::domain::shared::AccountId;
use crate::domain::shared::text::optional;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use uuid::Uuid;

/// Entries of one week.
const ENTRIES_MOST: usize = 200;
/// Works of one entry.
const WORKS_MOST: usize = 100;

/// Whether people may read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publication {
    /// Nothing with this id exists.
    #[default]
    Absent,
    /// Only the film's creators and editors see it.
    Draft,
    /// Everybody who can see the film may read it.
    Published,
}

/// The log of one week of a film. Pages are folded with it as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductionLog {
    /// Whether people may read it.
    pub publication: Publication,
    /// Who began it.
    pub by: Option<AccountId>,
    /// The film.
    pub film: Uuid,
    /// The week; none before it was begun.
    pub week: Option<Week>,
    /// Title and summary.
    pub text: LogText,
    /// What was done, in the order in which it was written.
    pub entries: Vec<Entry>,
}

impl ProductionLog {
    /// What pages call it: its title, or the number of its week.
    #[must_use]
    pub fn heading(&self) -> String {
        match (self.text.title.as_str(), self.week) {
            ("", Some(week)) => format!("Week {}", week.number()),
            (title, _) => title.to_owned(),
        }
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// [`LogError`] says why it is refused.
    pub fn decide(&self, command: LogCommand) -> Result<Vec<LogEvent>, LogError> {
        if let LogCommand::Begin { film, week, text, by, at } = command {
            if self.publication != Publication::Absent {
                return Err(LogError::AlreadyBegun);
            }
            return Ok(vec![LogEvent::ProductionLogBegun { film, week, text: checked(text)?, by, at }]);
        }
        if self.publication == Publication::Absent {
            return Err(LogError::Unknown);
        }
        match command {
            LogCommand::Begin { .. } => Err(LogError::AlreadyBegun),
            LogCommand::HandOver { to, .. } if self.by == Some(to) => Ok(vec![]),
            LogCommand::HandOver { to, by, at } => Ok(vec![LogEvent::ProductionLogHandedOver { to, by, at }]),
            LogCommand::Describe { text, at } => {
                let text = checked(text)?;
                Ok(if text == self.text {
                    vec![]
                } else {
                    vec![LogEvent::ProductionLogDescribed { text, at }]
                })
            }
            LogCommand::AddEntry { entry, .. } if self.entry(entry).is_some() => Ok(vec![]),
            LogCommand::AddEntry { .. } if self.entries.len() >= ENTRIES_MOST => {
                Err(LogError::TooManyEntries(ENTRIES_MOST))
            }
            LogCommand::AddEntry { entry, author, text, media, at } => {
                let (text, media) = checked_entry(&text, media)?;
                let entry = Entry { id: entry, author, text, media };
                Ok(vec![LogEvent::ProductionLogEntryAdded { entry, at }])
            }
            LogCommand::ReviseEntry { entry, text, media, at } => self.revise(entry, &text, media, at),
            LogCommand::RemoveEntry { entry, .. } if self.entry(entry).is_none() => Ok(vec![]),
            LogCommand::RemoveEntry { .. }
                if self.publication == Publication::Published && self.entries.len() == 1 =>
            {
                Err(LogError::NothingToRead)
            }
            LogCommand::RemoveEntry { entry, at } => {
                Ok(vec![LogEvent::ProductionLogEntryRemoved { entry, at }])
            }
            LogCommand::Publish { .. } if self.publication == Publication::Published => Ok(vec![]),
            LogCommand::Publish { .. } if self.entries.is_empty() => Err(LogError::NothingToRead),
            LogCommand::Publish { at } => Ok(vec![LogEvent::ProductionLogPublished { at }]),
            LogCommand::Withdraw { .. } if self.publication == Publication::Draft => Ok(vec![]),
            LogCommand::Withdraw { at } => Ok(vec![LogEvent::ProductionLogWithdrawn { at }]),
        }
    }

    /// One of its entries.
    #[must_use]
    pub fn entry(&self, id: Uuid) -> Option<&Entry> {
        self.entries.iter().find(|e| e.id == id)
    }

    fn revise(
        &self,
        id: Uuid,
        text: &str,
        media: Vec<Uuid>,
        at: DateTime<Utc>,
    ) -> Result<Vec<LogEvent>, LogError> {
        let old = self.entry(id).ok_or(LogError::NoSuchEntry)?;
        let (text, media) = checked_entry(text, media)?;
        if (&old.text, &old.media) == (&text, &media) {
            return Ok(vec![]);
        }
        Ok(vec![LogEvent::ProductionLogEntryRevised { entry: id, text, media, at }])
    }

    /// Applies what happened.
    pub fn apply(&mut self, event: LogEvent) {
        match event {
            LogEvent::ProductionLogHandedOver { to, .. } => self.by = Some(to),
            LogEvent::ProductionLogBegun { film, week, text, by, .. } => {
                self.publication = Publication::Draft;
                self.by = Some(by);
                self.film = film;
                self.week = Some(week);
                self.text = text;
            }
            LogEvent::ProductionLogDescribed { text, .. } => self.text = text,
            LogEvent::ProductionLogEntryAdded { entry, .. } => self.entries.push(entry),
            LogEvent::ProductionLogEntryRevised { entry: id, text, media, .. } => {
                if let Some(entry) = self.entries.iter_mut().find(|e| e.id == id) {
                    entry.text = text;
                    entry.media = media;
                }
            }
            LogEvent::ProductionLogEntryRemoved { entry, .. } => self.entries.retain(|e| e.id != entry),
            LogEvent::ProductionLogPublished { .. } => self.publication = Publication::Published,
            LogEvent::ProductionLogWithdrawn { .. } => self.publication = Publication::Draft,
        }
    }
}

fn checked(text: LogText) -> Result<LogText, LogError> {
    Ok(LogText {
        title: optional("title", "title", &text.title, 120)?,
        summary: optional("summary", "summary", &text.summary, 400)?,
    })
}

fn checked_entry(text: &str, media: Vec<Uuid>) -> Result<(String, Vec<Uuid>), LogError> {
    let text = optional("text", "text", text, 20_000)?;
    if text.is_empty() && media.is_empty() {
        return Err(LogError::EmptyEntry);
    }
    if media.len() > WORKS_MOST {
        return Err(LogError::TooManyWorks(WORKS_MOST));
    }
    if media.iter().collect::<HashSet<_>>().len() != media.len() {
        return Err(LogError::TwiceInEntry);
    }
    Ok((text, media))
}
