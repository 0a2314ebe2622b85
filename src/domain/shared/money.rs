//! Money: whole minor units of an ISO 4217 currency, never a float.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Currencies that can be sold in: code, minor digits, sign in front of an amount.
/// A currency without a sign of its own is written with its code ("CHF 9.90").
const CURRENCIES: &[(&str, u32, &str)] = &[
    ("AUD", 2, "A$"),
    ("BHD", 3, ""),
    ("BRL", 2, "R$"),
    ("CAD", 2, "CA$"),
    ("CHF", 2, ""),
    ("CLP", 0, ""),
    ("CZK", 2, ""),
    ("DKK", 2, ""),
    ("EUR", 2, "€"),
    ("GBP", 2, "£"),
    ("HUF", 2, ""),
    ("INR", 2, "₹"),
    ("ISK", 0, ""),
    ("JOD", 3, ""),
    ("JPY", 0, "¥"),
    ("KRW", 0, "₩"),
    ("KWD", 3, ""),
    ("MXN", 2, "MX$"),
    ("NOK", 2, ""),
    ("NZD", 2, "NZ$"),
    ("OMR", 3, ""),
    ("PLN", 2, ""),
    ("RON", 2, ""),
    ("SEK", 2, ""),
    ("SGD", 2, "S$"),
    ("TND", 3, ""),
    ("TRY", 2, ""),
    ("USD", 2, "$"),
    ("VND", 0, "₫"),
    ("ZAR", 2, ""),
];

/// An ISO 4217 currency that Kinora knows the minor unit of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(usize);

/// Why a text is no currency, or no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The three letters are not in the table.
    #[error("“{0}” is not a currency Kinora can sell in; use a code such as EUR or USD.")]
    UnknownCurrency(String),
    /// Not a decimal number with at most the currency's minor digits.
    #[error("Enter an amount such as 11.50, with at most {0} digits after the point.")]
    NotAnAmount(u32),
    /// Two currencies in one sum.
    #[error("{0} and {1} cannot be added up.")]
    Mixed(Currency, Currency),
    /// Beyond [`Money::MOST`], or the sum does not fit.
    #[error("That amount is too large: at most 12 digits, those behind the point included.")]
    TooLarge,
}

impl Currency {
    /// Reads an ISO 4217 code; lower case is accepted.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] for codes that are not in the table.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        let upper = code.trim().to_ascii_uppercase();
        CURRENCIES
            .iter()
            .position(|(c, ..)| *c == upper)
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.trim().chars().take(8).collect()))
    }

    /// The euro.
    #[must_use]
    pub fn eur() -> Self {
        Self(CURRENCIES.iter().position(|(c, ..)| *c == "EUR").unwrap_or_default())
    }

    fn entry(self) -> (&'static str, u32, &'static str) {
        CURRENCIES.get(self.0).copied().unwrap_or(("XXX", 2, ""))
    }

    /// The three letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.entry().0
    }

    /// How many digits stand behind the point: 0, 2 or 3.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.entry().1
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(code: String) -> Result<Self, MoneyError> {
        Self::parse(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

/// An amount in minor units (cents) of one currency; negative for credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Whole minor units: 1150 of EUR is €11.50, 1150 of JPY is ¥1,150.
    pub minor: i64,
    /// Which currency.
    pub currency: Currency,
}

impl Money {
    /// The largest amount that is read from outside, in minor units either way: sums of millions of such still fit.
    pub const MOST: i64 = 999_999_999_999;

    /// `minor` units of `currency`.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal such as `11.50` (or `11,50`) in the given currency.
    ///
    /// # Errors
    /// [`MoneyError::NotAnAmount`] unless the text is a plain decimal with no more digits behind
    /// the point than the currency has; [`MoneyError::TooLarge`] beyond [`Money::MOST`].
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = currency.exponent() as usize;
        let wrong = MoneyError::NotAnAmount(currency.exponent());
        let text = text.trim().replace(',', ".");
        let (sign, text) = text.strip_prefix('-').map_or((1, text.as_str()), |rest| (-1, rest));
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let plain = |t: &str| t.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > digits {
            return Err(wrong);
        }
        let minor: i64 = format!("{whole}{part:0<digits$}").parse().map_err(|_| MoneyError::TooLarge)?;
        if minor > Self::MOST {
            return Err(MoneyError::TooLarge);
        }
        Ok(Self::new(sign * minor, currency))
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] for two currencies, [`MoneyError::TooLarge`] when it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self::new(minor, self.currency))
    }

    /// The difference.
    ///
    /// # Errors
    /// As [`Money::plus`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self::new(minor, self.currency))
    }

    /// The same amount with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self::new(self.minor.saturating_neg(), self.currency)
    }

    /// The number alone, in decimal: `-1104.00`; for CSV and forms.
    #[must_use]
    pub fn decimal(self) -> String {
        self.digits("")
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::Mixed(self.currency, other.currency))
        }
    }

    fn digits(self, group: &str) -> String {
        let exponent = self.currency.exponent() as usize;
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = exponent + 1);
        let (whole, part) = digits.split_at(digits.len() - exponent);
        let mut out = String::from(if self.minor < 0 { "-" } else { "" });
        for (i, c) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i) % 3 == 0 {
                out.push_str(group);
            }
            out.push(c);
        }
        if exponent > 0 {
            out.push('.');
            out.push_str(part);
        }
        out
    }
}

impl fmt::Display for Money {
    /// `€1,104.00`, `-€11.50`, `¥1,150`, `CHF 9.90` (with a no-break space).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, _, sign) = self.currency.entry();
        let amount = Self::new(self.minor.saturating_abs(), self.currency).digits(",");
        let minus = if self.minor < 0 { "-" } else { "" };
        if sign.is_empty() {
            write!(f, "{minus}{code}\u{a0}{amount}")
        } else {
            write!(f, "{minus}{sign}{amount}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, Currency::parse(code).unwrap())
    }

    #[test]
    fn amounts_are_written_with_the_digits_of_their_currency() {
        assert_eq!(money(1150, "EUR").to_string(), "€11.50");
        assert_eq!(money(110_400, "EUR").to_string(), "€1,104.00");
        assert_eq!(money(-5, "USD").to_string(), "-$0.05");
        assert_eq!(money(1_234_567, "JPY").to_string(), "¥1,234,567");
        assert_eq!(money(1234, "BHD").to_string(), "BHD\u{a0}1.234");
        assert_eq!(money(990, "CHF").decimal(), "9.90");
        assert_eq!(money(0, "EUR").to_string(), "€0.00");
    }

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        let eur = Currency::eur();
        assert_eq!(Money::parse("11.5", eur), Ok(money(1150, "EUR")));
        assert_eq!(Money::parse("11,50", eur), Ok(money(1150, "EUR")));
        assert_eq!(Money::parse("-3", eur), Ok(money(-300, "EUR")));
        for bad in ["", "1.234", "1e3", "€5", "1.2.3", ".5", "--2"] {
            assert!(Money::parse(bad, eur).is_err(), "{bad}");
        }
        assert_eq!(Money::parse("99999999999999999999", eur), Err(MoneyError::TooLarge));
        assert_eq!(Money::parse("9999999999.99", eur), Ok(money(Money::MOST, "EUR")));
        assert_eq!(Money::parse("-9999999999.99", eur), Ok(money(-Money::MOST, "EUR")));
        assert_eq!(Money::parse("10000000000", eur), Err(MoneyError::TooLarge));
        assert_eq!(Money::parse("-10000000000.00", eur), Err(MoneyError::TooLarge));
        assert!(Money::parse("1.5", Currency::parse("JPY").unwrap()).is_err());
    }

    #[test]
    fn currencies_do_not_mix_and_unknown_ones_are_refused() {
        assert!(money(1, "EUR").plus(money(1, "USD")).is_err());
        assert!(Currency::parse("XBT").is_err());
        assert_eq!(serde_json::to_string(&money(1150, "eur")).unwrap(), r#"{"minor":1150,"currency":"EUR"}"#);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(minor in -1_000_000_000_000_i64..1_000_000_000_000, which in 0..CURRENCIES.len()) {
            let amount = Money::new(minor, Currency(which));
            proptest::prop_assert_eq!(Money::parse(&amount.decimal(), amount.currency), Ok(amount));
        }
    }
}
