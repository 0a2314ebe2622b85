//! Values and traits that every aggregate uses.

pub mod aggregate;
pub mod ids;
pub mod mail_address;
pub mod personal;
pub mod slug;

pub use aggregate::Decider;
pub use ids::{AccountId, derive_id};
pub use mail_address::MailAddress;
pub use personal::{PersonalRef, PersonalValue};
pub use slug::Slug;
