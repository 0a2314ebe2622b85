//! Amounts as Stripe writes them: <https://docs.stripe.com/currencies#special-cases>.
//!
//! Most are the minor units of ISO 4217. The króna and the Ugandan shilling have none any more, and Stripe goes on
//! writing a hundred for one of them; currencies with three digits behind the point are charged in tens.

use crate::domain::shared::{Currency, Money};

/// Without minor units, and written with two digits behind the point.
const HUNDREDS: [&str; 2] = ["ISK", "UGX"];

/// The least that is charged in a currency, in our minor units, where Stripe names one
/// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>). What counts there is the currency in which
/// the studio is paid out; for one that is paid out in another, the least may be a little more.
const LEAST: [(&str, i64); 24] = [
    ("AED", 200),
    ("AUD", 50),
    ("BGN", 100),
    ("BRL", 50),
    ("CAD", 50),
    ("CHF", 50),
    ("CZK", 1500),
    ("DKK", 250),
    ("EUR", 50),
    ("GBP", 30),
    ("HKD", 400),
    ("HUF", 17_500),
    ("INR", 50),
    ("JPY", 50),
    ("MXN", 1000),
    ("MYR", 200),
    ("NOK", 300),
    ("NZD", 50),
    ("PLN", 200),
    ("RON", 200),
    ("SEK", 300),
    ("SGD", 50),
    ("THB", 1000),
    ("USD", 50),
];

/// Whether so much can be charged there.
pub(super) fn is_chargeable(money: Money) -> bool {
    let least = LEAST.iter().find(|(code, _)| *code == money.currency.code()).map_or(1, |(_, least)| *least);
    money.minor >= least && to_stripe(money).is_some()
}

/// How many of Stripe's units one of ours is, and of which number theirs is a multiple.
fn scale(code: &str, exponent: u32) -> (i64, i64) {
    match exponent {
        0 if HUNDREDS.contains(&code) => (100, 100),
        3 => (1, 10),
        _ => (1, 1),
    }
}

/// Stripe's number for so many of our minor units; none if it cannot be charged there.
fn there(minor: i64, code: &str, exponent: u32) -> Option<i64> {
    let (times, multiple) = scale(code, exponent);
    minor.checked_mul(times).filter(|units| units % multiple == 0)
}

/// Our minor units for Stripe's number; none if it is no whole number of them.
fn here(units: i64, code: &str, exponent: u32) -> Option<i64> {
    let (times, _) = scale(code, exponent);
    (units % times == 0).then_some(units / times)
}

/// An amount for Stripe; none if it cannot be charged there.
pub(super) fn to_stripe(money: Money) -> Option<i64> {
    there(money.minor, money.currency.code(), money.currency.exponent())
}

/// An amount of Stripe's, with its currency in lower case as it is written there; none if it is no amount of ours.
pub(super) fn from_stripe(units: i64, currency: &str) -> Option<Money> {
    let currency = Currency::parse(currency).ok()?;
    Some(Money::new(here(units, currency.code(), currency.exponent())?, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_stripe_reads_them() {
        for (code, ours, stripes) in [
            ("EUR", 1150, Some(1150)),
            ("HUF", 250_000, Some(250_000)),
            ("JPY", 1500, Some(1500)),
            ("KRW", 9900, Some(9900)),
            ("VND", 99_000, Some(99_000)),
            ("ISK", 1500, Some(150_000)),
            ("KWD", 5120, Some(5120)),
            ("KWD", 5124, None),
            ("BHD", 1, None),
            ("JOD", 990, Some(990)),
            ("OMR", 1005, None),
            ("TND", 29_900, Some(29_900)),
            ("ISK", i64::MAX, None),
        ] {
            let money = Money::new(ours, Currency::parse(code).unwrap());
            assert_eq!(to_stripe(money), stripes, "{money}");
            if let Some(units) = stripes {
                assert_eq!(from_stripe(units, &code.to_ascii_lowercase()), Some(money), "and back");
            }
        }
        let chargeable = |code, minor| is_chargeable(Money::new(minor, Currency::parse(code).unwrap()));
        assert!(chargeable("EUR", 50) && chargeable("JPY", 50) && chargeable("KWD", 10));
        assert!(!chargeable("EUR", 49) && !chargeable("HUF", 17_499) && !chargeable("KWD", 5124));
        assert!(!chargeable("KWD", 0));
        assert_eq!(from_stripe(150_050, "isk"), None, "half a króna");
        assert_eq!(from_stripe(100, "xyz"), None);
        // Not sold in here, and not to be forgotten by whoever adds it.
        assert_eq!((there(5000, "UGX", 0), here(500_000, "UGX", 0)), (Some(500_000), Some(5000)));
    }
}
