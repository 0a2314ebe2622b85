//! Texts that people write about works: present where they must be, and not endless.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Why a text is refused. `field` is the name of the form's field, so that the page can point at it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum TextError {
    /// Nothing but white space.
    #[error("Enter {what}.")]
    Missing {
        /// Field of the form.
        field: String,
        /// What is missing, with its article: "a title".
        what: String,
    },
    /// Too many characters.
    #[error("Keep {what} within {most} characters (it has {has}).")]
    TooLong {
        /// Field of the form.
        field: String,
        /// What is too long, with its article: "the title".
        what: String,
        /// The limit.
        most: usize,
        /// What was typed.
        has: usize,
    },
}

impl TextError {
    /// The field of the form that is meant.
    #[must_use]
    pub fn field(&self) -> &str {
        match self {
            Self::Missing { field, .. } | Self::TooLong { field, .. } => field,
        }
    }
}

/// Whether a character may stand in a text: no controls but the line end and the tab, and none that XML 1.0 refuses
/// (its production `Char`).
#[must_use]
pub fn is_printable(c: char) -> bool {
    matches!(c, '\n' | '\t') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// Whether a character may stand in a name of one line: one that is printable, no line end and no tab, and none that
/// turns the direction of those behind it (the embeddings, overrides and isolates of Unicode's annex 9), which makes
/// one name look like another.
#[must_use]
pub fn is_of_a_name(c: char) -> bool {
    is_printable(c) && !matches!(c, '\n' | '\t' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text without what nobody sees and no feed, page or column can hold. What office programs and terminals leave in
/// the clipboard is no fault of the person who pastes it.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|c| is_printable(*c)).collect())
    }
}

/// A text that may not be empty; returned without white space around it.
///
/// # Errors
/// [`TextError`] if it is empty or longer than `most` characters.
pub fn required(field: &str, what: &str, text: &str, most: usize) -> Result<String, TextError> {
    let text = optional(field, what, text, most)?;
    if text.is_empty() {
        let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        return Err(TextError::Missing { field: field.into(), what: format!("{article} {what}") });
    }
    Ok(text)
}

/// A text that may be empty; returned without white space around it and with plain line ends.
///
/// # Errors
/// [`TextError::TooLong`] if it is longer than `most` characters.
pub fn optional(field: &str, what: &str, text: &str, most: usize) -> Result<String, TextError> {
    let text = text.trim().replace("\r\n", "\n");
    let has = text.chars().count();
    if has > most {
        return Err(TextError::TooLong { field: field.into(), what: format!("the {what}"), most, has });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_is_left_out() {
        assert_eq!(printable("a\0\u{b}b\u{1b}[0m\u{85}\u{ffff}\r"), "ab[0m");
        let whole = "Täg\tund\nZeile \u{1f3a5} \u{200d} \u{202e}";
        assert!(matches!(printable(whole), Cow::Borrowed(t) if t == whole));
    }

    #[test]
    fn sentences_name_the_text_and_its_limit() {
        let said = |r: Result<String, TextError>| r.map_err(|e| e.to_string());
        assert_eq!(said(required("title", "title", "  ", 5)), Err("Enter a title.".into()));
        assert_eq!(said(required("e", "excerpt", "", 5)), Err("Enter an excerpt.".into()));
        assert_eq!(
            said(required("title", "title", "123456", 5)),
            Err("Keep the title within 5 characters (it has 6).".into())
        );
        assert_eq!(said(optional("d", "description", " a\r\nb ", 5)), Ok("a\nb".into()));
    }
}
