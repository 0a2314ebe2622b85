//! Value added tax of prices that include it.

use super::money::Money;
use super::tax_rates::{RateTable, percent};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A country by its ISO 3166-1 code of two letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// Why a text is no country code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Choose a country, by its code of two letters such as NL.")]
pub struct NotACountry;

impl Country {
    /// Reads two letters; lower case is accepted. Greece may be written EL, as tax offices do.
    ///
    /// # Errors
    /// [`NotACountry`] for anything but two letters.
    pub fn parse(text: &str) -> Result<Self, NotACountry> {
        let upper = text.trim().to_ascii_uppercase();
        let upper = if upper == "EL" { "GR" } else { upper.as_str() };
        match upper.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Ok(Self([*a, *b])),
            _ => Err(NotACountry),
        }
    }

    /// Two capital letters that are known to be a country.
    #[must_use]
    pub const fn from_letters(letters: [u8; 2]) -> Self {
        Self(letters)
    }

    /// The two letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Whether it is one of [`COUNTRIES`], to which is sold.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        COUNTRIES.iter().any(|(code, _)| *code == self.code())
    }

    /// The English name of a country in the list of [`COUNTRIES`], else its code.
    #[must_use]
    pub fn name(&self) -> &str {
        COUNTRIES.iter().find(|(code, _)| *code == self.code()).map_or(self.code(), |(_, name)| name)
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for Country {
    type Error = NotACountry;
    fn try_from(text: String) -> Result<Self, NotACountry> {
        Self::parse(&text)
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.code().to_owned()
    }
}

/// Countries offered in the billing address, by name.
pub const COUNTRIES: &[(&str, &str)] = &[
    ("AR", "Argentina"),
    ("AU", "Australia"),
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("BR", "Brazil"),
    ("BG", "Bulgaria"),
    ("CA", "Canada"),
    ("CL", "Chile"),
    ("CN", "China"),
    ("CO", "Colombia"),
    ("HR", "Croatia"),
    ("CY", "Cyprus"),
    ("CZ", "Czechia"),
    ("DK", "Denmark"),
    ("EE", "Estonia"),
    ("FI", "Finland"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("GR", "Greece"),
    ("HU", "Hungary"),
    ("IS", "Iceland"),
    ("IN", "India"),
    ("ID", "Indonesia"),
    ("IE", "Ireland"),
    ("IL", "Israel"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("KE", "Kenya"),
    ("LV", "Latvia"),
    ("LT", "Lithuania"),
    ("LU", "Luxembourg"),
    ("MT", "Malta"),
    ("MX", "Mexico"),
    ("NL", "Netherlands"),
    ("NZ", "New Zealand"),
    ("NG", "Nigeria"),
    ("NO", "Norway"),
    ("PL", "Poland"),
    ("PT", "Portugal"),
    ("RO", "Romania"),
    ("RS", "Serbia"),
    ("SG", "Singapore"),
    ("SK", "Slovakia"),
    ("SI", "Slovenia"),
    ("ZA", "South Africa"),
    ("KR", "South Korea"),
    ("ES", "Spain"),
    ("SE", "Sweden"),
    ("CH", "Switzerland"),
    ("TW", "Taiwan"),
    ("TR", "Türkiye"),
    ("UA", "Ukraine"),
    ("GB", "United Kingdom"),
    ("US", "United States"),
];

/// Which rule decided the tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaxKind {
    /// Charged at the rate of the customer's country.
    #[serde(rename = "VATC")]
    Charged,
    /// Reverse charge: a business in another country of the union accounts for it itself.
    #[serde(rename = "VATRC")]
    ReverseCharge,
    /// Outside the union: none.
    #[serde(rename = "none")]
    None,
}

/// The tax of one price, with everything it was decided from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// The rule.
    pub kind: TaxKind,
    /// The customer's country.
    pub country: Country,
    /// The rate in hundredths of a percent; kept for the record under reverse charge.
    pub basis_points: u32,
    /// Since when that rate is in force; none where no rate applies.
    pub rate_since: Option<NaiveDate>,
    /// The day of supply for which the rate was looked up.
    pub supplied_on: NaiveDate,
    /// What the customer pays.
    pub gross: Money,
    /// The part of it that is tax.
    pub tax: Money,
    /// The rest.
    pub net: Money,
}

/// Who buys, as far as tax is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// Country of the billing address.
    pub country: Country,
    /// A business with a valid VAT number.
    pub business: bool,
}

/// Tax contained in `gross` at a rate: gross − gross / (1 + rate), half up to the minor unit.
fn contained(gross: Money, basis_points: u32) -> Money {
    let part = i128::from(gross.minor.unsigned_abs()) * i128::from(basis_points);
    let whole = 10_000 + i128::from(basis_points);
    let rounded = (2 * part + whole) / (2 * whole);
    let minor = i64::try_from(rounded).unwrap_or(i64::MAX);
    Money::new(if gross.minor < 0 { -minor } else { minor }, gross.currency)
}

impl Tax {
    /// Decides the tax of a list price that includes it, by the rate that `rates` has for the buyer's
    /// country on the day of supply.
    #[must_use]
    pub fn decide(price: Money, buyer: Buyer, seller: Country, on: NaiveDate, rates: &RateTable) -> Self {
        let zero = Money::new(0, price.currency);
        let Some((basis_points, since)) = rates.rate(buyer.country, on) else {
            return Self {
                kind: TaxKind::None,
                country: buyer.country,
                basis_points: 0,
                rate_since: None,
                supplied_on: on,
                gross: price,
                tax: zero,
                net: price,
            };
        };
        let tax = contained(price, basis_points);
        let net = Money::new(price.minor - tax.minor, price.currency);
        let reverse = buyer.business && buyer.country != seller;
        let (kind, gross, tax) =
            if reverse { (TaxKind::ReverseCharge, net, zero) } else { (TaxKind::Charged, price, tax) };
        let rate_since = Some(since);
        Self { kind, country: buyer.country, basis_points, rate_since, supplied_on: on, gross, tax, net }
    }

    /// The same total for a supply on another day: what was ordered stays what is paid, and the tax in it
    /// follows the rate of that day. Who accounts for the tax themselves pay the same net price.
    #[must_use]
    pub fn supplied_on(self, on: NaiveDate, rates: &RateTable) -> Self {
        let known = if self.kind == TaxKind::None { None } else { rates.rate(self.country, on) };
        let Some((basis_points, since)) = known else { return Self { supplied_on: on, ..self } };
        let tax = match self.kind {
            TaxKind::Charged => contained(self.gross, basis_points),
            TaxKind::ReverseCharge | TaxKind::None => Money::new(0, self.gross.currency),
        };
        let net = Money::new(self.gross.minor - tax.minor, self.gross.currency);
        Self { basis_points, rate_since: Some(since), supplied_on: on, tax, net, ..self }
    }

    /// The tax of `amount` of the price that goes back after `before` has: negative, and reckoned on
    /// the sums, so that the parts add up to the whole to the minor unit.
    #[must_use]
    pub fn returned(&self, before: Money, amount: Money) -> Self {
        let tax_of = |minor: i64| match self.kind {
            TaxKind::Charged => contained(Money::new(minor, amount.currency), self.basis_points).minor,
            TaxKind::ReverseCharge | TaxKind::None => 0,
        };
        let tax = tax_of(before.minor.saturating_add(amount.minor)) - tax_of(before.minor);
        Self {
            gross: amount.negated(),
            tax: Money::new(-tax, amount.currency),
            net: Money::new(tax - amount.minor, amount.currency),
            ..self.clone()
        }
    }

    /// The rate in words: "21 %", "25.5 %".
    #[must_use]
    pub fn percent(&self) -> String {
        percent(self.basis_points)
    }

    /// The arithmetic in words, for the timeline and the invoice.
    #[must_use]
    pub fn words(&self) -> String {
        match self.kind {
            TaxKind::Charged => format!(
                "{} includes {} VAT ({} in {}, in force since {}): {} net + {} VAT",
                self.gross,
                self.tax,
                self.percent(),
                self.country,
                self.rate_since.map(super::calendar::day_words).unwrap_or_default(),
                self.net,
                self.tax
            ),
            TaxKind::ReverseCharge => {
                format!("{} net, VAT reverse charged ({} in {})", self.gross, self.percent(), self.country)
            }
            TaxKind::None => format!("{}, no VAT for customers in {}", self.gross, self.country.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::money::Currency;
    use super::super::tax_rates::EU_RATES;
    use super::*;

    fn tax(minor: i64, country: &str, business: bool, on: &str) -> Tax {
        let buyer = Buyer { country: Country::parse(country).unwrap(), business };
        Tax::decide(
            Money::new(minor, Currency::eur()),
            buyer,
            Country::parse("NL").unwrap(),
            on.parse().unwrap(),
            &RateTable::default(),
        )
    }

    #[test]
    fn a_consumer_in_the_union_pays_the_rate_of_the_own_country() {
        assert_eq!(tax(990, "NL", false, "2026-11-21").tax.minor, 172);
        assert_eq!(tax(990, "FR", false, "2026-11-21").tax.minor, 165);
        assert_eq!(tax(990, "DE", false, "2026-11-21").tax.minor, 158);
        let german = tax(1490, "DE", false, "2026-11-21");
        assert_eq!((german.net.minor, german.tax.minor), (1252, 238));
        assert_eq!(german.kind, TaxKind::Charged);
        assert_eq!(
            tax(1150, "NL", false, "2026-11-21").words(),
            "€11.50 includes €2.00 VAT (21\u{a0}% in NL, in force since 1 Oct 2012): €9.50 net + €2.00 VAT"
        );
    }

    #[test]
    fn the_rate_of_the_day_of_supply_counts() {
        assert_eq!(tax(1000, "DE", false, "2020-06-30").basis_points, 1900);
        assert_eq!(tax(1000, "DE", false, "2020-07-01").basis_points, 1600);
        assert_eq!(tax(1000, "DE", false, "2021-01-01").basis_points, 1900);
        assert_eq!(tax(1000, "FI", false, "2026-01-01").percent(), "25.5\u{a0}%");
    }

    #[test]
    fn what_is_supplied_on_another_day_keeps_its_total_and_takes_that_days_rate() {
        let moved = |tax: Tax, on: &str| tax.supplied_on(on.parse().unwrap(), &RateTable::default());
        let late = moved(tax(1190, "DE", false, "2020-06-30"), "2020-07-02");
        assert_eq!(
            (late.gross.minor, late.basis_points, late.tax.minor, late.net.minor),
            (1190, 1600, 164, 1026)
        );
        assert_eq!(late, tax(1190, "DE", false, "2020-07-02"));
        // A business abroad pays the net price that was ordered; the rate is for the record.
        let abroad = moved(tax(1190, "DE", true, "2020-06-30"), "2020-07-02");
        assert_eq!((abroad.gross.minor, abroad.tax.minor, abroad.basis_points), (1000, 0, 1600));
        assert_eq!(moved(tax(1490, "US", false, "2026-01-01"), "2026-02-01").tax.minor, 0);
    }

    #[test]
    fn a_business_abroad_pays_net_and_one_at_home_pays_as_everybody() {
        let abroad = tax(1490, "DE", true, "2026-11-21");
        assert_eq!(abroad.kind, TaxKind::ReverseCharge);
        assert_eq!((abroad.gross.minor, abroad.tax.minor, abroad.basis_points), (1252, 0, 1900));
        assert_eq!(tax(1490, "NL", true, "2026-11-21").kind, TaxKind::Charged);
    }

    #[test]
    fn outside_the_union_there_is_none() {
        let us = tax(1490, "us", false, "2026-11-21");
        assert_eq!((us.kind, us.tax.minor, us.net.minor), (TaxKind::None, 0, 1490));
        assert!(Country::parse("Netherlands").is_err());
        assert_eq!(Country::parse("el").unwrap().code(), "GR");
    }

    #[test]
    fn what_goes_back_in_parts_has_the_tax_of_the_whole() {
        let whole = tax(1490, "DE", false, "2026-11-21");
        let (a, b) = (Money::new(495, Currency::eur()), Money::new(995, Currency::eur()));
        let (first, second) = (whole.returned(Money::new(0, Currency::eur()), a), whole.returned(a, b));
        assert_eq!((first.gross.minor, first.tax.minor, first.net.minor), (-495, -79, -416));
        assert_eq!(first.tax.minor + second.tax.minor, -238);
        let abroad = tax(1490, "DE", true, "2026-11-21");
        assert_eq!(abroad.returned(Money::new(0, Currency::eur()), abroad.gross).tax.minor, 0);
    }

    proptest::proptest! {
        #[test]
        fn parts_that_go_back_add_up(parts in proptest::collection::vec(1_i64..5_000, 1..12), which in 0..EU_RATES.len()) {
            let whole = tax(parts.iter().sum(), EU_RATES[which].country, false, "2026-11-21");
            let (mut before, mut back) = (0, 0);
            for part in parts {
                let t = whole.returned(Money::new(before, Currency::eur()), Money::new(part, Currency::eur()));
                proptest::prop_assert_eq!(t.net.minor + t.tax.minor, t.gross.minor);
                proptest::prop_assert!(t.tax.minor <= 0 && t.net.minor <= 0);
                before += part;
                back += t.tax.minor;
            }
            proptest::prop_assert_eq!(back, -whole.tax.minor);
        }

        #[test]
        fn net_and_tax_make_the_price_and_tax_is_nearest(minor in 0_i64..10_000_000, which in 0..EU_RATES.len()) {
            let country = EU_RATES[which].country;
            let t = tax(minor, country, false, "2026-11-21");
            proptest::prop_assert_eq!(t.net.minor + t.tax.minor, t.gross.minor);
            let exact = minor as f64 * f64::from(t.basis_points) / f64::from(10_000 + t.basis_points);
            proptest::prop_assert!((t.tax.minor as f64 - exact).abs() <= 0.5 + 1e-6);
        }
    }
}
