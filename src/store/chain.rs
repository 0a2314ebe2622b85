//! The hash chain over the log: what makes a silent change visible.
//!
//! `hash(n) = SHA-256(hash(n-1) ‖ bytes(n))`, where `bytes(n)` are the columns of event *n* in a
//! fixed order, each preceded by its length as eight bytes, big endian. `hash(0)` is 32 zero bytes.
//! Times enter as microseconds since 1970.

use super::{Append, NewEvent};
use chrono::{DateTime, SubsecRound, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Length of a link, in bytes.
pub const HASH_LEN: usize = 32;

/// What of an event goes into the chain: its columns, payload and metadata as exact bytes.
pub struct Link<'a> {
    /// Place in the log.
    pub position: i64,
    /// Stream's name.
    pub stream_id: &'a str,
    /// Place in the stream.
    pub version: i64,
    /// Type.
    pub kind: &'a str,
    /// Version of the payload's form.
    pub type_version: i16,
    /// Command.
    pub command_id: Uuid,
    /// Place among the command's events.
    pub ix: i16,
    /// When written.
    pub recorded_at: DateTime<Utc>,
    /// When in effect.
    pub effective_at: DateTime<Utc>,
    /// The payload.
    pub payload: &'a str,
    /// The metadata.
    pub metadata: &'a str,
}

impl<'a> Link<'a> {
    /// The link of `append`'s event number `ix` at its place.
    pub(super) fn of(
        append: &'a Append,
        event: &'a NewEvent,
        position: i64,
        version: i64,
        ix: usize,
        recorded_at: DateTime<Utc>,
    ) -> Self {
        Self {
            position,
            stream_id: &append.stream_id,
            version,
            kind: &event.kind,
            type_version: event.type_version,
            command_id: append.command_id,
            ix: i16::try_from(ix).unwrap_or(i16::MAX),
            recorded_at,
            effective_at: append.effective_at.trunc_subsecs(6),
            payload: &event.payload,
            metadata: &append.metadata,
        }
    }

    /// The columns as they are hashed.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256 + self.payload.len() + self.metadata.len());
        let mut field = |part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        };
        field(&self.position.to_be_bytes());
        field(self.stream_id.as_bytes());
        field(&self.version.to_be_bytes());
        field(self.kind.as_bytes());
        field(&self.type_version.to_be_bytes());
        field(self.command_id.as_bytes());
        field(&self.ix.to_be_bytes());
        field(&self.recorded_at.timestamp_micros().to_be_bytes());
        field(&self.effective_at.timestamp_micros().to_be_bytes());
        field(self.payload.as_bytes());
        field(self.metadata.as_bytes());
        bytes
    }

    /// The hash of this event after `previous`.
    #[must_use]
    pub fn hash(&self, previous: &[u8]) -> [u8; HASH_LEN] {
        let mut hasher = Sha256::new();
        hasher.update(previous);
        hasher.update(self.bytes());
        hasher.finalize().into()
    }
}
