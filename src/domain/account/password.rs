//! Which passwords are good enough.

use std::{collections::HashSet, sync::LazyLock};

/// Fewest characters of a password.
pub const MIN_CHARS: usize = 10;
/// Most bytes of a password: far beyond what people use, and bounds the work of hashing.
pub const MAX_BYTES: usize = 1024;

/// Origin and licence of the list stand in its first lines.
static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt").lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect()
});

/// Why a password is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer than [`MIN_CHARS`] characters.
    #[error("Use at least 10 characters. A few unrelated words make a good password.")]
    TooShort,
    /// More than [`MAX_BYTES`] bytes.
    #[error("Use at most 1024 characters.")]
    TooLong,
    /// On the list of common passwords, or one of them with a few signs around it.
    #[error("This password is one of the first that an attacker would try. Choose another one.")]
    Common,
    /// One or two characters, over and over.
    #[error("Use more than two different characters.")]
    Monotonous,
    /// The mail address or a name of the person.
    #[error("Do not use your own name or mail address as the password.")]
    AboutYou,
}

/// Checks a password that somebody wants to use; `own_words` are what everybody may know about the
/// person (mail address, names).
///
/// # Errors
/// The first rule that is broken.
pub fn check_password(password: &str, own_words: &[&str]) -> Result<(), WeakPassword> {
    if password.chars().count() < MIN_CHARS {
        return Err(WeakPassword::TooShort);
    }
    if password.len() > MAX_BYTES {
        return Err(WeakPassword::TooLong);
    }
    let lower = password.to_lowercase();
    if lower.chars().collect::<HashSet<_>>().len() <= 2 {
        return Err(WeakPassword::Monotonous);
    }
    let bare = lower.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
    if COMMON.contains(lower.as_str()) || COMMON.contains(bare) {
        return Err(WeakPassword::Common);
    }
    let own = |word: &str| {
        let word = word.trim().to_lowercase();
        let local = word.split('@').next().unwrap_or_default();
        !word.is_empty() && (bare == word || (local.chars().count() >= 4 && bare == local))
    };
    if own_words.iter().any(|word| own(word)) {
        return Err(WeakPassword::AboutYou);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_named_as_such() {
        let own = ["ada.lovelace@example.org", "Ada Lovelace"];
        for (password, expected) in [
            ("short", Err(WeakPassword::TooShort)),
            ("ünïcödé ü", Err(WeakPassword::TooShort)),
            ("password123", Err(WeakPassword::Common)),
            ("Password123", Err(WeakPassword::Common)),
            ("!password123!", Err(WeakPassword::Common)),
            ("1234567890", Err(WeakPassword::Common)),
            ("aaaaaaaaaaaa", Err(WeakPassword::Monotonous)),
            ("abababababab", Err(WeakPassword::Monotonous)),
            ("Ada Lovelace", Err(WeakPassword::AboutYou)),
            ("ada.lovelace", Err(WeakPassword::AboutYou)),
            ("ada.lovelace@example.org", Err(WeakPassword::AboutYou)),
            ("salt keeper walks", Ok(())),
            ("пароль-из-слов", Ok(())),
        ] {
            assert_eq!(check_password(password, &own), expected, "{password}");
        }
        assert_eq!(check_password(&"xyz".repeat(400), &own), Err(WeakPassword::TooLong));
        assert!(COMMON.len() > 1500, "{}", COMMON.len());
    }
}
