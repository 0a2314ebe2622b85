//! The work that every contender does: one event of about 290 bytes on a stream of twenty, with
//! about 125 bytes of metadata.

use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use uuid::Uuid;

/// Events of one stream; then a writer begins another.
pub const STREAM: i64 = 20;

/// A note in a diary: the smallest aggregate that says yes to everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Diary {
    entries: u64,
}

/// What can be asked of it.
#[derive(Clone, Debug)]
pub enum DiaryCommand {
    /// Write an entry.
    Write,
}

/// What happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum DiaryEvent {
    /// An entry was written.
    EntryWritten {
        /// Its number.
        number: u64,
        /// Its text.
        text: String,
    },
}

/// It never refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("never")]
pub struct DiaryError;

impl Diary {
    fn decide(&self, _: DiaryCommand) -> Result<Vec<DiaryEvent>, DiaryError> {
        Ok(vec![DiaryEvent::EntryWritten { number: self.entries + 1, text: text() }])
    }

    fn apply(&mut self, event: DiaryEvent) {
        let DiaryEvent::EntryWritten { number, .. } = event;
        self.entries = number;
    }
}

kinora::decider!(Diary, DiaryCommand, DiaryEvent, DiaryError, "diary");

fn text() -> String {
    "Rain. The lantern was lit at six; the keeper counted sacks until the boat came. ".repeat(3)
}

/// The payload as JSON, as it stands in every table.
pub fn payload() -> String {
    format!(r#"{{"number":1,"text":"{}"}}"#, text())
}

/// The metadata as JSON.
pub fn metadata_json() -> String {
    format!(r#"{{"actor":{{"account":"{}"}},"correlation":"{}"}}"#, Uuid::nil(), Uuid::nil())
}

/// The metadata as `cqrs-es` wants it.
pub fn metadata_map() -> HashMap<String, String> {
    [("actor".to_owned(), Uuid::nil().to_string()), ("correlation".to_owned(), Uuid::nil().to_string())]
        .into()
}

/// Where a writer stands.
pub struct Pen {
    /// The stream it writes to.
    pub stream: Uuid,
    /// That stream's version.
    pub version: i64,
}

impl Pen {
    /// At the beginning of a new stream.
    pub fn new() -> Self {
        Self { stream: Uuid::now_v7(), version: 0 }
    }

    /// One event further; after the last one a new stream.
    pub fn written(&mut self) {
        self.version += 1;
        if self.version == STREAM {
            *self = Self::new();
        }
    }
}

/// The type as it stands in the log.
pub fn kind() -> String {
    DiaryEvent::EntryWritten { number: 1, text: String::new() }.event_type()
}
