//! Languages, as tags of RFC 5646 in the short forms that players and browsers use.

use serde::{Deserialize, Serialize};

/// A language tag such as `de`, `pt-BR` or `zh-Hant`: language, and at most a script and a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Language(String);

impl Default for Language {
    /// `und`: nobody has said which.
    fn default() -> Self {
        Self("und".to_owned())
    }
}

/// The text is no language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Enter a language code, such as en, de or pt-BR.")]
pub struct NoLanguage;

/// Languages offered by name; any other well-formed tag is taken too.
const NAMES: [(&str, &str); 34] = [
    ("ar", "العربية"),
    ("bg", "Български"),
    ("ca", "Català"),
    ("cs", "Čeština"),
    ("da", "Dansk"),
    ("de", "Deutsch"),
    ("el", "Ελληνικά"),
    ("en", "English"),
    ("es", "Español"),
    ("et", "Eesti"),
    ("fa", "فارسی"),
    ("fi", "Suomi"),
    ("fr", "Français"),
    ("he", "עברית"),
    ("hi", "हिन्दी"),
    ("hr", "Hrvatski"),
    ("hu", "Magyar"),
    ("id", "Bahasa Indonesia"),
    ("it", "Italiano"),
    ("ja", "日本語"),
    ("ko", "한국어"),
    ("nl", "Nederlands"),
    ("no", "Norsk"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("ro", "Română"),
    ("ru", "Русский"),
    ("sk", "Slovenčina"),
    ("sl", "Slovenščina"),
    ("sv", "Svenska"),
    ("tr", "Türkçe"),
    ("uk", "Українська"),
    ("vi", "Tiếng Việt"),
    ("zh", "中文"),
];

/// All languages of two letters (ISO 639-1); of those with three there are thousands.
const TWO_LETTERS: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv \
    cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig \
    ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn \
    mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si \
    sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo \
    za zh zu";

impl Language {
    /// Reads a tag and writes it in the usual case (`pt-br` becomes `pt-BR`).
    ///
    /// # Errors
    /// [`NoLanguage`] for anything but a language of two (which there must be) or three letters, then perhaps a script of
    /// four letters and a region of two letters or three digits (RFC 5646, section 2.1).
    pub fn parse(text: &str) -> Result<Self, NoLanguage> {
        let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
        let mut parts = text.trim().split('-').peekable();
        let language = parts.next().filter(|p| (2..=3).contains(&p.len()) && letters(p)).ok_or(NoLanguage)?;
        let mut tag = language.to_ascii_lowercase();
        if tag.len() == 2 && !TWO_LETTERS.split(' ').any(|known| known == tag) {
            return Err(NoLanguage);
        }
        if let Some(script) = parts.next_if(|p| p.len() == 4 && letters(p)) {
            let (first, rest) = script.split_at(1);
            tag = format!("{tag}-{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase());
        }
        let region = |p: &&str| {
            (p.len() == 2 && letters(p)) || (p.len() == 3 && p.bytes().all(|b| b.is_ascii_digit()))
        };
        if let Some(region) = parts.next_if(region) {
            tag = format!("{tag}-{}", region.to_ascii_uppercase());
        }
        if parts.next().is_some() { Err(NoLanguage) } else { Ok(Self(tag)) }
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its own name for itself, with the region where there is one; the tag for rarer languages.
    #[must_use]
    pub fn name(&self) -> String {
        // RFC 5646: nobody has said which.
        if self.0 == "und" {
            return "Unnamed language".to_owned();
        }
        let (language, rest) = self.0.split_once('-').unwrap_or((&self.0, ""));
        match NAMES.iter().find(|(code, _)| *code == language) {
            Some((_, name)) if rest.is_empty() => (*name).to_owned(),
            Some((_, name)) => format!("{name} ({rest})"),
            None => self.0.clone(),
        }
    }

    /// Codes and names to choose from.
    #[must_use]
    pub fn offered() -> &'static [(&'static str, &'static str)] {
        &NAMES
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_named() {
        for (text, tag, name) in [
            ("en", "en", "English"),
            ("PT-br", "pt-BR", "Português (BR)"),
            ("zh-hant-tw", "zh-Hant-TW", "中文 (Hant-TW)"),
            ("es-419", "es-419", "Español (419)"),
            (" gsw ", "gsw", "gsw"),
        ] {
            let language = Language::parse(text).unwrap();
            assert_eq!((language.as_str(), language.name().as_str()), (tag, name));
        }
        for text in ["", "e", "english", "en-", "en-US-x-1", "d3", "de_DE", "../x", "zz", "xx-US"] {
            assert_eq!(Language::parse(text), Err(NoLanguage), "{text}");
        }
    }
}
