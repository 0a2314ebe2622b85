//! Bank transfer: no charges, only an account to pay to and references to recognise a payment by.

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
        let plain: String =
            text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let shape = (15..=34).contains(&plain.len())
            && plain.chars().all(|c| c.is_ascii_alphanumeric())
            && plain.chars().take(2).all(|c| c.is_ascii_alphabetic())
            && plain.chars().skip(2).take(2).all(|c| c.is_ascii_digit());
        if !shape {
            return Err(NotAnIban);
        }
        let (head, tail) = plain.split_at(4);
        let remainder = tail.chars().chain(head.chars()).fold(0_u32, |acc, c| {
            let value = c.to_digit(36).unwrap_or(0);
            (if value > 9 { acc * 100 } else { acc * 10 } + value) % 97
        });
        if remainder == 1 { Ok(Self(plain)) } else { Err(NotAnIban) }
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
