//! Bank transfer: no charges, only an account to pay to and references to recognise a payment by.

use crate::domain::shared::sepa::is_iban;
use std::fmt;

/// An account number in the form of ISO 13616, with correct check digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iban(String);

/// Why a text is no IBAN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an IBAN: letters, digits or check digits are wrong")]
pub struct NotAnIban;

impl Iban {
    /// Reads an IBAN; spaces are ignored.
    ///
    /// # Errors
    /// [`NotAnIban`].
    pub fn parse(text: &str) -> Result<Self, NotAnIban> {
        if !is_iban(text) {
            return Err(NotAnIban);
        }
        Ok(Self(text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect()))
    }

    /// Without spaces, for machines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Iban {
    /// In groups of four, as it is read aloud.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, c) in self.0.chars().enumerate() {
            if i > 0 && i % 4 == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_checked() {
        assert_eq!(Iban::parse("nl91 ABNA 0417 1643 00").unwrap().to_string(), "NL91 ABNA 0417 1643 00");
        assert!(Iban::parse("DE89370400440532013000").is_ok());
        assert_eq!(Iban::parse("NL91ABNA0417164301"), Err(NotAnIban));
        assert_eq!(Iban::parse(""), Err(NotAnIban));
    }
}
