//! Events as they stand in the log.

use super::payload::Payload;
use super::{known, upcasters};
use crate::domain::shared::{PersonalRef, aggregate::CategoryEvent, derive_id};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use uuid::Uuid;

/// Who caused a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A signed-in person.
    Account(Uuid),
    /// A part of Kinora, such as `scheduler`, `payer` or `command-line`.
    System(String),
    /// Somebody without an account.
    Visitor,
}

/// What is known about a command beside its content; stored with every event it causes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Who.
    pub actor: Actor,
    /// The request, run or first event from which everything that shares this id followed.
    pub correlation: Uuid,
    /// The command whose event caused this one; none at the beginning of a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Uuid>,
    /// Id of the HTTP request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Why, in words of the person who acted (a reference, because words can be personal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<PersonalRef>,
    /// When it takes effect, by the instance's clock (stored as the column `effective_at`).
    #[serde(skip)]
    pub at: DateTime<Utc>,
}

impl Metadata {
    /// Metadata of a command that a part of Kinora gives on its own.
    #[must_use]
    pub fn system(name: &str, correlation: Uuid, at: DateTime<Utc>) -> Self {
        let actor = Actor::System(name.to_owned());
        Self { actor, correlation, causation: None, request: None, reason: None, at }
    }

    /// Metadata of a command that a signed-in person gives.
    #[must_use]
    pub fn account(account: Uuid, correlation: Uuid, at: DateTime<Utc>) -> Self {
        Self { actor: Actor::Account(account), ..Self::system("", correlation, at) }
    }
}

/// A key that only one stream may hold, such as a slug; taken in the transaction of the append.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// What kind of key, such as `film-slug`.
    pub namespace: String,
    /// The key; for personal values a keyed hash.
    pub key: String,
}

impl Claim {
    /// A claim for `key` in `namespace`.
    pub fn new(namespace: impl Into<String>, key: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), key: key.into() }
    }
}

/// One event of the log.
#[derive(Clone, Debug)]
pub struct RecordedEvent {
    /// Place in the whole log, from 1, without holes.
    pub position: i64,
    /// `{category}-{uuid}`.
    pub stream_id: String,
    /// Place in its stream, from 1.
    pub version: i64,
    /// The event's type, such as `MediaPublished`.
    pub kind: String,
    /// Version of the payload's form.
    pub type_version: i16,
    /// The command that caused it.
    pub command_id: Uuid,
    /// Place among the events of that command, from 0.
    pub ix: i16,
    /// When it was written, by the instance's clock.
    pub recorded_at: DateTime<Utc>,
    /// When it takes effect.
    pub effective_at: DateTime<Utc>,
    /// The payload.
    pub payload: Payload,
    /// Who, why and from what.
    pub metadata: Metadata,
}

/// Why an event could not be decoded.
#[derive(Debug, thiserror::Error)]
#[error("event {position} ({kind}) does not have the expected form: {cause}")]
pub struct DecodeError {
    position: i64,
    kind: String,
    cause: serde_json::Error,
}

impl RecordedEvent {
    /// The category: the part of the stream's name before the id.
    #[must_use]
    pub fn category(&self) -> &str {
        category_of(&self.stream_id)
    }

    /// The id of the aggregate.
    #[must_use]
    pub fn stream_uuid(&self) -> Uuid {
        let start = self.stream_id.len().saturating_sub(36);
        self.stream_id.get(start..).and_then(|s| Uuid::parse_str(s).ok()).unwrap_or_default()
    }

    /// Command id and metadata for a command of `workflow` that follows from this event. The same event
    /// and purpose give the same id, so a repetition is recognised.
    #[must_use]
    pub fn follow(&self, workflow: &str, purpose: &str) -> (Uuid, Metadata) {
        let parent = format!("{}/{}", self.command_id, self.ix);
        let mut meta = Metadata::system(workflow, self.metadata.correlation, self.effective_at);
        meta.causation = Some(self.command_id);
        meta.request.clone_from(&self.metadata.request);
        (derive_id(&parent, &format!("{workflow}/{purpose}")), meta)
    }

    /// The event as a type of the domain; `None` when it belongs to another category.
    ///
    /// # Errors
    /// [`DecodeError`] when type or payload are not known to this version.
    pub fn decode<E: CategoryEvent>(&self) -> Result<Option<E>, DecodeError> {
        if self.category() != E::CATEGORY {
            return Ok(None);
        }
        let wrap = |cause| DecodeError { position: self.position, kind: self.kind.clone(), cause };
        let newest = known::newest::<E>(&self.kind);
        if self.type_version > newest {
            // It may look as before and mean something else.
            let words = format!("it is of version {}, and this Kinora knows {newest}", self.type_version);
            return Err(wrap(serde::de::Error::custom(words)));
        }
        // Here, so that whoever reads the log meets the present form: aggregates, projections and workflows alike.
        let event = upcasters::upcast(self);
        event.payload.decode(&event.kind).map(Some).map_err(wrap)
    }
}

/// The name of an aggregate's stream.
#[must_use]
pub fn stream_name(category: &str, id: Uuid) -> String {
    format!("{category}-{id}")
}

/// The category in a stream's name.
#[must_use]
pub fn category_of(stream_id: &str) -> &str {
    stream_id.len().checked_sub(37).and_then(|end| stream_id.get(..end)).unwrap_or(stream_id)
}

/// Reads an event of the domain from the columns `type` and `payload`.
///
/// # Errors
/// If the type is unknown or the payload has another form.
pub fn decode_payload<E: CategoryEvent>(
    kind: &str,
    payload: &serde_json::Value,
) -> Result<E, serde_json::Error> {
    let mut whole = serde_json::Map::with_capacity(2);
    whole.insert("type".into(), kind.into());
    if !payload.is_null() {
        whole.insert("data".into(), payload.clone());
    }
    serde_json::from_value(serde_json::Value::Object(whole))
}

/// Splits an event of the domain into its type and its payload as JSON text.
///
/// # Errors
/// If the event cannot be written as JSON.
pub fn encode_payload<E: CategoryEvent>(event: &E) -> Result<(String, String), serde_json::Error> {
    #[derive(Deserialize)]
    struct Tagged<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
    }
    let whole = serde_json::to_string(event)?;
    let Tagged { kind, data } = serde_json::from_str(&whole)?;
    Ok((kind.into_owned(), data.map_or("null", RawValue::get).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_names_carry_category_and_id() {
        let name = stream_name("deletion_request", Uuid::from_u128(7));
        assert_eq!(category_of(&name), "deletion_request");
        assert_eq!(category_of("odd"), "odd");
    }
}
