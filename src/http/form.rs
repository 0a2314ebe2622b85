//! What a person typed: kept as typed, so that nothing is lost when it has to be shown again.

use crate::domain::shared::text::printable;
use std::collections::BTreeMap;

/// The fields of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    fields: BTreeMap<String, Vec<String>>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            form.push(&name, &value);
        }
        form
    }

    /// Adds a value.
    pub fn push(&mut self, name: &str, value: &str) {
        // Browsers send line ends as CR LF.
        let value = value.replace("\r\n", "\n");
        self.fields.entry(name.to_owned()).or_default().push(printable(&value).into_owned());
    }

    /// The first value of a field without surrounding white space; empty if it was not sent.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value of a field as typed (for passwords).
    #[must_use]
    pub fn raw(&self, name: &str) -> &str {
        self.fields.get(name).and_then(|v| v.first()).map_or("", String::as_str)
    }

    /// All values of a field.
    #[must_use]
    pub fn all(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a box is ticked.
    #[must_use]
    pub fn ticked(&self, name: &str) -> bool {
        matches!(self.get(name), "on" | "true" | "1" | "yes")
    }

    /// Whether the field was sent at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_trimmed_but_kept() {
        let form = Form::parse(b"title=+A+%26+B+&tag=x&tag=y&free=on&text=a%0D%0Ab&pasted=%00a%0Bb%09c");
        assert_eq!(form.get("title"), "A & B");
        assert_eq!(form.raw("title"), " A & B ");
        assert_eq!(form.all("tag"), ["x", "y"]);
        assert!(form.ticked("free") && !form.ticked("other"));
        assert_eq!(form.get("text"), "a\nb");
        assert_eq!(form.get("pasted"), "ab\tc");
    }
}
