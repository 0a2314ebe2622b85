use super::{CommentCommand, CommentError, CommentEvent, Remover, Subject};
use crate::domain::shared::{AccountId, PersonalRef};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Whether people see the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Standing {
    /// Everybody who sees the page.
    #[default]
    Shown,
    /// A moderator hid it.
    Hidden,
    /// Nobody: it was deleted.
    Deleted,
}

/// A comment as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Comment {
    /// Below what it stands; none before it was written.
    pub subject: Option<Subject>,
    /// The comment it answers.
    pub parent: Option<Uuid>,
    /// Who wrote it.
    pub author: AccountId,
    /// The text, in the writer's vault; sealed for the comment itself once the writer's account is erased.
    pub text: Option<PersonalRef>,
    /// When it was written.
    pub written_at: Option<DateTime<Utc>>,
    /// When it was last written anew.
    pub edited_at: Option<DateTime<Utc>>,
    /// Whether people see the text.
    pub standing: Standing,
    /// Whether it stands first.
    pub pinned: bool,
    /// What was reported and is not settled: by whom, and why.
    pub reports: BTreeMap<AccountId, PersonalRef>,
}

/// A text as it is kept.
///
/// # Errors
/// If there is nothing in it, or more than `longest` characters.
pub fn checked_text(text: &str, longest: usize) -> Result<String, CommentError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(CommentError::Empty);
    }
    if text.chars().count() > longest {
        return Err(CommentError::TooLong(longest));
    }
    Ok(text.to_owned())
}

impl Comment {
    /// Whether `account` may write it anew at `at`.
    ///
    /// # Errors
    /// Why not.
    pub fn may_edit(
        &self,
        account: AccountId,
        within_minutes: u32,
        at: DateTime<Utc>,
    ) -> Result<(), CommentError> {
        let written = self.written_at.ok_or(CommentError::Missing)?;
        match self.standing {
            _ if self.author != account => Err(CommentError::NotYours),
            Standing::Deleted => Err(CommentError::Deleted),
            Standing::Hidden => Err(CommentError::Hidden),
            Standing::Shown if at > written + TimeDelta::minutes(i64::from(within_minutes)) => {
                Err(CommentError::TooLate(within_minutes))
            }
            Standing::Shown => Ok(()),
        }
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: CommentCommand) -> Result<Vec<CommentEvent>, CommentError> {
        if let CommentCommand::Write { subject, parent, author, text, at } = command {
            return match self.subject {
                None => Ok(vec![CommentEvent::CommentWritten { subject, parent, author, text, at }]),
                Some(old) if old == subject && self.author == author => Ok(vec![]),
                Some(_) => Err(CommentError::Exists),
            };
        }
        if self.subject.is_none() {
            return Err(CommentError::Missing);
        }
        match command {
            CommentCommand::Write { .. } => Ok(vec![]),
            CommentCommand::Edit { by, text, within_minutes, at } => {
                self.may_edit(by, within_minutes, at)?;
                Ok(vec![CommentEvent::CommentEdited { text, at }])
            }
            CommentCommand::Delete { by, at } => match by {
                _ if self.standing == Standing::Deleted => Ok(vec![]),
                Remover::Author { account } if account != self.author => Err(CommentError::NotYours),
                _ => Ok(vec![CommentEvent::CommentDeleted { by, at }]),
            },
            CommentCommand::Detach { text, at } => Ok(match &self.text {
                Some(own) if own.subject == self.author => vec![CommentEvent::CommentDetached { text, at }],
                _ => vec![],
            }),
            CommentCommand::Report { by, reason, at } => match self.standing {
                Standing::Deleted => Err(CommentError::Deleted),
                _ if by == self.author => Err(CommentError::Own),
                _ if self.reports.contains_key(&by) => Ok(vec![]),
                _ => Ok(vec![CommentEvent::CommentReported { by, reason, at }]),
            },
            CommentCommand::Moderate { shown, by, at } => match (self.standing, shown) {
                (Standing::Deleted, _) => Err(CommentError::Deleted),
                (Standing::Hidden, false) => Ok(vec![]),
                (Standing::Shown, true) if self.reports.is_empty() => Ok(vec![]),
                (_, true) => Ok(vec![CommentEvent::CommentKept { by, at }]),
                (_, false) => Ok(vec![CommentEvent::CommentHidden { by, at }]),
            },
            CommentCommand::Pin { pinned, by, at } => match (pinned, self.pinned) {
                (true, false) if self.standing == Standing::Deleted => Err(CommentError::Deleted),
                (true, false) => Ok(vec![CommentEvent::CommentPinned { by, at }]),
                (false, true) => Ok(vec![CommentEvent::CommentUnpinned { by, at }]),
                _ => Ok(vec![]),
            },
        }
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: CommentEvent) {
        match event {
            CommentEvent::CommentWritten { subject, parent, author, text, at } => {
                self.subject = Some(subject);
                self.parent = parent;
                self.author = author;
                self.text = Some(text);
                self.written_at = Some(at);
            }
            CommentEvent::CommentEdited { text, at } => {
                self.text = Some(text);
                self.edited_at = Some(at);
            }
            CommentEvent::CommentDetached { text, .. } => self.text = Some(text),
            CommentEvent::CommentDeleted { .. } => {
                self.standing = Standing::Deleted;
                self.text = None;
                self.pinned = false;
                self.reports.clear();
            }
            CommentEvent::CommentReported { by, reason, .. } => {
                self.reports.insert(by, reason);
            }
            CommentEvent::CommentHidden { .. } => {
                self.standing = Standing::Hidden;
                self.reports.clear();
            }
            CommentEvent::CommentKept { .. } => {
                self.standing = Standing::Shown;
                self.reports.clear();
            }
            CommentEvent::CommentPinned { .. } => self.pinned = true,
            CommentEvent::CommentUnpinned { .. } => self.pinned = false,
        }
    }
}
