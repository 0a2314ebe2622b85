//! What a coupon takes off a price, and for how long.

use super::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is taken off the price of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Off {
    /// A part of it.
    Percent {
        /// 1 to 99.
        percent: u8,
    },
    /// An amount, tax included.
    Amount {
        /// How much.
        amount: Money,
    },
}

impl Off {
    /// What is taken off `price`: half up to the minor unit. None where it does not fit: in another
    /// currency, or where nothing would be left to pay (time that is free is given, not sold).
    #[must_use]
    pub fn of(self, price: Money) -> Option<Money> {
        let off = match self {
            Self::Percent { percent } => {
                let minor = (i128::from(price.minor) * i128::from(percent) * 2 + 100).div_euclid(200);
                Money::new(i64::try_from(minor).ok()?, price.currency)
            }
            Self::Amount { amount } => amount,
        };
        (off.currency == price.currency && off.minor > 0 && off.minor < price.minor).then_some(off)
    }

    /// "20 %", "€2.00".
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Percent { percent } => format!("{percent} %"),
            Self::Amount { amount } => amount.to_string(),
        }
    }
}

/// What a coupon gives to a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// The coupon.
    pub coupon: Uuid,
    /// What people typed.
    pub code: String,
    /// What it takes off.
    pub off: Off,
    /// For how many periods; none: for ever.
    pub periods: Option<u32>,
}

impl Discount {
    /// "20 % off for 3 periods".
    #[must_use]
    pub fn words(&self) -> String {
        let off = self.off.words();
        match self.periods {
            Some(1) => format!("{off} off once"),
            Some(n) => format!("{off} off for {n} periods"),
            None => format!("{off} off for as long as you stay"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shared::Currency;
    use proptest::prelude::*;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::eur())
    }

    #[test]
    fn a_discount_never_leaves_nothing_to_pay_and_never_mixes_currencies() {
        let percent = |percent| Off::Percent { percent };
        assert_eq!(percent(20).of(eur(1150)), Some(eur(230)));
        assert_eq!(percent(33).of(eur(995)), Some(eur(328)), "328.35 is 328");
        assert_eq!(percent(50).of(eur(999)), Some(eur(500)), "half up");
        assert_eq!(percent(99).of(eur(1)), None, "the only cent cannot be taken");
        assert_eq!(percent(100).of(eur(1150)), None);
        let amount = |amount| Off::Amount { amount };
        assert_eq!(amount(eur(1149)).of(eur(1150)), Some(eur(1149)));
        assert_eq!(amount(eur(1150)).of(eur(1150)), None);
        let usd = Currency::parse("USD").unwrap();
        assert_eq!(amount(Money::new(100, usd)).of(eur(1150)), None);
    }

    proptest! {
        #[test]
        fn what_is_left_is_between_one_cent_and_the_price(minor in 1_i64..10_000_000, percent in 1_u8..100) {
            if let Some(off) = (Off::Percent { percent }).of(eur(minor)) {
                prop_assert!(off.minor >= 1 && off.minor < minor);
                let exact = i128::from(minor) * i128::from(percent);
                prop_assert!((i128::from(off.minor) * 100 - exact).abs() <= 50, "within half a cent");
            }
        }
    }
}
