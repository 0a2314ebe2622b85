//! A coupon: a code that makes the next periods of a subscription cost less.

mod commands;
#[expect(clippy::module_inception, reason = "every aggregate lies in a file of its own name")]
mod coupon;
mod error;
mod events;
#[cfg(test)]
mod tests;

pub use commands::CouponCommand;
pub use coupon::{Coupon, coupon_id, parse_code};
pub use error::CouponError;
pub use events::CouponEvent;

crate::decider!(Coupon, CouponCommand, CouponEvent, CouponError, "coupon");
