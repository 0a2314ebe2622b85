//! Personal values never enter an event: events carry references into the vault.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Points to one version of one personal value of one person in the vault.
///
/// It can be opened as long as the value and the person's key exist, and opens to "erased"
/// afterwards. The reference itself says nothing about the person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonalRef {
    /// Whose value it is: the account (or another subject with a data key of its own).
    pub subject: Uuid,
    /// Which field, such as `mail` or `display_name`.
    pub field: String,
    /// Which version of that field.
    pub version: Uuid,
}

/// A personal value on its way into the vault, beside the command whose events refer to it.
/// Its text is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonalValue {
    /// Where it will be found.
    pub reference: PersonalRef,
    /// The value in clear.
    pub text: String,
}

impl PersonalValue {
    /// A new version of `field` of `subject`; `version` is a fresh UUIDv7.
    #[must_use]
    pub fn new(subject: Uuid, field: &str, version: Uuid, text: impl Into<String>) -> Self {
        let reference = PersonalRef { subject, field: field.to_owned(), version };
        Self { reference, text: text.into() }
    }
}

impl fmt::Debug for PersonalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalValue({}, …)", self.reference.field)
    }
}
