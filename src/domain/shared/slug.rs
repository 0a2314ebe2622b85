//! Slugs: the readable part of an address.

use serde::{Deserialize, Serialize};
use std::fmt;

/// 1–80 characters of `a–z 0–9 -`, no hyphen at either end or twice in a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Why a text is no slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Use 1 to 80 lower-case letters, digits and single hyphens, such as the-salt-keeper.")]
pub struct NotASlug;

impl Slug {
    /// Longest slug, in characters.
    pub const MAX: usize = 80;

    /// Reads a slug as it stands in an address.
    ///
    /// # Errors
    /// [`NotASlug`] if it is not in the form described at [`Slug`].
    pub fn parse(text: &str) -> Result<Self, NotASlug> {
        let ok = !text.is_empty()
            && text.len() <= Self::MAX
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        if ok { Ok(Self(text.to_owned())) } else { Err(NotASlug) }
    }

    /// Makes a slug of a title; `fallback` is used when nothing of the title remains.
    #[must_use]
    pub fn from_title(title: &str, fallback: &str) -> Self {
        let mut out = String::new();
        // German writes ß as two letters where it has only plain ones.
        let title = title.replace(['ß', 'ẞ'], "ss");
        for c in title.chars().flat_map(char::to_lowercase) {
            let plain = match c {
                'a'..='z' | '0'..='9' => Some(c),
                'à'..='å' | 'ā' => Some('a'),
                'è'..='ë' | 'ē' => Some('e'),
                'ì'..='ï' => Some('i'),
                'ò'..='ö' | 'ø' => Some('o'),
                'ù'..='ü' => Some('u'),
                'ç' => Some('c'),
                'ñ' => Some('n'),
                '\'' | '’' => continue,
                _ => None,
            };
            match plain {
                Some(p) if out.len() < Self::MAX => out.push(p),
                None if !out.is_empty() && !out.ends_with('-') && out.len() < Self::MAX => out.push('-'),
                _ => {}
            }
        }
        let out = out.trim_matches('-').to_owned();
        if out.is_empty() { Self(fallback.to_owned()) } else { Self(out) }
    }

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = NotASlug;
    fn try_from(text: String) -> Result<Self, NotASlug> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_slugs() {
        assert_eq!(Slug::from_title("The Salt Keeper’s  Coat!", "x").as_str(), "the-salt-keepers-coat");
        assert_eq!(Slug::from_title("Große Straße", "x").as_str(), "grosse-strasse");
        assert_eq!(Slug::from_title("日本", "film-1").as_str(), "film-1");
        assert_eq!(Slug::from_title(&"ab ".repeat(60), "x").as_str().len(), 80);
        assert!(Slug::parse(Slug::from_title(&"abc ".repeat(60), "x").as_str()).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn every_title_gives_a_valid_slug(title in ".{0,200}") {
            proptest::prop_assert!(Slug::parse(Slug::from_title(&title, "work").as_str()).is_ok());
        }
    }
}
