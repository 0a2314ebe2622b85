//! The smallest aggregate: every command writes the next number. An event whose number is not its
//! version was decided on a state that never was.

use kinora::actors::Envelope;
use kinora::store::Metadata;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Diary {
    entries: i64,
}

/// What can be asked of it.
#[derive(Debug)]
pub enum DiaryCommand {
    /// Write the next number.
    Write,
    /// Write it unless there are so many.
    WriteUpTo(i64),
    /// Break the actor that takes it: it cannot be copied.
    Break,
}

impl Clone for DiaryCommand {
    fn clone(&self) -> Self {
        match self {
            Self::Write => Self::Write,
            Self::WriteUpTo(limit) => Self::WriteUpTo(*limit),
            Self::Break => panic!("as the test wants it"),
        }
    }
}

/// What happens to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(tag = "type", content = "data")]
pub enum DiaryEvent {
    /// A number was written.
    EntryWritten {
        /// The number, from 1.
        number: i64,
    },
}

/// Why it refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("full")]
pub struct Full;

impl Diary {
    fn decide(&self, command: DiaryCommand) -> Result<Vec<DiaryEvent>, Full> {
        match command {
            DiaryCommand::WriteUpTo(limit) if self.entries >= limit => Err(Full),
            _ => Ok(vec![DiaryEvent::EntryWritten { number: self.entries + 1 }]),
        }
    }

    fn apply(&mut self, event: DiaryEvent) {
        let DiaryEvent::EntryWritten { number } = event;
        self.entries = number;
    }
}

kinora::decider!(Diary, DiaryCommand, DiaryEvent, Full, "diary");

/// A command to `stream` with an id of its own.
pub fn write(stream: Uuid) -> Envelope<DiaryCommand> {
    write_as(Uuid::now_v7(), stream)
}

/// A command to `stream` with this id.
pub fn write_as(id: Uuid, stream: Uuid) -> Envelope<DiaryCommand> {
    let meta = Metadata::system("test", Uuid::now_v7(), chrono::Utc::now());
    Envelope::new(id, stream, DiaryCommand::Write, meta)
}
