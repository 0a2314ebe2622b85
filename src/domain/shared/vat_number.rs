//! VAT numbers of businesses in the Union: form and check digits. Whether a number is registered today only
//! the register knows.

use super::tax::Country;
use eu_vat::Vat;
use serde::{Deserialize, Serialize};

/// Why a text is no VAT number of that country.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAVatNumber {
    /// Wrong form or wrong check digits.
    #[error(
        "This is no VAT number: its form or its check digits are wrong. Leave it empty if you buy as a private person."
    )]
    Form,
    /// The number belongs to another country.
    #[error("This is a number of another country ({0}) than that of your billing address.")]
    OtherCountry(String),
}

/// What the register of the Union (VIES) said of a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum VatCheck {
    /// It did not answer: that says nothing about the number, and it is asked again.
    Pending,
    /// The number is registered.
    Confirmed {
        /// The number of the consultation, a proof of it; given to who names their own VAT number.
        consultation: Option<String>,
    },
    /// The number is not registered.
    Refused,
}

/// Reads a VAT number as people write it, with spaces, dots or without its country, and gives it as tax
/// offices write it: `NL000099998B57`, `EL…` for Greece.
///
/// # Errors
/// [`NotAVatNumber`].
pub fn parse(text: &str, country: Country) -> Result<String, NotAVatNumber> {
    let written: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    let prefix = if country.code() == "GR" { "EL" } else { country.code() };
    let whole = if written.chars().take(2).all(|c| c.is_ascii_alphabetic()) && written.len() > 2 {
        Vat::parse(&written)
    } else {
        Vat::parse(&format!("{prefix}{written}"))
    };
    // A French or Spanish number may begin with letters of its own.
    let vat =
        whole.or_else(|_| Vat::parse(&format!("{prefix}{written}"))).map_err(|_| NotAVatNumber::Form)?;
    let number = vat.to_string();
    if number.starts_with(prefix) {
        Ok(number)
    } else {
        Err(NotAVatNumber::OtherCountry(number[..2].to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, country: &str) -> Result<String, NotAVatNumber> {
        parse(text, Country::parse(country).unwrap())
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, country, number) in [
            ("NL000099998B57", "NL", "NL000099998B57"),
            ("nl 0000.99998.b57", "NL", "NL000099998B57"),
            ("136 695 976", "DE", "DE136695976"),
            ("FR40303265045", "FR", "FR40303265045"),
            ("40303265045", "FR", "FR40303265045"),
            ("GR 094259216", "GR", "EL094259216"),
            ("EL094259216", "GR", "EL094259216"),
        ] {
            assert_eq!(read(text, country).as_deref(), Ok(number), "{text}");
        }
    }

    #[test]
    fn mistyped_and_foreign_numbers_are_refused() {
        for text in ["DE136695977", "DE13669597", "136695977", "hello", "", "DE", "NL000099998B58"] {
            assert_eq!(read(text, "DE"), Err(NotAVatNumber::Form), "{text}");
        }
        assert_eq!(read("NL000099998B57", "DE"), Err(NotAVatNumber::OtherCountry("NL".into())));
        assert_eq!(read("GB999999973", "GB"), Err(NotAVatNumber::Form), "outside the Union");
    }
}
