//! The payload of an event as it was read: JSON text, parsed when somebody looks into it. Most readers pass
//! over most events, and those who decode one have no use for the tree between.

use crate::domain::shared::aggregate::CategoryEvent;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;
use tokio_postgres::types::{FromSql, Type, accepts};

/// JSON of a column, as text; looked into as a [`Value`].
#[derive(Clone)]
pub struct Payload {
    text: Box<str>,
    parsed: OnceLock<Value>,
}

impl Payload {
    /// Of JSON text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { text: text.into(), parsed: OnceLock::new() }
    }

    /// The text as it stands in the log.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As an event of the domain of the type `kind`.
    ///
    /// # Errors
    /// If the type is unknown or the payload has another form.
    pub fn decode<E: CategoryEvent>(&self, kind: &str) -> Result<E, serde_json::Error> {
        let kind = serde_json::to_string(kind)?;
        let text = match &*readable(&self.text) {
            "null" => format!("{{\"type\":{kind}}}"),
            text => format!("{{\"type\":{kind},\"data\":{text}}}"),
        };
        serde_json::from_str(&text)
    }
}

impl Deref for Payload {
    type Target = Value;

    /// What PostgreSQL takes as JSON and serde does not (numbers beyond a double) is seen as null here; whoever
    /// decodes it is told.
    fn deref(&self) -> &Value {
        self.parsed.get_or_init(|| serde_json::from_str(&readable(&self.text)).unwrap_or(Value::Null))
    }
}

/// JSON without NUL in its texts, which no other column of PostgreSQL takes: one such event would stop everything
/// that is made of its stream. Input refuses it; what is in a log from before is read with the mark for a lost
/// character in its place.
fn readable(json: &str) -> Cow<'_, str> {
    const NUL: &str = "\\u0000";
    if !json.contains(NUL) {
        return Cow::Borrowed(json);
    }
    let (mut out, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(at) = rest.find(NUL) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        // An even number of backslashes before it: they stand for themselves, and this one begins the escape.
        let escape = before.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 0;
        out.push_str(if escape { "\\ufffd" } else { NUL });
        rest = &after[NUL.len()..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

impl From<&Value> for Payload {
    fn from(value: &Value) -> Self {
        Self::of(&value.to_string())
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(to)
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// JSON text of a column of type `json`, or cast to text, without a copy.
pub(super) struct JsonText<'a>(pub &'a str);

impl<'a> FromSql<'a> for JsonText<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    accepts!(JSON, TEXT);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::film::FilmEvent;
    use crate::store::event::encode_payload;

    #[test]
    fn a_nul_in_a_text_is_read_as_a_lost_character() {
        let nul = json_of("a\0b");
        let payload = Payload::of(&format!(
            "{{\"title\":{nul},\"path\":{},\"both\":{}}}",
            json_of("c:\\u0000"),
            json_of("\\\0")
        ));
        assert_eq!(payload["title"], "a\u{fffd}b");
        assert_eq!(payload["path"], "c:\\u0000", "a backslash and letters that only look like it");
        assert_eq!(payload["both"], "\\\u{fffd}");
        assert!(payload.text().contains("\\u0000"), "the log itself is what it was");
    }

    fn json_of(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    #[test]
    fn decoding_the_text_is_decoding_the_tree() {
        let golden = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/golden/film")).unwrap();
        let mut seen = 0;
        for file in golden {
            let samples: Vec<Value> =
                serde_json::from_str(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
            for sample in samples {
                let kind = sample["type"].as_str().unwrap();
                let payload = Payload::from(&sample["data"]);
                let event: FilmEvent = payload.decode(kind).unwrap();
                let tree: FilmEvent = crate::store::event::decode_payload(kind, &payload).unwrap();
                assert_eq!(event, tree);
                let (again, text) = encode_payload(&event).unwrap();
                assert_eq!(
                    (again.as_str(), serde_json::from_str::<Value>(&text).unwrap()),
                    (kind, (*payload).clone())
                );
                seen += 1;
            }
        }
        assert!(seen > 3, "{seen}");
    }

    #[test]
    fn what_is_no_event_is_told() {
        assert!(Payload::of("{\"title\":").decode::<FilmEvent>("FilmDrafted").is_err());
        assert!(Payload::of("{}").decode::<FilmEvent>("No\"Such").is_err());
        // PostgreSQL takes it, a double does not.
        let huge = Payload::of("1e999");
        assert!(huge.is_null());
        assert!(huge.decode::<FilmEvent>("FilmDrafted").is_err());
    }
}
