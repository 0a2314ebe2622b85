use super::{CouponCommand, CouponError, CouponEvent};
use crate::domain::shared::discount::{Discount, Off};
use crate::domain::shared::{AccountId, derive_id};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most periods that a coupon may name.
const MOST_PERIODS: u32 = 120;

/// Most minor units that a coupon may take off: no plan costs so much.
const MOST_OFF: i64 = 10_000_000;

/// A coupon as its events made it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Coupon {
    id: Uuid,
    code: String,
    off: Option<Off>,
    periods: Option<u32>,
    limit: Option<u32>,
    last_day: Option<NaiveDate>,
    ended: bool,
    /// Who used it, for which subscription.
    used: BTreeMap<AccountId, Uuid>,
}

/// The coupon of a code: the same code is the same coupon.
#[must_use]
pub fn coupon_id(code: &str) -> Uuid {
    derive_id("coupon", code)
}

/// A code as it is kept: capitals, without what people type around it.
///
/// # Errors
/// If it is none.
pub fn parse_code(text: &str) -> Result<String, CouponError> {
    let code = text.trim().to_ascii_uppercase();
    let plain = code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !(3..=24).contains(&code.len()) || !plain {
        return Err(CouponError::Code);
    }
    Ok(code)
}

/// A code that may be given to a new coupon: not so short that it is guessed, and more than hyphens. Older ones
/// keep theirs.
fn is_new_code(code: &str) -> bool {
    code.len() >= 4 && code.chars().any(|c| c.is_ascii_alphanumeric())
}

impl Coupon {
    /// What it gives; none before it was created.
    #[must_use]
    pub fn discount(&self) -> Option<Discount> {
        Some(Discount { coupon: self.id, code: self.code.clone(), off: self.off?, periods: self.periods })
    }

    /// How many people used it.
    #[must_use]
    pub fn times_used(&self) -> usize {
        self.used.len()
    }

    /// How many may.
    #[must_use]
    pub const fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// The last day on which it can be used.
    #[must_use]
    pub const fn last_day(&self) -> Option<NaiveDate> {
        self.last_day
    }

    /// Whether it was ended.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Decides what follows from a command.
    ///
    /// # Errors
    /// The reason for which it is refused.
    pub fn decide(&self, command: CouponCommand) -> Result<Vec<CouponEvent>, CouponError> {
        match command {
            CouponCommand::Create { coupon, code, off, periods, limit, last_day, today, at } => {
                let code = parse_code(&code)?;
                if self.off.is_some() {
                    let same = (self.off, self.periods, self.limit, self.last_day)
                        == (Some(off), periods, limit, last_day);
                    return if same && !self.ended { Ok(vec![]) } else { Err(CouponError::Exists) };
                }
                if !is_new_code(&code) {
                    return Err(CouponError::Code);
                }
                let day_over = last_day.is_some_and(|last| last < today);
                if day_over {
                    return Err(CouponError::LastDay);
                }
                let sensible = match off {
                    Off::Percent { percent } => (1..100).contains(&percent),
                    Off::Amount { amount } => amount.minor > 0,
                };
                if !sensible {
                    return Err(CouponError::Off);
                }
                if matches!(off, Off::Amount { amount } if amount.minor > MOST_OFF) {
                    return Err(CouponError::TooMuch);
                }
                if periods.is_some_and(|n| n == 0 || n > MOST_PERIODS) {
                    return Err(CouponError::Periods);
                }
                if limit == Some(0) {
                    return Err(CouponError::Limit);
                }
                Ok(vec![CouponEvent::CouponCreated { coupon, code, off, periods, limit, last_day, at }])
            }
            CouponCommand::Redeem { subscription, account, price, today, at } => {
                let off = self.off.ok_or(CouponError::Missing)?;
                match self.used.get(&account) {
                    Some(before) if *before == subscription => return Ok(vec![]),
                    Some(_) => return Err(CouponError::UsedBefore),
                    None => {}
                }
                if self.ended || self.last_day.is_some_and(|last| today > last) {
                    return Err(CouponError::Over);
                }
                let number = u32::try_from(self.used.len()).unwrap_or(u32::MAX).saturating_add(1);
                if self.limit.is_some_and(|most| number > most) {
                    return Err(CouponError::UsedUp);
                }
                if off.of(price).is_none() {
                    return Err(CouponError::DoesNotFit);
                }
                Ok(vec![CouponEvent::CouponRedeemed { subscription, account, number, at }])
            }
            CouponCommand::End { at } => match (self.off, self.ended) {
                (None, _) => Err(CouponError::Missing),
                (_, true) => Ok(vec![]),
                _ => Ok(vec![CouponEvent::CouponEnded { at }]),
            },
        }
    }

    /// Takes over what happened.
    pub fn apply(&mut self, event: CouponEvent) {
        match event {
            CouponEvent::CouponCreated { coupon, code, off, periods, limit, last_day, .. } => {
                self.id = coupon;
                self.code = code;
                self.off = Some(off);
                self.periods = periods;
                self.limit = limit;
                self.last_day = last_day;
            }
            CouponEvent::CouponRedeemed { subscription, account, .. } => {
                self.used.insert(account, subscription);
            }
            CouponEvent::CouponEnded { .. } => self.ended = true,
        }
    }
}
